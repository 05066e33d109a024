import { type DestinationStream, destination, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Config } from '../config/config.js';

type LogConfig = Config['log'];
type Write = (fields: object, message: string) => void;

/** One line per call: what happened as constant text, the particulars as fields. */
export interface Logger {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** Whether lines of that level are written, for callers that would do work to make one. */
  isLevelEnabled(level: LogConfig['level']): boolean;
  setLevel(level: LogConfig['level']): void;
}

export interface LoggerOptions extends LogConfig {
  /** Where lines go instead of standard output. */
  readonly output?: DestinationStream;
}

/**
 * Field names that are replaced by `[redacted]` wherever they stand in the first two levels. Nothing of the kind should
 * come here at all: this is the second line of defence.
 */
const secretFields = [
  'token',
  'endpoint',
  'application',
  'instance',
  'payload',
  'body',
  'secret',
  'password',
  'key',
  'handshake',
  'authorization',
];

/**
 * The program's log: JSON lines (`json`), text for people (`pretty`), or, with `auto`, text if standard output is a
 * terminal. Written synchronously, so that the last line before a crash is not lost.
 */
export function createLogger({ level, format, output }: LoggerOptions): Logger {
  const isTerminal = output === undefined && process.stdout.isTTY === true;
  const isPretty = format === 'pretty' || (format === 'auto' && isTerminal);
  const target = output ?? destination({ fd: 1, sync: true });
  const stream = isPretty ? prettyStream(target, isTerminal) : target;
  const log = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    stream,
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    isLevelEnabled: (wanted) => log.isLevelEnabled(wanted),
    setLevel: (wanted) => {
      log.level = wanted;
    },
  };
}

/** Name, text, code and stack. Not what else hangs on it: database drivers attach the row that they failed on. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? error.code : undefined;
  return {
    type: name,
    message,
    code,
    stack,
    ...(cause !== undefined && { cause: cause instanceof Error ? cause.message : String(cause) }),
  };
}

function prettyStream(output: DestinationStream, colorize: boolean): DestinationStream {
  const format = prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss', singleLine: true });
  return { write: (line) => output.write(format(line)) };
}
