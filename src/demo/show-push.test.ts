import { describe, expect, it } from 'vitest';
import { showPush } from './show-push.js';

const at = new Date(2026, 8, 7, 9, 5, 3);
const show = (payload: string | Uint8Array) => showPush(Buffer.from(payload), at);

describe('a push is shown', () => {
  it.each([
    ['text', 'Hello', '5 bytes: Hello'],
    ['one byte', 'x', '1 byte: x'],
    ['text of any language', 'Grüße 👋', '12 bytes: Grüße 👋'],
    ['lines', 'a\r\n\tb\\', '6 bytes: a\\r\\n\\tb\\\\'],
    ['what turns the direction of writing', 'a\u202eb\u2028', '8 bytes: a\\u{202e}b\\u{2028}'],
    ['a byte order mark', '\ufeffa', '4 bytes: \\u{feff}a'],
    ['what moves the cursor', '\u001b[2Jx', '5 bytes: 1b 5b 32 4a 78'],
    ['a control of eight bits', '\u009b2J', '4 bytes: c2 9b 32 4a'],
    ['bytes', new Uint8Array([0xff, 0, 1]), '3 bytes: ff 00 01'],
    ['many bytes', new Uint8Array(33).fill(255), `33 bytes: ${'ff '.repeat(32)}…`],
    ['32 bytes', new Uint8Array(32).fill(255), `32 bytes: ${'ff '.repeat(32).trimEnd()}`],
    ['long text', 'é'.repeat(1_001), `2002 bytes: ${'é'.repeat(1_000)}…`],
  ])('%s', (_what, payload, expected) => {
    expect(show(payload)).toBe(`09:05:03  ${expected}`);
  });
});
