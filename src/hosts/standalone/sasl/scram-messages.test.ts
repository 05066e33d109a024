import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseClientFinal, parseClientFirst } from './scram-messages.js';

const bytes = (text: string) => Buffer.from(text, 'utf8');

describe('parseClientFirst', () => {
  it('reads the example of RFC 5802 §5', () => {
    expect(parseClientFirst(bytes('n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL'))).toEqual({
      flag: 'n',
      authzid: undefined,
      username: 'user',
      nonce: 'fyko+d2lbbFgONRv9qkxdawL',
      gs2Header: 'n,,',
      bare: 'n=user,r=fyko+d2lbbFgONRv9qkxdawL',
    });
  });

  it('reads flag, authorization identity, escapes and optional extensions', () => {
    expect(parseClientFirst(bytes('p=tls-exporter,a=a=3Db=2Cc,n=x=2C=3D2C,r=n,x=1,y=a=b'))).toEqual({
      flag: { type: 'tls-exporter' },
      authzid: 'a=b,c',
      username: 'x,=2C',
      nonce: 'n',
      gs2Header: 'p=tls-exporter,a=a=3Db=2Cc,',
      bare: 'n=x=2C=3D2C,r=n,x=1,y=a=b',
    });
    expect(parseClientFirst(bytes('y,,n=ü,r=n'))).toMatchObject({ flag: 'y', username: 'ü' });
  });

  it.each([
    ['nothing', ''],
    ['no GS2 header', 'n=user,r=abc'],
    ['an unknown flag', 'x,,n=user,r=abc'],
    ['a flag in capitals', 'N,,n=user,r=abc'],
    ['a binding without type', 'p=,,n=user,r=abc'],
    ['a binding with an impossible type', 'p=tls_unique,,n=user,r=abc'],
    ['an empty authorization identity', 'n,a=,n=user,r=abc'],
    ['another attribute for the authorization identity', 'n,b=x,n=user,r=abc'],
    ['no name', 'n,,r=abc'],
    ['an empty name', 'n,,n=,r=abc'],
    ['no nonce', 'n,,n=user'],
    ['an empty nonce', 'n,,n=user,r='],
    ['a nonce with a space', 'n,,n=user,r=a b'],
    ['a nonce beyond ASCII', 'n,,n=user,r=ä'],
    ['attributes in another order', 'n,,r=abc,n=user'],
    ['a mandatory extension first', 'n,,m=x,n=user,r=abc'],
    ['a mandatory extension last', 'n,,n=user,r=abc,m=x'],
    ['an extension without a value', 'n,,n=user,r=abc,x='],
    ['an extension without a name', 'n,,n=user,r=abc,=x'],
    ['a comma at the end', 'n,,n=user,r=abc,'],
    ['a bare sign of equality in the name', 'n,,n=us=er,r=abc'],
    ['an escape in small letters', 'n,,n=us=2cer,r=abc'],
    ['a bare sign of equality in the authorization identity', 'n,a==,n=user,r=abc'],
    ['NUL in the name', 'n,,n=us\0er,r=abc'],
    ['more than 8,192 bytes', `n,,n=user,r=${'a'.repeat(8_192)}`],
  ])('refuses %s', (_what, text) => {
    expect(parseClientFirst(bytes(text))).toBeUndefined();
  });

  it('refuses what is not UTF-8', () => {
    expect(
      parseClientFirst(Buffer.concat([bytes('n,,n='), Buffer.from([0xff]), bytes(',r=a')])),
    ).toBeUndefined();
  });

  it('reads back every name', () => {
    const name = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(name, fc.option(name, { nil: undefined }), (username, authzid) => {
        const quote = (text: string) => text.replaceAll('=', '=3D').replaceAll(',', '=2C');
        const header = `n,${authzid === undefined ? '' : `a=${quote(authzid)}`},`;
        const bare = `n=${quote(username)},r=abc`;
        const parsed = parseClientFirst(bytes(header + bare));
        expect(parsed).toMatchObject({ username, gs2Header: header, bare });
        expect(parsed?.authzid).toBe(authzid);
      }),
    );
  });
});

describe('parseClientFinal', () => {
  it('reads the example of RFC 5802 §5', () => {
    const parsed = parseClientFinal(bytes('c=biws,r=fyko3rfc,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts='));
    expect(parsed).toMatchObject({
      channelBinding: 'biws',
      nonce: 'fyko3rfc',
      withoutProof: 'c=biws,r=fyko3rfc',
    });
    expect(parsed?.proof).toHaveLength(20);
  });

  it('reads optional extensions, which are signed', () => {
    expect(parseClientFinal(bytes('c=biws,r=n,x=1,p=AA=='))).toMatchObject({
      withoutProof: 'c=biws,r=n,x=1',
    });
  });

  it.each([
    ['nothing', ''],
    ['no channel binding', 'r=n,p=AA=='],
    ['an empty channel binding', 'c=,r=n,p=AA=='],
    ['a channel binding that is not base64', 'c=b_ws,r=n,p=AA=='],
    ['no nonce', 'c=biws,p=AA=='],
    ['no proof', 'c=biws,r=n'],
    ['an empty proof', 'c=biws,r=n,p='],
    ['something after the proof', 'c=biws,r=n,p=AA==,x=1'],
    ['attributes in another order', 'r=n,c=biws,p=AA=='],
    ['base64 without padding', 'c=biws,r=n,p=AA'],
    ['base64 with bits that do not count', 'c=biws,r=n,p=AB=='],
    ['base64 with a line break', 'c=biws,r=n,p=AA\n=='],
    ['base64 of URLs', 'c=biws,r=n,p=__8='],
    ['a mandatory extension', 'c=biws,r=n,m=x,p=AA=='],
    ['NUL', 'c=biws,r=n,x=\0,p=AA=='],
  ])('refuses %s', (_what, text) => {
    expect(parseClientFinal(bytes(text))).toBeUndefined();
  });
});

describe('both parsers', () => {
  const pieces = ['n', 'y', 'p=', 'a=', 'n=', 'r=', 'c=', 'm=', ',', '=', '=2C', 'x', 'AA==', '\0', 'ü'];

  it('take any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (message) => {
        parseClientFirst(message);
        parseClientFinal(message);
      }),
    );
  });

  it('give back what they read as it came', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const first = parseClientFirst(bytes(text));
        if (first !== undefined) expect(first.gs2Header + first.bare).toBe(text);
        const final = parseClientFinal(bytes(text));
        if (final !== undefined) expect(text.startsWith(`${final.withoutProof},p=`)).toBe(true);
      }),
    );
  });
});
