import type { LoadOptions } from '../config/load.js';

/** What a command has of the process it runs in. */
export interface Io {
  /** Writes a line to standard output. */
  out(line: string): void;
  /** Writes a line to standard error. */
  err(line: string): void;
  /** A new password from standard input or the terminal; rejects, in words, if there is none. */
  readNewPassword(): Promise<string>;
  /** Where the configuration comes from, the file aside; the process's own environment and folder if absent. */
  readonly load?: Pick<LoadOptions, 'env' | 'cwd'>;
  /** The script that Node runs; absent if commands that are printed shall say `belfry`. */
  readonly script?: string | undefined;
  /**
   * From now on SIGHUP calls `onHangup`, and the first SIGINT or SIGTERM resolves with its name; a second one ends the
   * process at once.
   */
  watchSignals(onHangup: () => void): Promise<string>;
}

/** The options that every command with a configuration has. */
export interface ConfigOption {
  readonly config?: string;
}
