import { describe, expect, it } from 'vitest';
import {
  bitString,
  der,
  derTrue,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  utf8String,
} from './der.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => Buffer.from(text, 'hex');

describe('DER', () => {
  it.each<[string, Uint8Array, string]>([
    ['zero', integer(bytes('00')), '020100'],
    ['nothing, which is zero', integer(bytes('')), '020100'],
    ['a number without its leading zeros', integer(bytes('00007f')), '02017f'],
    ['a number with the top bit set', integer(bytes('80')), '02020080'],
    ['a number with zeros inside', integer(bytes('0100')), '02020100'],
    ['true', derTrue, '0101ff'],
    ['a bit string', bitString(bytes('80'), 7), '03020780'],
    ['an octet string', octetString(bytes('0102')), '04020102'],
    ['a text', utf8String('ü'), '0c02c3bc'],
    ['an object identifier of ECDSA', oid('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    ['an object identifier of an extension', oid('2.5.29.17'), '0603551d11'],
    ['an empty sequence', sequence(), '3000'],
    ['a sequence', sequence(derTrue, derTrue), '30060101ff0101ff'],
    ['a set', setOf(derTrue), '31030101ff'],
    ['an explicit tag', explicit(3, derTrue), 'a3030101ff'],
    ['an implicit tag', implicit(2, bytes('61')), '820161'],
    [
      'a time',
      time(new Date('2049-12-31T23:59:59.999Z')),
      `170d${Buffer.from('491231235959Z').toString('hex')}`,
    ],
    [
      'a time from 2050 on',
      time(new Date('2050-01-01T00:00:00Z')),
      `180f${Buffer.from('20500101000000Z').toString('hex')}`,
    ],
  ])('writes %s', (_what, value, expected) => {
    expect(hex(value)).toBe(expected);
  });

  it.each([
    [0x7f, '047f'],
    [0x80, '048180'],
    [0xff, '0481ff'],
    [0x100, '04820100'],
    [0xffff, '0482ffff'],
  ])('writes a length of %d', (length, head) => {
    const value = der(4, new Uint8Array(length));
    expect(hex(value.subarray(0, head.length / 2))).toBe(head);
    expect(value).toHaveLength(head.length / 2 + length);
  });
});
