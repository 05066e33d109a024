import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memoryStores } from '../../../../tests/harness/memory-stores.js';
import { Jid } from '../../../xmpp/jid.js';
import type { Registration } from '../registration.js';
import type { TokenBackendName } from './backend.js';
import { encryptLocal, formatLocalKey, parseLocalKey } from './paseto.js';
import { createTokens, type Tokens, type TokensOptions } from './tokens.js';

const start = 1_788_000_000;
const registration: Registration = {
  jid: Jid.parse('ana@example.org/phone-7'),
  application: '8xbqhS2I8Bp2pMfMlPiDKRb3E8Wb4yLxf2WxJq0nZ3I=',
  instance: 'wR3pyyvOqJ0o3vKZ8nLrYxk1QGmVtHeSBbT7uD9cFiU=',
  expiresAt: start + 100,
};
const jwtSecret = 'a throw-away secret of the tests';

/** An installation whose clock stands until it is moved, and whose service can be started again otherwise. */
function installation() {
  const stores = memoryStores();
  const clock = { seconds: start };
  return {
    stores,
    clock,
    start: (options: Pick<TokensOptions, 'backend' | 'secret'>) =>
      createTokens({ ...stores, now: () => clock.seconds * 1000, randomBytes, ...options }),
  };
}

async function mint(tokens: Tokens, wanted: Registration): Promise<string> {
  const token = await tokens.mint(wanted);
  if (token === undefined) throw new Error('too many registrations');
  return token;
}

const backends: { backend: TokenBackendName; secret?: string }[] = [
  { backend: 'paseto' },
  { backend: 'storage' },
  { backend: 'jwt', secret: jwtSecret },
];

describe.each(backends)('the $backend backend', (options) => {
  it('reads what it made, until the second it expires', async () => {
    const { clock, start } = installation();
    const tokens = await start(options);
    const token = await mint(tokens, registration);
    expect(token).toMatch(/^[A-Za-z0-9._-]{20,900}$/);
    for (clock.seconds += 0; clock.seconds < registration.expiresAt; clock.seconds += 33) {
      const verified = await tokens.verify(token);
      expect(verified).toMatchObject({ registration, backend: options.backend });
    }
    clock.seconds = registration.expiresAt;
    expect(await tokens.verify(token)).toBeUndefined();
    expect(await tokens.verify(token)).toBeUndefined();
  });

  it('reads it after a restart, and not on another installation', async () => {
    const { start } = installation();
    const token = await mint(await start(options), registration);
    expect(await (await start(options)).verify(token)).toMatchObject({ registration });
    const elsewhere = { ...options, ...(options.secret && { secret: 'another' }) };
    expect(await (await installation().start(elsewhere)).verify(token)).toBeUndefined();
  });

  it('revokes for good, for all processes at once', async () => {
    const { start } = installation();
    const tokens = await start(options);
    const other = await start(options);
    const token = await mint(tokens, registration);
    expect(await other.verify(token)).toBeDefined();
    expect(await (await tokens.verify(token))?.revoke()).toBe(true);
    expect(await tokens.verify(token)).toBeUndefined();
    expect(await other.verify(token)).toBeUndefined();
    const again = await mint(tokens, registration);
    expect(again).not.toBe(token);
    expect(await other.verify(again)).toBeDefined();
    expect(await other.verify(token)).toBeUndefined();
  });

  it('counts all tokens of one instance by one key', async () => {
    const tokens = await installation().start(options);
    const keyOf = async (changes: Partial<Registration>) =>
      (await tokens.verify(await mint(tokens, { ...registration, ...changes })))?.key;
    const key = await keyOf({});
    expect(await keyOf({ jid: Jid.parse('ana@example.org/desk'), expiresAt: start + 200 })).toBe(key);
    expect(await keyOf({ jid: Jid.parse('bob@example.org/phone-7') })).not.toBe(key);
    expect(await keyOf({ instance: registration.application })).not.toBe(key);
    expect(await keyOf({ application: registration.instance })).not.toBe(key);
  });

  it('refuses tokens with one character changed, cut off or added', async () => {
    const tokens = await installation().start(options);
    const token = await mint(tokens, registration);
    const forms = [`${token}A`, `${token}=`, `A${token}`, token.slice(1), token.slice(0, -1), ''];
    for (let at = 0; at < token.length; at += 7) {
      forms.push(`${token.slice(0, at)}${token[at] === 'x' ? 'y' : 'x'}${token.slice(at + 1)}`);
    }
    for (const form of forms) expect(await tokens.verify(form)).toBeUndefined();
    expect(await tokens.verify(token)).toBeDefined();
  });

  it("passes on the database's failure", async () => {
    const { stores, start } = installation();
    const tokens = await start(options);
    const token = await mint(tokens, registration);
    stores.registrations.failure = new Error('disk full');
    stores.revocations.failure = stores.registrations.failure;
    await expect(tokens.verify(token)).rejects.toThrow('disk full');
  });
});

