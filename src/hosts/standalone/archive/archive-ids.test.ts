import { describe, expect, it } from 'vitest';
import { ArchiveIds, parseArchiveId, timeOfId } from './archive-ids.js';

const noon = Date.UTC(2026, 0, 1, 12);
const bytes =
  (...values: number[]) =>
  () =>
    Uint8Array.from(values);

describe('ArchiveIds', () => {
  it('gives the time, and within the millisecond what chance wants', () => {
    const id = new ArchiveIds({ now: () => noon, randomBytes: bytes(3, 231) }).next();
    expect(id).toBe(noon * 1000 + 999);
    expect(timeOfId(id)).toBe(noon);
    expect(new ArchiveIds({ now: () => noon + 0.7, randomBytes: bytes(0, 0) }).next()).toBe(noon * 1000);
  });

  it('always gives a higher one, also if many are wanted at once or the clock goes back', () => {
    let now = noon;
    const ids = new ArchiveIds({ now: () => now, randomBytes: bytes(255, 255) });
    const given: number[] = [];
    for (let n = 0; n < 2_000; n++) {
      if (n === 1_000) now -= 3_600_000;
      given.push(ids.next());
    }
    expect(given).toEqual([...new Set(given)].toSorted((a, b) => a - b));
  });

  it('begins above what was given before', () => {
    const ids = new ArchiveIds({ now: () => noon, randomBytes: bytes(0, 0) });
    ids.passOver(noon * 1000 + 5_000_000);
    expect(ids.next()).toBe(noon * 1000 + 5_000_001);
    ids.passOver(1);
    expect(ids.next()).toBe(noon * 1000 + 5_000_002);
  });
});

describe('parseArchiveId', () => {
  it('reads what was given', () => {
    expect(parseArchiveId('1767268800000123')).toBe(1_767_268_800_000_123);
  });

  it.each(['', '0', '-1', '01', '1.0', '1e3', ' 1', 'x', '9'.repeat(16), '9'.repeat(400), '١'])(
    'knows that %j is none',
    (text) => {
      expect(() => parseArchiveId(text)).toThrow(expect.objectContaining({ condition: 'item-not-found' }));
    },
  );
});
