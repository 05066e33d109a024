import { createCipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { LocalProtocol } from 'paseto';
import { DecryptFactory, EncryptFactory, ImportKeyFactory } from 'paseto/v3/local';
import { describe, expect, it } from 'vitest';
import { decryptLocal, encryptLocal, formatLocalKey, type LocalKey, parseLocalKey } from './paseto.js';

interface Vector {
  readonly name: string;
  readonly 'expect-fail': boolean;
  readonly key?: string;
  readonly nonce?: string;
  readonly token: string;
  readonly payload: string | null;
  readonly footer: string;
  readonly 'implicit-assertion': string;
}

function readVectors(name: string) {
  return JSON.parse(readFileSync(new URL(`../../../../tests/vectors/${name}`, import.meta.url), 'utf8'));
}

const { tests: vectors }: { tests: Vector[] } = readVectors('paseto-v3.json');
/** Those for a symmetric key; the others are about v3.public. */
const local = vectors.filter((vector) => vector.key !== undefined);

function keyOf(bytes: Uint8Array): LocalKey {
  const key = parseLocalKey(formatLocalKey(bytes));
  if (key === undefined) throw new Error('not a key');
  return key;
}

function open(vector: Vector) {
  return decryptLocal(keyOf(Buffer.from(vector.key ?? '', 'hex')), vector.token, {
    implicitAssertion: Buffer.from(vector['implicit-assertion']),
  });
}

describe('the official v3.local vectors', () => {
  it('are there', () => {
    expect(local.filter((vector) => vector['expect-fail']).map((vector) => vector.name)).toEqual([
      '3-F-2',
      '3-F-3',
      '3-F-4',
      '3-F-5',
    ]);
    expect(local.filter((vector) => !vector['expect-fail'])).toHaveLength(9);
  });

  it.each(local.filter((vector) => !vector['expect-fail']))('$name opens and is made', (vector) => {
    const opened = open(vector);
    expect(opened?.message.toString()).toBe(vector.payload);
    expect(opened?.footer.toString()).toBe(vector.footer);
    const made = encryptLocal(
      keyOf(Buffer.from(vector.key ?? '', 'hex')),
      Buffer.from(vector.payload ?? ''),
      Buffer.from(vector.nonce ?? '', 'hex'),
      {
        footer: Buffer.from(vector.footer),
        implicitAssertion: Buffer.from(vector['implicit-assertion']),
      },
    );
    expect(made).toBe(vector.token);
  });

  it.each(local.filter((vector) => vector['expect-fail']))('$name is refused', (vector) => {
    expect(open(vector)).toBeUndefined();
  });
});

describe('keys', () => {
  it.each([
    'secret-token:paseto.v3.local:',
    `secret-token:paseto.v3.local:${'0'.repeat(63)}`,
    `secret-token:paseto.v3.local:${'0'.repeat(65)}`,
    `secret-token:paseto.v3.local:${'g'.repeat(64)}`,
    `secret-token:paseto.v4.local:${'0'.repeat(64)}`,
    '0'.repeat(64),
  ])('%s is none', (text) => {
    expect(parseLocalKey(text)).toBeUndefined();
  });
});

describe("a token made with Prosody's util.paseto, which encodes lengths in seven bits", () => {
  const { paseto, claims } = readVectors('prosody-tokens.json');
  const prosodyToken: string = paseto.token;
  const key = parseLocalKey(paseto.secret);
  if (key === undefined) throw new Error('not a key');

  it('opens', () => {
    expect(JSON.parse(decryptLocal(key, prosodyToken)?.message.toString() ?? '')).toEqual(claims);
  });

  it('does not open with anything changed, with a footer, or with an assertion', () => {
    const changed = `${prosodyToken.slice(0, 100)}A${prosodyToken.slice(101)}`;
    expect(changed).not.toBe(prosodyToken);
    expect(decryptLocal(key, changed)).toBeUndefined();
    expect(decryptLocal(key, `${prosodyToken}.Zm9v`)).toBeUndefined();
    const implicitAssertion = Buffer.alloc(128);
    expect(decryptLocal(key, prosodyToken, { implicitAssertion })).toBeUndefined();
  });
});

/** As Prosody's util.paseto makes them: the lowest seven bits of each length count. */
function sealAsProsody(key: Uint8Array, message: Uint8Array, footer = Buffer.alloc(0)): string {
  const nonce = randomBytes(32);
  const derive = (label: string) =>
    Buffer.from(hkdfSync('sha384', key, '', Buffer.concat([Buffer.from(label), nonce]), 48));
  const encryption = derive('paseto-encryption-key');
  const cipher = createCipheriv('aes-256-ctr', encryption.subarray(0, 32), encryption.subarray(32));
  const ciphertext = cipher.update(message);
  const parts = [Buffer.from('v3.local.'), nonce, ciphertext, footer, Buffer.alloc(0)];
  const le64 = (length: number) => Buffer.of(length & 0x7f, 0, 0, 0, 0, 0, 0, 0);
  const encoded = Buffer.concat([le64(parts.length), ...parts.flatMap((part) => [le64(part.length), part])]);
  const tag = createHmac('sha384', derive('paseto-auth-key-for-aead')).update(encoded).digest();
  const body = Buffer.concat([nonce, ciphertext, tag]).toString('base64url');
  return `v3.local.${body}${footer.length === 0 ? '' : `.${footer.toString('base64url')}`}`;
}

describe('lengths in seven bits', () => {
  const bytes = randomBytes(32);
  const message = Buffer.alloc(200, 'm');

  it('count where nothing follows the ciphertext', () => {
    expect(decryptLocal(keyOf(bytes), sealAsProsody(bytes, message))?.message).toEqual(message);
  });

  it('do not count with a footer', () => {
    const footer = Buffer.from('foot');
    expect(decryptLocal(keyOf(bytes), sealAsProsody(bytes, message, footer))).toBeUndefined();
    const short = Buffer.alloc(20, 'm');
    expect(decryptLocal(keyOf(bytes), sealAsProsody(bytes, short, footer))?.footer).toEqual(footer);
  });
});

describe('tokens of ours', () => {
  const key = keyOf(randomBytes(32));

  it('carry any message, footer and assertion', () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
    fc.assert(
      fc.property(bytes(300), bytes(300), bytes(300), (message, footer, implicitAssertion) => {
        const token = encryptLocal(key, message, randomBytes(32), { footer, implicitAssertion });
        const opened = decryptLocal(key, token, { implicitAssertion });
        expect(opened?.message).toEqual(Buffer.from(message));
        expect(opened?.footer).toEqual(Buffer.from(footer));
        const other = Uint8Array.of(...implicitAssertion, 0);
        expect(decryptLocal(key, token, { implicitAssertion: other })).toBeUndefined();
      }),
    );
  });

  it('do not open after any change of one character', () => {
    const token = encryptLocal(key, Buffer.from('{"exp":1788868800}'), randomBytes(32));
    for (let at = 0; at < token.length; at++) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      expect(decryptLocal(key, changed)).toBeUndefined();
    }
  });

  it('have one form only', () => {
    const token = encryptLocal(key, Buffer.from('12'), randomBytes(32));
    expect(decryptLocal(key, token)).toBeDefined();
    for (const suffix of ['=', '==', '.', '..', ' ', '\n']) {
      expect(decryptLocal(key, token + suffix)).toBeUndefined();
    }
    const sloppyTail = sameBytesOtherTail(token);
    expect(Buffer.from(sloppyTail.slice(9), 'base64url')).toEqual(Buffer.from(token.slice(9), 'base64url'));
    expect(decryptLocal(key, sloppyTail)).toBeUndefined();
  });

  it('do not open with another key', () => {
    const token = encryptLocal(key, Buffer.from('x'), randomBytes(32));
    expect(decryptLocal(keyOf(randomBytes(32)), token)).toBeUndefined();
  });

  it('never make the reader throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decryptLocal(key, text)).toBeUndefined();
        expect(decryptLocal(key, `v3.local.${text}`)).toBeUndefined();
      }),
    );
  });
});

describe('the paseto package', async () => {
  const paseto = new LocalProtocol(EncryptFactory, DecryptFactory, ImportKeyFactory);
  const bytes = randomBytes(32);
  const ours = keyOf(bytes);
  const theirs = await paseto.ImportKey(`k3.local.${bytes.toString('base64url')}`);
  const claims = { sub: 'ana@example.org/phone-7', exp: '2100-01-01T00:00:00Z', text: 'ä'.repeat(200) };

  it('reads what we make', async () => {
    const token = encryptLocal(ours, Buffer.from(JSON.stringify(claims)), randomBytes(32), {
      footer: Buffer.from('foot'),
      implicitAssertion: Buffer.from('assertion'),
    });
    const opened = await paseto.Decrypt(theirs, token, { implicitAssertion: Buffer.from('assertion') });
    expect(opened.claims).toEqual(claims);
  });

  it('makes what we read', async () => {
    const token = await paseto.Encrypt(theirs, claims);
    expect(JSON.parse(decryptLocal(ours, token)?.message.toString() ?? '')).toMatchObject(claims);
  });
});

/** The same token with the unused bits of its last character set. */
function sameBytesOtherTail(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + (alphabet[alphabet.indexOf(token.at(-1) ?? '') + 1] ?? '');
}