describe('the storage backend', () => {
  it('gives the same endpoint again and moves resource and expiry', async () => {
    const tokens = await installation().start({ backend: 'storage' });
    const token = await mint(tokens, registration);
    const renewed = { ...registration, jid: Jid.parse('ana@example.org/phone-8'), expiresAt: start + 900 };
    expect(await mint(tokens, renewed)).toBe(token);
    expect(await tokens.verify(token)).toMatchObject({ registration: renewed });
    expect(await mint(tokens, { ...registration, jid: Jid.parse('bob@example.org/x') })).not.toBe(token);
  });

  it('stores neither the id nor anything that gives it without the key', async () => {
    const { stores, start } = installation();
    const token = await mint(await start({ backend: 'storage' }), registration);
    const [row] = stores.registrations.rows.values();
    expect(JSON.stringify(row)).not.toContain(token);
    expect(Buffer.from(row?.seed ?? []).toString('base64url')).not.toBe(token);
    expect(token).toHaveLength(27);
  });

  it('keeps what was renewed while the device disowned it', async () => {
    const tokens = await installation().start({ backend: 'storage' });
    const token = await mint(tokens, registration);
    const verified = await tokens.verify(token);
    await mint(tokens, { ...registration, expiresAt: start + 200 });
    expect(await verified?.revoke()).toBe(false);
    expect(await tokens.verify(token)).toBeDefined();
  });

  it('takes a revocation by another process for done', async () => {
    const tokens = await installation().start({ backend: 'storage' });
    const token = await mint(tokens, registration);
    const [first, second] = [await tokens.verify(token), await tokens.verify(token)];
    expect([await first?.revoke(), await second?.revoke()]).toEqual([true, true]);
  });

  it('brings an expired endpoint back only if no push found it expired', async () => {
    const { clock, start: startTokens } = installation();
    const tokens = await startTokens({ backend: 'storage' });
    const token = await mint(tokens, registration);
    clock.seconds = start + 200;
    expect(await mint(tokens, { ...registration, expiresAt: start + 300 })).toBe(token);
    clock.seconds = start + 300;
    expect(await tokens.verify(token)).toBeUndefined();
    expect(await mint(tokens, { ...registration, expiresAt: start + 400 })).not.toBe(token);
  });

  it('lets a push through that meets a renewal', async () => {
    const { clock, stores, start: startTokens } = installation();
    const tokens = await startTokens({ backend: 'storage' });
    const token = await mint(tokens, registration);
    clock.seconds = start + 200;
    const remove = stores.registrations.remove.bind(stores.registrations);
    stores.registrations.remove = async (idHash, expiresAt) => {
      await mint(tokens, { ...registration, expiresAt: start + 300 });
      return remove(idHash, expiresAt);
    };
    expect(await tokens.verify(token)).toMatchObject({ registration: { expiresAt: start + 300 } });
  });
});

