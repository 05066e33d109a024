import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, unknownKeyText, unknownVariableText } from './suggest.js';

describe('the edit distance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['secret', 'secert', 2],
    ['secret', 'secrets', 1],
    ['kitten', 'sitting', 3],
  ])('of %j and %j is %d', (a, b, distance) => expect(editDistance(a, b)).toBe(distance));

  it('is symmetric, and between the difference and the maximum of the lengths', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance === 0).toBe(a === b);
      }),
    );
  });
});

describe('a suggestion', () => {
  it('is the nearest name, if it is near', () => {
    expect(unknownKeyText('component.', 'secrte')).toBe('is no key; did you mean component.secret?');
    expect(unknownKeyText('', 'Log')).toBe('is no key; did you mean log?');
    expect(unknownKeyText('log.', 'x')).toBe('is no key; its keys are level, format');
    expect(unknownVariableText('BELFRY_HTTP_LISTENS')).toMatch(/BELFRY_HTTP_LISTEN\?$/);
    expect(unknownVariableText('BELFRY_SERVICE_HOST')).toMatch(/unset it/);
  });

  it('takes no long time for a long name', () => {
    expect(unknownKeyText('', 'x'.repeat(1_000_000))).toMatch(/^is no key; keys are/);
  });
});
