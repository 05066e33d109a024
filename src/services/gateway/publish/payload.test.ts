import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Jid } from '../../../xmpp/jid.js';
import type { Encrypted, Summary } from './content.js';
import { encryptedPayloads, summaryPayloads } from './payload.js';

const account = 'ana@example.org';
const summary = (some: Partial<Summary> = {}): Summary => ({
  kind: 'summary',
  isImportant: false,
  isCall: false,
  count: 0,
  requests: 0,
  sender: undefined,
  body: '',
  ...some,
});
const encrypted = (some: Partial<Encrypted> = {}): Encrypted => ({
  kind: 'encrypted',
  isImportant: true,
  isCall: false,
  iv: 'AAAAAAAAAAAAAAAA',
  data: 'q83vASNFZ4mrze8BI0VniQ==',
  type: undefined,
  ...some,
});
const parse = (bytes: Uint8Array | undefined): unknown =>
  bytes && (JSON.parse(Buffer.from(bytes).toString()) as unknown);
const told = (some: Partial<Summary>) => parse(summaryPayloads(account, summary(some)).payload);
const sender = Jid.parse('romeo@example.net/orchard');

describe('what a browser is told', () => {
  it('has all that the server says', () => {
    expect(told({ isImportant: true, count: 3, requests: 2, sender, body: 'Wherefore art thou?' })).toEqual({
      v: 1,
      account,
      count: 3,
      importance: 'important',
      kind: 'message',
      conversation: 'romeo@example.net',
      sender: 'romeo@example.net/orchard',
      requests: 2,
      body: 'Wherefore art thou?',
    });
  });

  it('is no more than that', () => {
    expect(told({})).toEqual({ v: 1, account, count: 0, importance: 'unimportant', kind: 'other' });
  });

  it('counts one message at least where there is a body', () => {
    expect(told({ body: 'New message' })).toMatchObject({ count: 1 });
    expect(told({ body: 'New message', count: 4 })).toMatchObject({ count: 4 });
  });

  it.each([
    [{ count: 1 }, 'message'],
    [{ sender }, 'message'],
    [{ body: 'x' }, 'message'],
    [{ body: 'x', requests: 1 }, 'message'],
    [{ requests: 1 }, 'subscription'],
    [{ isCall: true, count: 1 }, 'call'],
    [{}, 'other'],
  ] as const)('of %o is of the kind %s', (some, kind) => {
    expect(told(some)).toMatchObject({ kind });
  });
});

describe('what is encrypted', () => {
  it('goes through as it came', () => {
    const { payload, shorter } = encryptedPayloads(account, encrypted());
    const { iv, data } = encrypted();
    expect(parse(payload)).toEqual({
      v: 1,
      account,
      importance: 'important',
      kind: 'encrypted',
      encrypted: { iv, data },
    });
    expect(parse(shorter)).toEqual({ v: 1, account, importance: 'important', kind: 'encrypted' });
  });

  it('may be a call', () => {
    const { payload } = encryptedPayloads(account, encrypted({ isCall: true, type: 'voip' }));
    expect(parse(payload)).toMatchObject({ kind: 'call', encrypted: { type: 'voip' } });
  });

  it('is more than 2,847 bytes if it must be', () => {
    const data = 'A'.repeat(3_000);
    const { payload } = encryptedPayloads(account, encrypted({ data }));
    expect(parse(payload)).toMatchObject({ account, encrypted: { data } });
  });

  it('is left out if push services do not take that much', () => {
    const { payload } = encryptedPayloads(account, encrypted({ data: 'A'.repeat(65_536) }));
    expect(parse(payload)).toEqual({ v: 1, importance: 'important', kind: 'encrypted' });
  });
});

it('what is short enough says all: there is nothing shorter', () => {
  expect(summaryPayloads(account, summary({ count: 1 })).shorter).toBeUndefined();
});

it('the shorter one is without who has written, and what', () => {
  const { shorter } = summaryPayloads(account, summary({ sender, body: 'x' }));
  expect(parse(shorter)).toEqual({
    v: 1,
    account,
    count: 1,
    importance: 'unimportant',
    kind: 'message',
    conversation: 'romeo@example.net',
  });
});

describe('whatever is said', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom('\0'.repeat(5_000), '😀'.repeat(20_000), '"'.repeat(4_000), 'x'.repeat(65_536)),
  );
  const jids = fc.constantFrom(
    undefined,
    sender,
    Jid.parse(`${'r'.repeat(1_000)}@example.net/${'\\'.repeat(1_000)}`),
  );
  const accounts = fc.constantFrom(account, `${'\\'.repeat(1_023)}@example.org`);

  it('fits into 2,847 bytes', () => {
    fc.assert(
      fc.property(accounts, texts, jids, fc.nat(999_999_999), (of, body, from, count) => {
        const { payload, shorter } = summaryPayloads(of, summary({ body, sender: from, count }));
        expect(payload.length).toBeLessThanOrEqual(2_847);
        expect(parse(payload)).toMatchObject({ v: 1 });
        expect(shorter === undefined || shorter.length <= payload.length).toBe(true);
      }),
    );
  });

  it('fits into 3,993 bytes if it is encrypted', () => {
    fc.assert(
      fc.property(accounts, texts, texts, fc.option(texts, { nil: undefined }), (of, iv, data, type) => {
        const { payload, shorter } = encryptedPayloads(of, encrypted({ iv, data, type }));
        expect(payload.length).toBeLessThanOrEqual(3_993);
        expect(shorter?.length).toBeLessThanOrEqual(2_847);
        expect(parse(payload)).toMatchObject({ v: 1 });
      }),
    );
  });
});
