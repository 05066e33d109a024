import { describe, expect, it } from 'vitest';
import { Jid } from '../../../xmpp/jid.js';
import { readClaims, writeClaims } from './claims.js';

const claims = {
  sub: 'ana@example.org/phone-7',
  application: '8xbqhS2I8Bp2pMfMlPiDKRb3E8Wb4yLxf2WxJq0nZ3I=',
  instance: 'wR3pyyvOqJ0o3vKZ8nLrYxk1QGmVtHeSBbT7uD9cFiU=',
  exp: 1788868800,
};

const read = (changes: Record<string, unknown>) => readClaims(JSON.stringify({ ...claims, ...changes }));

describe('claims', () => {
  it("are Prosody's, in any order and with others beside them", () => {
    const { sub, application, instance, exp } = claims;
    expect(read({ iat: 1 })).toEqual({ jid: Jid.parse(sub), application, instance, expiresAt: exp });
  });

  it('come back as they were written', () => {
    const registration = read({ sub: 'ana@example.org/Grüße "von" hier' });
    if (registration === undefined) throw new Error('not read');
    expect(readClaims(writeClaims(registration))).toEqual(registration);
    expect(JSON.parse(writeClaims(registration))).toEqual({
      ...claims,
      sub: 'ana@example.org/Grüße "von" hier',
    });
  });

  it.each([
    [{ sub: undefined }],
    [{ sub: 7 }],
    [{ sub: 'ana@example.org' }],
    [{ sub: 'example.org' }],
    [{ sub: 'a@@b/c' }],
    [{ sub: '' }],
    [{ application: undefined }],
    [{ application: 'AAAA' }],
    [{ instance: null }],
    [{ instance: [claims.instance] }],
    [{ exp: undefined }],
    [{ exp: '1788868800' }],
    [{ exp: null }],
    [{ exp: 1e300 }],
  ])('with %o are none', (changes) => {
    expect(read(changes)).toBeUndefined();
  });

  it.each(['', '{', 'null', '7', '[]', '"x"'])('are not to be had from %s', (json) => {
    expect(readClaims(json)).toBeUndefined();
  });
});
