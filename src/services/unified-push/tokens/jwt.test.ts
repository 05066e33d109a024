import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { jwtVerify, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { jwtKey, signJwt, verifyJwt } from './jwt.js';

const secret = 'a throw-away secret of the tests';
const key = jwtKey(secret);
const claims = { sub: 'ana@example.org/phone-7', application: 'a', instance: 'i', exp: 4102444800 };
const ours = signJwt(key, JSON.stringify(claims));

const encode = (text: string) => Buffer.from(text).toString('base64url');

function forge(head: string, body = JSON.stringify(claims), alg = 'sha256'): string {
  const signed = `${encode(head)}.${encode(body)}`;
  return `${signed}.${createHmac(alg, secret).update(signed).digest('base64url')}`;
}

describe('verifyJwt', () => {
  it('gives back the claims', () => {
    expect(JSON.parse(verifyJwt(key, ours) ?? '')).toEqual(claims);
  });

  it.each([
    ['no typ', '{"alg":"HS256"}'],
    ['another order', '{"typ":"JWT","alg":"HS256"}'],
    ['another typ', '{"alg":"HS256","typ":"at+jwt"}'],
  ])('takes a header with %s', (_name, head) => {
    expect(verifyJwt(key, forge(head))).toBeDefined();
  });

  it.each([
    ['alg none', '{"alg":"none"}'],
    ['no alg', '{"typ":"JWT"}'],
    ['another alg', '{"alg":"HS512"}'],
    ['alg in lower case', '{"alg":"hs256"}'],
    ['an extension it must understand', '{"alg":"HS256","crit":["b64"],"b64":false}'],
    ['no object', '"HS256"'],
    ['null', 'null'],
    ['no JSON', '{alg:HS256}'],
  ])('refuses a header with %s', (_name, head) => {
    expect(verifyJwt(key, forge(head))).toBeUndefined();
  });

  it('refuses unsigned tokens, other secrets and other hashes', () => {
    const [head, body] = ours.split('.');
    expect(verifyJwt(key, `${head}.${body}.`)).toBeUndefined();
    expect(verifyJwt(key, `${head}.${body}`)).toBeUndefined();
    expect(verifyJwt(key, `${ours}.x`)).toBeUndefined();
    expect(verifyJwt(jwtKey(`${secret}.`), ours)).toBeUndefined();
    expect(verifyJwt(key, forge('{"alg":"HS256"}', undefined, 'sha512'))).toBeUndefined();
  });

  it('refuses every change of one character, in the tail too', () => {
    for (let at = 0; at < ours.length; at++) {
      for (const other of ['A', 'B', '9', '.', '='].filter((character) => character !== ours[at])) {
        expect(verifyJwt(key, `${ours.slice(0, at)}${other}${ours.slice(at + 1)}`)).toBeUndefined();
      }
    }
  });

  it('throws at no text', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 4 }), (parts) => {
        expect(verifyJwt(key, parts.join('.'))).toBeUndefined();
      }),
    );
  });
});

describe('the jose package', () => {
  const joseKey = new TextEncoder().encode(secret);

  it('reads what we make', async () => {
    const { payload, protectedHeader } = await jwtVerify(ours, joseKey);
    expect(payload).toEqual(claims);
    expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' });
  });

  it('makes what we read', async () => {
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(joseKey);
    expect(JSON.parse(verifyJwt(key, token) ?? '')).toEqual(claims);
  });
});
