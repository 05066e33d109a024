import { describe, expect, it } from 'vitest';
import { createVapid, createVapidKey } from '../../../web-push/vapid.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { readToken } from './read-token.js';

const now = 1_800_000_000_000;
const base64url = (text: string) => Buffer.from(text).toString('base64url');
const tokenWith = (claims: string) => `${base64url('{"alg":"ES256"}')}.${base64url(claims)}.c2ln`;
const point = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 9)]);
const jwt = (token: string, key: string | undefined = point.toString('base64')) =>
  readToken(el('jwt', ns.push2, { key }, token));

it('a token and its key go into a field as they stand in ours', () => {
  const vapid = createVapid({
    privateKey: createVapidKey(),
    contact: 'mailto:ana@example.org',
    now: () => now,
  });
  const authorization = vapid.authorization('https://updates.example.net');
  const [, token = '', key = ''] = /^vapid t=(.*), k=(.*)$/.exec(authorization) ?? [];
  const read = jwt(`\n  ${token}\n`, Buffer.from(key, 'base64url').toString('base64'));
  expect(read).toEqual({ authorization, expiresAt: now / 1_000 + 12 * 3_600 });
  expect(jwt(token, key)).toEqual(read);
});

it.each([
  ['{}', undefined],
  ['[]', undefined],
  ['{"exp":"soon"}', undefined],
  ['{"exp":1800000000.5}', 1_800_000_000.5],
  ['{"exp":-1}', -1],
  ['{"exp":1e999}', Number.POSITIVE_INFINITY],
])('claims %s are good until %d', (claims, expiresAt) => {
  expect(jwt(tokenWith(claims)).expiresAt).toBe(expiresAt);
});

describe('what cannot stand in a field is a bad request', () => {
  it.each([
    ['nothing', ''],
    ['two parts', 'a.e30'],
    ['four parts', 'a.e30.c.d'],
    ['an unsigned token', 'a.e30.'],
    ['a line break', `${tokenWith('{}')}\r\nX: y`],
    ['a comma', `${tokenWith('{}')}, k=other`],
    ['NUL', `${tokenWith('{}')}\0`],
    ['claims that are no JSON', `a.${base64url('{')}.c`],
    ['claims that are no object', tokenWith('null')],
    ['claims that are a number', tokenWith('7')],
    ['a long one', tokenWith(`{"x":"${'x'.repeat(2_048)}"}`)],
    ['64 KiB', 'A'.repeat(65_536)],
  ])('%s', (_name, token) => {
    expect(() => jwt(token)).toThrow('bad-request');
  });

  it.each([
    ['no key', undefined],
    ['an empty key', ''],
    ['64 bytes', point.subarray(1).toString('base64')],
    ['66 bytes', Buffer.concat([point, Buffer.of(1)]).toString('base64')],
    ['a compressed point', Buffer.concat([Buffer.of(2), Buffer.alloc(32)]).toString('base64')],
    ['65 bytes that are no uncompressed point', Buffer.alloc(65, 2).toString('base64')],
    ['what is no base64', '!'.repeat(88)],
    ['a line break', `${point.toString('base64url')}\n`],
  ])('%s', (_name, key) => {
    const element = el('jwt', ns.push2, { key }, tokenWith('{}'));
    expect(() => readToken(element)).toThrow('bad-request');
  });
});
