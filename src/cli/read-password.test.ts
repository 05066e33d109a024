import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readNewPassword } from './read-password.js';

/** What is said in vain would be a password shown: it is collected. */
function terminal() {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (on: boolean) => modes.push(on),
  });
  let said = '';
  const say = (text: string) => {
    said += text;
  };
  return { input, modes, say, said: () => said };
}

async function type(...keys: string[]) {
  const { input, modes, say, said } = terminal();
  const password = readNewPassword(input, say);
  for (const key of keys) input.write(key);
  const result = await password.catch((error: Error) => error);
  return { result, modes, said: said() };
}

describe('a password from standard input', () => {
  const read = (...chunks: (string | Buffer)[]) => {
    const input = new PassThrough();
    for (const chunk of chunks) input.write(chunk);
    input.end();
    return readNewPassword(input, () => {});
  };

  it.each([
    ['a line', ['secret\n'], 'secret'],
    ['a line of Windows', ['secret\r\n'], 'secret'],
    ['no end of line', ['secret'], 'secret'],
    ['several lines', ['se', 'cret\nanother\n'], 'secret'],
    ['blanks', [' a b \n'], ' a b '],
    ['a character in two pieces', [Buffer.from([0xc3]), Buffer.from([0xa4, 10])], 'ä'],
  ])('is %s', async (_what, chunks, password) => {
    expect(await read(...chunks)).toBe(password);
  });

  it.each([
    ['nothing', [''], 'The password is empty.'],
    ['an empty line', ['\nsecret'], 'The password is empty.'],
    ['too much', ['x'.repeat(4_097)], 'The password is longer than 4096 bytes.'],
    ['no UTF-8', [Buffer.from([0xff, 10])], 'The password is not UTF-8.'],
  ])('is not %s', async (_what, chunks, message) => {
    await expect(read(...chunks)).rejects.toThrow(message);
  });

  it('is taken when its line is complete, though more could come', async () => {
    const input = new PassThrough();
    input.write('secret\n');
    expect(await readNewPassword(input, () => {})).toBe('secret');
  });
});

describe('a password typed on a terminal', () => {
  it('is asked for twice and not shown', async () => {
    expect(await type('s', 'ecret', '\r', 'secret\r')).toEqual({
      result: 'secret',
      modes: [true, false],
      said: 'Password: \nOnce more: \n',
    });
  });

  it('may be pasted at once, and edited', async () => {
    expect((await type('secret\nsecret\n')).result).toBe('secret');
    expect((await type('wrong\u0015secrä\u007fet\u001b\r', 'secreX\bt\r')).result).toBe('secret');
  });

  it.each([
    ['the two differ', ['secret\r', 'secrets\r'], 'The two passwords differ.'],
    ['there is none', ['\r\r'], 'The password is empty.'],
    ['Ctrl-C is typed', ['sec\u0003'], 'No password was given.'],
    ['Ctrl-D is typed', ['\u0004'], 'No password was given.'],
  ])('is not taken if %s, and the terminal is as before', async (_what, keys, message) => {
    const { result, modes } = await type(...keys);
    expect(result).toEqual(new Error(message));
    expect(modes).toEqual([true, false]);
  });

  it('is not taken if the terminal goes away', async () => {
    const { input, say } = terminal();
    const password = readNewPassword(input, say);
    input.end('sec');
    await expect(password).rejects.toThrow('No password was given.');
  });
});