describe('a change of the backend or of the key', () => {
  const pasetoSecret = formatLocalKey(Buffer.alloc(32, 7));

  it('leaves the endpoints from before at work', async () => {
    const { start } = installation();
    const starts: Pick<TokensOptions, 'backend' | 'secret'>[] = [
      { backend: 'paseto' },
      { backend: 'storage' },
      { backend: 'paseto', secret: pasetoSecret },
      { backend: 'jwt', secret: jwtSecret },
    ];
    const made: string[] = [];
    for (const options of starts) made.push(await mint(await start(options), registration));
    const [kept = '', stored = '', imported = '', jwt = ''] = made;

    const readable = async (options: Pick<TokensOptions, 'backend' | 'secret'>) => {
      const tokens = await start(options);
      const verified = await Promise.all([kept, stored, imported, jwt].map(tokens.verify));
      return verified.map((one) => one?.backend);
    };
    expect(await readable({ backend: 'storage', secret: jwtSecret })).toEqual([
      'paseto',
      'storage',
      undefined,
      'jwt',
    ]);
    expect(await readable({ backend: 'storage', secret: pasetoSecret })).toEqual([
      'paseto',
      'storage',
      'paseto',
      undefined,
    ]);
  });

  it('mints with the imported key', async () => {
    const { start } = installation();
    const token = await mint(await start({ backend: 'paseto', secret: pasetoSecret }), registration);
    const elsewhere = await installation().start({ backend: 'paseto', secret: pasetoSecret });
    expect(await elsewhere.verify(token)).toMatchObject({ registration });
  });

  it('does not take a token with a footer, though it is authentic', async () => {
    const tokens = await installation().start({ backend: 'paseto', secret: pasetoSecret });
    const key = parseLocalKey(pasetoSecret);
    if (key === undefined) throw new Error('not a key');
    const { jid, application, instance, expiresAt: exp } = registration;
    const claims = Buffer.from(JSON.stringify({ sub: jid.toString(), application, instance, exp }));
    expect(await tokens.verify(encryptLocal(key, claims, randomBytes(32)))).toBeDefined();
    const footer = Buffer.from('x');
    expect(await tokens.verify(encryptLocal(key, claims, randomBytes(32), { footer }))).toBeUndefined();
  });
});

describe("endpoints that Prosody's mod_unified_push made", () => {
  const file = new URL('../../../../tests/vectors/prosody-tokens.json', import.meta.url);
  const prosody = JSON.parse(readFileSync(file, 'utf8'));

  it.each(['paseto', 'jwt'] as const)('go on with the same %s secret', async (backend) => {
    const { clock, start } = installation();
    const { secret, token } = prosody[backend];
    const tokens = await start({ backend, secret });
    const { sub, application, instance, exp } = prosody.claims;
    expect(await tokens.verify(token)).toMatchObject({
      backend,
      registration: { jid: Jid.parse(sub), application, instance, expiresAt: exp },
    });
    clock.seconds = exp;
    expect(await tokens.verify(token)).toBeUndefined();
  });
});

describe('a secret that does not fit', () => {
  it.each([
    [{ backend: 'jwt' }, 'unified_push.secret: the jwt backend needs one'],
    [{ backend: 'jwt', secret: '' }, 'unified_push.secret: is empty'],
    [{ backend: 'jwt', secret: formatLocalKey(randomBytes(32)) }, 'the jwt backend needs one'],
    [{ backend: 'paseto', secret: 'secret-token:paseto.v3.local:1234' }, 'expected 64 hexadecimal digits'],
  ] as const)('%o stops the start', async (options, message) => {
    await expect(installation().start(options)).rejects.toThrow(message);
  });

  it('is not repeated in the message', async () => {
    const secret = 'secret-token:paseto.v3.local:1234';
    const error = await installation()
      .start({ backend: 'paseto', secret })
      .catch((caught: Error) => caught.message);
    expect(error).not.toContain('1234');
  });
});
