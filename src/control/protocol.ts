/**
 * What is said on the control socket: one line of JSON asks, `{"command":"user.add","args":{"jid":"…"}}`; lines of JSON
 * answer, any number of `{"item":"…"}` and then one `{"done":true}` or `{"failed":"why"}`.
 */
export interface ControlRequest {
  readonly command: string;
  /** Texts by name. */
  readonly args: ControlArgs;
}

export type ControlArgs = Readonly<Record<string, string>>;

/** A line of an answer. */
export type ControlLine =
  | { readonly item: string }
  | { readonly done: true }
  /** In words, for the operator. */
  | { readonly failed: string };

/**
 * Does a command. Items are written in order; each `write` resolves when there is room for more.
 * @throws {ControlError} why it was not done
 */
export type ControlHandler = (args: ControlArgs, write: (item: string) => Promise<void>) => Promise<void>;

/** By the name of the command. */
export type ControlHandlers = Readonly<Record<string, ControlHandler>>;

/** Why a command was not done, in a sentence for the operator. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

/** The name of the socket in `data_dir`. */
export const controlSocketName = 'control.sock';

/** Bytes of a line without its end: an address and a password have 1,023 each at most. */
export const maxLineBytes = 16 * 1024;

export function writeLine(value: ControlRequest | ControlLine): string {
  return `${JSON.stringify(value)}\n`;
}

/** Undefined for what is no request. */
export function parseRequest(line: string): ControlRequest | undefined {
  const value = parseObject(line);
  const args = value?.['args'];
  const command = value?.['command'];
  if (typeof command !== 'string' || !isTexts(args)) return undefined;
  return { command, args };
}

/** Undefined for what is no line of an answer. */
export function parseLine(line: string): ControlLine | undefined {
  const { item, done, failed } = parseObject(line) ?? {};
  if (typeof item === 'string') return { item };
  if (typeof failed === 'string') return { failed };
  return done === true ? { done } : undefined;
}

function parseObject(text: string): Partial<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is ControlArgs {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((item) => typeof item === 'string')
  );
}
