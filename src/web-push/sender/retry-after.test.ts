import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from './retry-after.js';

const now = Date.UTC(2026, 0, 1, 0, 0, 0);

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['120', 120],
    [' 7 ', 7],
    ['9'.repeat(400), 2 ** 31],
    ['Thu, 01 Jan 2026 00:02:00 GMT', 120],
    ['Thursday, 01-Jan-26 00:02:00 GMT', 120],
    ['Thu Jan  1 00:02:00 2026', 120],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
  ])('%s → %d', (text, seconds) => {
    expect(parseRetryAfter(text, now)).toBe(seconds);
  });

  it.each([
    undefined,
    '',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    'soon',
    '2026-01-01T00:02:00Z',
    'Thu, 99 Foo 2026 00:02:00 GMT',
  ])('%s means nothing', (text) => {
    expect(parseRetryAfter(text, now)).toBeUndefined();
  });

  it('counts up to full seconds', () => {
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:02:00 GMT', now + 1)).toBe(120);
  });

  it('is a number of seconds from 0 or nothing, whatever is said', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const after = parseRetryAfter(text, now);
        expect(after === undefined || (Number.isInteger(after) && after >= 0)).toBe(true);
      }),
    );
  });

  it('reads every date as it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (seconds) => {
        expect(parseRetryAfter(new Date(now + seconds * 1000).toUTCString(), now)).toBe(seconds);
      }),
    );
  });
});
