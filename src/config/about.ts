import { z } from 'zod';

/** What is told about a setting beside its type and default. */
export interface About {
  /** What it is for, in a sentence or two. */
  readonly meaning: string;
  /** Where there is no default, or it follows from other keys. */
  readonly defaultInWords?: string;
  /** The name by which Prosody's operators know it. */
  readonly prosody?: string;
  /** True if it may be given as the name of a file that holds it, in the key with `_file` at its end. */
  readonly isSecret?: boolean;
  /** True if SIGHUP applies a new value. */
  readonly isReloadable?: boolean;
}

/** What is told about each setting, by its type in the schema. */
export const about = z.registry<About>();
