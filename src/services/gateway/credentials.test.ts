import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCredentials } from './credentials.js';

const key = new Uint8Array(randomBytes(32));
const random = (size: number) => new Uint8Array(randomBytes(size));
const credentials = createCredentials({ key, randomBytes: random });
const text = /^[\w-]{43}$/;

/** Another text of the same length, and characters. */
function withAnother(given: string, at: number): string {
  const other = given[at] === 'A' ? 'B' : 'A';
  return given.slice(0, at) + other + given.slice(at + 1);
}

describe('credentials', () => {
  it('are what the key makes of 16 random bytes', () => {
    const id = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
    const fixed = createCredentials({ key: new Uint8Array(32).fill(7), randomBytes: () => id });
    const hmac = (use: string) =>
      createHmac('sha256', Buffer.alloc(32, 7))
        .update(Buffer.concat([Buffer.from(use), id]))
        .digest();
    const node = fixed.createNode();
    expect(node).toBe(Buffer.concat([id, hmac('node').subarray(0, 16)]).toString('base64url'));
    expect(fixed.secretOf(node)).toBe(hmac('secret').toString('base64url'));
  });

  it('are others each time, and valid together', () => {
    const nodes = Array.from({ length: 100 }, () => credentials.createNode());
    const secrets = nodes.map((node) => credentials.secretOf(node));
    expect(new Set([...nodes, ...secrets]).size).toBe(200);
    for (const [at, node] of nodes.entries()) {
      expect(node).toMatch(text);
      expect(secrets[at]).toMatch(text);
      expect(credentials.check(node, secrets[at])).toBe('valid');
    }
  });

  it('are known again by whoever has the key, and by nobody else', () => {
    const node = credentials.createNode();
    const secret = credentials.secretOf(node);
    const later = createCredentials({ key: new Uint8Array(key), randomBytes: random });
    expect(later.secretOf(node)).toBe(secret);
    expect(later.check(node, secret)).toBe('valid');
    const others = createCredentials({ key: random(32), randomBytes: random });
    expect(others.check(node, secret)).toBe('unknown-node');
    expect(others.check(node, others.secretOf(node))).toBe('unknown-node');
  });

  it('are no good with the secret of another node, or none', () => {
    const node = credentials.createNode();
    const other = credentials.secretOf(credentials.createNode());
    for (const secret of [other, undefined, '', node]) {
      expect(credentials.check(node, secret)).toBe('wrong-secret');
    }
  });

  it('are no good once a character is another, wherever', () => {
    const node = credentials.createNode();
    const secret = credentials.secretOf(node);
    for (let at = 0; at < node.length; at++) {
      expect(credentials.check(withAnother(node, at), secret), `node ${at}`).toBe('unknown-node');
      expect(credentials.check(node, withAnother(secret, at)), `secret ${at}`).toBe('wrong-secret');
    }
  });

  it('are no good in another form of the same bytes, or with anything behind them', () => {
    const node = credentials.createNode();
    const secret = credentials.secretOf(node);
    const bytes = (given: string) => Buffer.from(given, 'base64url');
    const forms = [
      (given: string) => `${given}=`,
      (given: string) => ` ${given}`,
      (given: string) => `${given}\n`,
      (given: string) => given + 'A'.repeat(100_000),
      (given: string) => bytes(given).toString('base64'),
      (given: string) => bytes(given).toString('hex'),
    ];
    for (const form of forms) {
      expect(credentials.check(form(node), secret)).toBe('unknown-node');
      expect(credentials.check(node, form(secret))).toBe('wrong-secret');
    }
  });

  it('are no good when they are made up', () => {
    const madeUp = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ minLength: 0, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(
      fc.property(madeUp, fc.option(madeUp, { nil: undefined }), (node, secret) => {
        expect(credentials.check(node, secret)).toBe('unknown-node');
        expect(credentials.check(node, credentials.secretOf(node))).toBe('unknown-node');
        expect(credentials.check(credentials.createNode(), secret)).toBe('wrong-secret');
      }),
    );
  });
});
