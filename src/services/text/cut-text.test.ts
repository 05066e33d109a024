import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, jsonSize, utf8Size } from './cut-text.js';

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom('\u0000', '\b', '"', '\\', '\ud800', '😡'), fc.string()),
});

describe('cutText', () => {
  it.each([
    ['wine', 4, 'wine'],
    ['wine', 3, 'win'],
    ['wüst', 2, 'w'],
    ['wüst', 3, 'wü'],
    ['😡!', 3, ''],
    ['😡!', 4, '😡'],
    ['wine', 0, ''],
    ['wine', -7, ''],
    ['', 0, ''],
    ['\u07ff', 2, '\u07ff'],
    ['\u0800', 2, ''],
    ['\uffff', 3, '\uffff'],
    ['\u{10000}', 3, ''],
  ])('cuts %j to %i bytes of UTF-8', (text, bytes, cut) => {
    expect(cutText(text, bytes, utf8Size)).toBe(cut);
  });

  it('leaves as much as there is room for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (text, bytes) => {
        const cut = cutText(text, bytes, utf8Size);
        expect(text.startsWith(cut)).toBe(true);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytes);
        const [next] = text.slice(cut.length);
        if (next !== undefined) expect(Buffer.byteLength(cut + next)).toBeGreaterThan(bytes);
      }),
    );
  });

  it('knows what JSON makes of a text', () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), (text, bytes) => {
        const whole = cutText(text, Number.POSITIVE_INFINITY, jsonSize);
        expect(whole).toBe(text);
        const cut = cutText(text, bytes, jsonSize);
        const next = String.fromCodePoint(text.slice(cut.length).codePointAt(0) ?? 0);
        expect(quotedBytes(cut)).toBeLessThanOrEqual(bytes);
        if (cut !== text) expect(quotedBytes(cut) + quotedBytes(next)).toBeGreaterThan(bytes);
      }),
    );
  });
});

const quotedBytes = (text: string) => Buffer.byteLength(JSON.stringify(text)) - 2;
