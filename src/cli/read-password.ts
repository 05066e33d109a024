import type { Readable } from 'node:stream';

/** Standard input, as far as a password is read from it. */
export interface PasswordInput extends Readable {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
}

const maxBytes = 4_096;

/**
 * A new password: the first line of the input, or, on a terminal, what is typed twice without being shown. `say` writes
 * to the terminal.
 * @throws {Error} in words, if there is none, if the two differ, or if whoever types gives up
 */
export async function readNewPassword(input: PasswordInput, say: (text: string) => void): Promise<string> {
  const password = input.isTTY === true ? await typeTwice(input, say) : await readLine(input);
  if (password === '') throw new Error('The password is empty.');
  return password;
}

async function readLine(input: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    const piece = Buffer.from(chunk);
    chunks.push(piece);
    bytes += piece.length;
    if (piece.includes(10) || bytes > maxBytes) break;
  }
  const text = Buffer.concat(chunks);
  const end = text.indexOf(10);
  const line = end === -1 ? text : text.subarray(0, end);
  if (line.length > maxBytes) throw new Error(`The password is longer than ${maxBytes} bytes.`);
  return decode(line).replace(/\r$/, '');
}

function decode(line: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
  } catch {
    throw new Error('The password is not UTF-8.');
  }
}

async function typeTwice(terminal: PasswordInput, say: (text: string) => void): Promise<string> {
  const [first = '', second] = await typeHidden(terminal, ['Password: ', 'Once more: '], say);
  if (first !== second) throw new Error('The two passwords differ.');
  return first;
}

/** What is typed after each prompt; nothing of it is shown. */
function typeHidden(
  terminal: PasswordInput,
  prompts: readonly string[],
  say: (text: string) => void,
): Promise<string[]> {
  const lines: string[] = [];
  let typed = '';
  const typeKey = (key: string): 'go on' | 'done' | 'given up' => {
    if (key === '\u0003' || (key === '\u0004' && typed === '')) return 'given up';
    if (key !== '\r' && key !== '\n') {
      typed = edit(typed, key);
      return 'go on';
    }
    lines.push(typed);
    typed = '';
    say('\n');
    if (lines.length === prompts.length) return 'done';
    say(prompts[lines.length] ?? '');
    return 'go on';
  };
  return new Promise((resolve, reject) => {
    const end = (error?: Error) => {
      terminal.setRawMode?.(false);
      terminal.removeAllListeners('data').removeAllListeners('end').pause();
      if (error === undefined) resolve(lines);
      else reject(error);
    };
    const giveUp = () => {
      say('\n');
      end(new Error('No password was given.'));
    };
    terminal.setRawMode?.(true);
    terminal.setEncoding('utf8');
    terminal.on('end', giveUp);
    terminal.on('data', (keys: string) => {
      for (const key of keys) {
        const state = typeKey(key);
        if (state === 'done') return end();
        if (state === 'given up') return giveUp();
      }
    });
    say(prompts[0] ?? '');
  });
}

/** Backspace takes the last character back, Ctrl-U all; other controls are nothing. */
function edit(typed: string, key: string): string {
  if (key === '\u007f' || key === '\b') return [...typed].slice(0, -1).join('');
  if (key === '\u0015') return '';
  return /\p{Cc}/u.test(key) || typed.length >= maxBytes ? typed : typed + key;
}
