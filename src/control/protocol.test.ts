import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader } from './lines.js';
import { maxLineBytes, parseLine, parseRequest, writeLine } from './protocol.js';

const withoutEnd = (line: string) => line.slice(0, -1);

describe('a request', () => {
  it('is a line of JSON, and comes out as it went in', () => {
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.string()), (command, args) => {
        const line = writeLine({ command, args });
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(parseRequest(withoutEnd(line))).toEqual({ command, args: { ...args } });
      }),
    );
  });

  it.each([
    '',
    'hello',
    'null',
    '7',
    '[]',
    '{}',
    '{"command":"x"}',
    '{"command":7,"args":{}}',
    '{"command":"x","args":null}',
    '{"command":"x","args":{"jid":7}}',
  ])('is not %j', (line) => expect(parseRequest(line)).toBeUndefined());

  it('is read from anything without an exception', () => {
    fc.assert(fc.property(fc.json(), (line) => void parseRequest(line)));
  });
});

describe('a line of an answer', () => {
  it.each([{ item: 'ana@localhost' }, { failed: 'why' }, { done: true } as const])('is %j', (line) => {
    expect(parseLine(withoutEnd(writeLine(line)))).toEqual(line);
  });

  it.each(['', '{}', '{"done":1}', '{"item":7}', '[1]'])('is not %j', (line) => {
    expect(parseLine(line)).toBeUndefined();
  });
});

describe('lines', () => {
  it('are the same however they are cut', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((line) => !line.includes('\n'));
    fc.assert(
      fc.property(fc.array(text), fc.integer({ min: 1, max: 7 }), (lines, size) => {
        const read: string[] = [];
        const reader = new LineReader((line) => read.push(line));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size));
        expect(read).toEqual(lines);
      }),
    );
  });

  it('have a bound', () => {
    const reader = () => new LineReader(() => {});
    expect(reader().write(Buffer.alloc(maxLineBytes, 'x'))).toBe(true);
    expect(reader().write(Buffer.from(`${'x'.repeat(maxLineBytes)}\n`))).toBe(true);
    expect(reader().write(Buffer.alloc(maxLineBytes + 1, 'x'))).toBe(false);
    expect(reader().write(Buffer.from(`${'x'.repeat(maxLineBytes + 1)}\n`))).toBe(false);
  });
});
