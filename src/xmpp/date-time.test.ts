import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDateTime } from './date-time.js';

describe('parseDateTime', () => {
  it.each([
    ['1969-07-21T02:56:15Z', '1969-07-21T02:56:15.000Z'],
    ['1969-07-20T21:56:15-05:00', '1969-07-21T02:56:15.000Z'],
    ['2010-08-07T00:00:00.25Z', '2010-08-07T00:00:00.250Z'],
    ['2024-02-29T23:59:59+14:00', '2024-02-29T09:59:59.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('reads %s', (text, iso) => {
    expect(parseDateTime(text)).toBe(Date.parse(iso));
  });

  it('knows what is finer than a millisecond', () => {
    const whole = Date.parse('2010-08-07T00:00:00.001Z');
    expect(parseDateTime('2010-08-07T00:00:00.0015Z')).toBeCloseTo(whole + 0.5, 3);
  });

  it.each([
    '',
    'yesterday',
    '2010-08-07',
    '2010-08-07T00:00Z',
    '2010-08-07T00:00:00',
    '2010-08-07 00:00:00Z',
    '2010-13-07T00:00:00Z',
    '2010-02-30T00:00:00Z',
    '2010-08-07T25:00:00Z',
    '20100807T00:00:00Z',
    '2010-08-07T00:00:00.Z',
    '+012010-08-07T00:00:00Z',
    ' 2010-08-07T00:00:00Z',
  ])('takes %j for no time', (text) => {
    expect(parseDateTime(text)).toBeUndefined();
  });

  it('reads what a clock writes, and throws at nothing', () => {
    const dates = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(fc.property(dates, (date) => parseDateTime(date.toISOString()) === date.getTime()));
    const digits = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/);
    fc.assert(fc.property(digits, (text) => Number.isFinite(parseDateTime(text) ?? 0)));
  });
});
