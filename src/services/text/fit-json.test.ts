import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitJson } from './fit-json.js';

const whole = { v: 1, from: 'ben@example.net', to: 'ana@example.org', body: 'Grüße aus "Prag"' };
const fitted = (maxBytes: number) => fitJson(whole, 'body', ['from', 'to'], maxBytes);

describe('JSON that has to fit', () => {
  it('is all there if it does', () => {
    const json = JSON.stringify(whole);
    expect(fitted(Buffer.byteLength(json))).toBe(json);
  });

  it('is cut at the end of its text, then goes without it, and without what is expendable in that order', () => {
    const without = (...names: string[]) =>
      JSON.stringify(Object.fromEntries(Object.entries(whole).filter(([name]) => !names.includes(name))));
    const cut = JSON.stringify({ ...whole, body: 'Grüß' });
    expect(fitted(Buffer.byteLength(cut))).toBe(cut);
    expect(fitted(Buffer.byteLength(cut) - 1)).toBe(JSON.stringify({ ...whole, body: 'Grü' }));
    expect(fitted(without('body').length)).toBe(without('body'));
    expect(fitted(without('body').length - 1)).toBe(without('body', 'from'));
    expect(fitted(7)).toBe('{"v":1}');
    expect(fitted(0)).toBe('{"v":1}');
  });

  it('does, whatever is in it, and loses no more than it must', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(
        fc.record({ from: text, body: text }),
        fc.integer({ min: 2, max: 200 }),
        (value, maxBytes) => {
          const json = fitJson(value, 'body', ['from'], maxBytes);
          const { body, from } = JSON.parse(json) as Partial<typeof value>;
          expect(Buffer.byteLength(json)).toBeLessThanOrEqual(maxBytes);
          expect(value.body.startsWith(body ?? '')).toBe(true);
          if (body === value.body) expect(from).toBe(value.from);
        },
      ),
    );
  });
});
