import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memoryServerStores } from '../../../../tests/harness/memory-server-stores.js';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { Jid } from '../../../xmpp/jid.js';
import { credentialsFor } from './credentials.js';
import type { Channel, ChannelBinding, SaslExchange, SaslStep } from './sasl.js';
import { createSasl, type SaslServer } from './sasl-server.js';

const password = 'open sesame';
const ana = Jid.parse('ana@example.org');
const exporter = Buffer.from('what TLS exports');
const endPoint = Buffer.from('the hash of the certificate');
const all = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'];

const clear: Channel = { remoteAddress: '192.0.2.1', isPrivate: false, bindings: new Map() };
const encrypted: Channel = {
  remoteAddress: '192.0.2.1',
  isPrivate: true,
  bindings: new Map<ChannelBinding, () => Uint8Array>([
    ['tls-exporter', () => exporter],
    ['tls-server-end-point', () => endPoint],
  ]),
};
const unbound: Channel = { ...encrypted, bindings: new Map() };

let stores: ReturnType<typeof memoryServerStores>;
let recording: ReturnType<typeof recordingEvents>;
let sasl: SaslServer;

beforeEach(async () => {
  stores = memoryServerStores();
  recording = recordingEvents();
  await stores.accounts.create(ana.toString(), await credentialsFor(password, randomBytes));
  sasl = createSasl({
    domain: Jid.parse('example.org'),
    accounts: stores.accounts,
    secret: Buffer.alloc(32, 7),
    randomBytes,
    events: recording.events,
  });
});
afterEach(() => sasl.close());

function begin(mechanism: string, channel: Channel): SaslExchange {
  const exchange = sasl.begin(mechanism, channel);
  if (exchange === undefined) throw new Error(`${mechanism} is not offered`);
  return exchange;
}

interface ClientOptions {
  readonly username?: string;
  readonly password?: string;
  readonly channel?: Channel;
  /** The GS2 header. */
  readonly header?: string;
  readonly binding?: Uint8Array;
}

const plainOf = (authzid: string, username: string, secret: string) =>
  Buffer.from(`${authzid}\0${username}\0${secret}`);

/** A client's side of SCRAM. Checks the server's signature as a client does. */
async function scramLogin(mechanism: string, options: ClientOptions = {}): Promise<SaslStep> {
  const { channel = unbound, header = 'n,,', binding = Buffer.alloc(0) } = options;
  const hash = mechanism.includes('256') ? 'sha256' : 'sha1';
  const hmac = (key: Uint8Array, text: string) => createHmac(hash, key).update(text).digest();
  const exchange = begin(mechanism, channel);
  const bare = `n=${options.username ?? 'ana'},r=clientnonce`;
  const challenge = await exchange.next(Buffer.from(header + bare));
  if (challenge.kind !== 'challenge') return challenge;
  const serverFirst = Buffer.from(challenge.data).toString();
  const [, nonce = '', salt = '', count = ''] =
    /^r=(clientnonce[^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
  const salted = pbkdf2Sync(
    options.password ?? password,
    Buffer.from(salt, 'base64'),
    Number(count),
    hash === 'sha1' ? 20 : 32,
    hash,
  );
  const channelBinding = Buffer.concat([Buffer.from(header), binding]).toString('base64');
  const withoutProof = `c=${channelBinding},r=${nonce}`;
  const signed = `${bare},${serverFirst},${withoutProof}`;
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash(hash).update(clientKey).digest(), signed);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))).toString('base64');
  const end = await exchange.next(Buffer.from(`${withoutProof},p=${proof}`));
  if (end.kind === 'success') {
    const expected = hmac(hmac(salted, 'Server Key'), signed).toString('base64');
    expect(Buffer.from(end.data ?? []).toString()).toBe(`v=${expected}`);
  }
  return end;
}

function login(mechanism: string, options: ClientOptions = {}): Promise<SaslStep> {
  if (mechanism !== 'PLAIN') return scramLogin(mechanism, options);
  const message = plainOf('', options.username ?? 'ana', options.password ?? password);
  return begin('PLAIN', options.channel ?? unbound).next(message);
}

const bound = { channel: encrypted, header: 'p=tls-exporter,,', binding: exporter };
const optionsFor = (mechanism: string): ClientOptions => (mechanism.endsWith('PLUS') ? bound : {});

describe('the mechanisms', () => {
  it('are offered as the connection allows, the best first', () => {
    expect(sasl.mechanisms(encrypted)).toEqual(all);
    expect(sasl.mechanisms(unbound)).toEqual(all.slice(2));
    expect(sasl.mechanisms(clear)).toEqual(['SCRAM-SHA-256', 'SCRAM-SHA-1']);
  });

  it('do not begin where they are not offered', () => {
    expect(sasl.begin('PLAIN', clear)).toBeUndefined();
    expect(sasl.begin('SCRAM-SHA-1-PLUS', unbound)).toBeUndefined();
    expect(sasl.begin('scram-sha-1', unbound)).toBeUndefined();
    expect(sasl.begin('ANONYMOUS', encrypted)).toBeUndefined();
  });
});

describe.each(all)('%s', (mechanism) => {
  const options = optionsFor(mechanism);

  it.each(['ana', 'ANA', 'ana@example.org'])('lets the owner of the account in as %s', async (username) => {
    const step = await login(mechanism, { ...options, username });
    expect(step).toMatchObject({ kind: 'success', account: { jid: ana } });
    expect(recording.recorded).toEqual([]);
  });

  it('refuses a wrong password and a name without an account alike', async () => {
    const wrong = await login(mechanism, { ...options, password: 'guess' });
    const unknown = await login(mechanism, { ...options, username: 'nobody' });
    expect(wrong).toEqual({ kind: 'failure', condition: 'not-authorized' });
    expect(unknown).toEqual(wrong);
    const event = {
      name: 'authenticationFailed',
      client: '192.0.2.1',
      mechanism,
      condition: 'not-authorized',
    };
    expect(recording.recorded).toEqual([
      { ...event, account: 'ana@example.org' },
      { ...event, account: 'nobody@example.org' },
    ]);
  });

  it.each(['', 'ana@example.net', 'ana@', '@example.org', 'example.org', 'a/b', 'a b'])(
    'refuses %j, which is no account here',
    async (username) => {
      expect((await login(mechanism, { ...options, username })).kind).toBe('failure');
    },
  );

  it('answers that it cannot tell while the store fails', async () => {
    stores.tables.failure = new Error('disk on fire');
    expect(await login(mechanism, options)).toMatchObject({ condition: 'temporary-auth-failure' });
    expect(recording.recorded).toMatchObject([
      { name: 'storageFailed', what: 'authentication' },
      { name: 'authenticationFailed', condition: 'temporary-auth-failure' },
    ]);
  });

  it('looks at no more guesses after ten', async () => {
    for (let count = 0; count < 10; count++) await login(mechanism, { ...options, password: 'guess' });
    const find = vi.spyOn(stores.accounts, 'find');
    expect(await login(mechanism, options)).toMatchObject({
      kind: 'failure',
      condition: 'temporary-auth-failure',
      text: expect.stringContaining('Too many'),
    });
    expect(find).not.toHaveBeenCalled();
    const elsewhere = { ...(options.channel ?? unbound), remoteAddress: '192.0.2.9' };
    expect(await login(mechanism, { ...options, channel: elsewhere })).toMatchObject({ kind: 'success' });
  });

  it('asks a client that sent nothing for its first message, once', async () => {
    const exchange = begin(mechanism, encrypted);
    expect(await exchange.next(undefined)).toEqual({ kind: 'challenge', data: new Uint8Array() });
    expect(await exchange.next(undefined)).toMatchObject({ condition: 'malformed-request' });
  });

  it('answers nothing good after its end', async () => {
    const exchange = begin(mechanism, encrypted);
    await exchange.next(Buffer.from('nonsense'));
    const again = mechanism === 'PLAIN' ? plainOf('', 'ana', password) : Buffer.from('n,,n=ana,r=x');
    expect(await exchange.next(again)).toMatchObject({ condition: 'malformed-request' });
  });
});

describe('channel binding', () => {
  it.each([
    ['tls-exporter', exporter],
    ['tls-server-end-point', endPoint],
  ])('works with %s', async (type, binding) => {
    const options = { channel: encrypted, header: `p=${type},,`, binding };
    expect(await scramLogin('SCRAM-SHA-256-PLUS', options)).toMatchObject({ kind: 'success' });
  });

  it('fails when client and server are on different channels', async () => {
    const options = { ...bound, binding: endPoint };
    expect(await scramLogin('SCRAM-SHA-256-PLUS', options)).toMatchObject({ condition: 'not-authorized' });
  });

  it.each(['n,,', 'y,,', 'p=tls-unique,,'])('PLUS refuses %s', async (header) => {
    const step = await scramLogin('SCRAM-SHA-256-PLUS', { channel: encrypted, header });
    expect(step).toMatchObject({ condition: 'malformed-request' });
  });

  it('without PLUS refuses to bind', async () => {
    expect(await scramLogin('SCRAM-SHA-256', bound)).toMatchObject({ condition: 'malformed-request' });
  });

  it('notices when PLUS was hidden from a client that knows it', async () => {
    const options = { channel: encrypted, header: 'y,,' };
    expect(await scramLogin('SCRAM-SHA-256', options)).toMatchObject({ condition: 'not-authorized' });
    expect(await scramLogin('SCRAM-SHA-256', { header: 'y,,' })).toMatchObject({ kind: 'success' });
    expect(await scramLogin('SCRAM-SHA-256', { channel: encrypted })).toMatchObject({ kind: 'success' });
  });

  it('that breaks down is a failure of ours', async () => {
    const bindings = new Map<ChannelBinding, () => Uint8Array>([
      [
        'tls-exporter',
        () => {
          throw new Error('the socket is closed');
        },
      ],
    ]);
    const step = await scramLogin('SCRAM-SHA-1-PLUS', { ...bound, channel: { ...encrypted, bindings } });
    expect(step).toMatchObject({ condition: 'temporary-auth-failure' });
    expect(recording.recorded).toMatchObject([{ name: 'handlerFailed' }, { name: 'authenticationFailed' }]);
  });
});

describe('an authorization identity', () => {
  it.each(['ana@example.org', 'ANA@Example.org'])('may be the own account: %s', async (authzid) => {
    expect(await scramLogin('SCRAM-SHA-1', { header: `n,a=${authzid},` })).toMatchObject({ kind: 'success' });
    expect(await begin('PLAIN', unbound).next(plainOf(authzid, 'ana', password))).toMatchObject({
      kind: 'success',
    });
  });

  it.each(['ana', 'bea@example.org', 'ana@example.net', 'ana@example.org/phone', 'not an address'])(
    'may be no other: %s',
    async (authzid) => {
      const failure = { kind: 'failure', condition: 'invalid-authzid' };
      expect(await scramLogin('SCRAM-SHA-1', { header: `n,a=${authzid},` })).toEqual(failure);
      expect(await begin('PLAIN', unbound).next(plainOf(authzid, 'ana', password))).toEqual(failure);
    },
  );
});

describe('SCRAM for a name without an account', () => {
  const challengeFor = async (name: string, mechanism = 'SCRAM-SHA-256') => {
    const step = await begin(mechanism, unbound).next(Buffer.from(`n,,n=${name},r=abc`));
    if (step.kind !== 'challenge') throw new Error(step.kind);
    const [, salt = '', count = ''] = /,s=([^,]+),i=(\d+)$/.exec(Buffer.from(step.data).toString()) ?? [];
    return { salt, bytes: Buffer.from(salt, 'base64').length, count };
  };

  it('has the same salt each time, in whatever letters', async () => {
    const { salt } = await challengeFor('nobody');
    expect((await challengeFor('NoBody')).salt).toBe(salt);
    expect((await challengeFor('somebody')).salt).not.toBe(salt);
    expect((await challengeFor('nobody', 'SCRAM-SHA-1')).salt).not.toBe(salt);
  });

  it('looks like that of an account', async () => {
    const [known, unknown] = [await challengeFor('ana'), await challengeFor('nobody')];
    expect({ ...known, salt: '' }).toEqual({ ...unknown, salt: '' });
  });

  it('has other salts with another secret', async () => {
    const { salt } = await challengeFor('nobody');
    sasl = createSasl({
      domain: Jid.parse('example.org'),
      accounts: stores.accounts,
      secret: Buffer.alloc(32, 8),
      randomBytes,
      events: recording.events,
    });
    expect((await challengeFor('nobody')).salt).not.toBe(salt);
  });
});

describe('PLAIN', () => {
  it.each([
    ['nothing', ''],
    ['one part', 'ana'],
    ['two parts', 'ana\0open sesame'],
    ['four parts', '\0ana\0open\0sesame'],
    ['no name', '\0\0open sesame'],
    ['no password', '\0ana\0'],
    ['too much', `\0ana\0${'x'.repeat(8_192)}`],
  ])('refuses %s', async (_what, text) => {
    expect(await begin('PLAIN', unbound).next(Buffer.from(text))).toEqual({
      kind: 'failure',
      condition: 'malformed-request',
    });
  });

  it('refuses what is not UTF-8', async () => {
    const message = Buffer.concat([plainOf('', 'ana', 'x'), Buffer.from([0xc0])]);
    expect(await begin('PLAIN', unbound).next(message)).toMatchObject({ condition: 'malformed-request' });
  });

  it('prepares the password, and takes one that nobody can have for a wrong one', async () => {
    const soft = await begin('PLAIN', unbound).next(plainOf('', 'ana', 'open\u00ad\u00a0sesame'));
    expect(soft).toMatchObject({ kind: 'success' });
    const bell = await begin('PLAIN', unbound).next(plainOf('', 'ana', 'open\u0007'));
    expect(bell).toEqual({ kind: 'failure', condition: 'not-authorized' });
  });

  it('looks at no more than ten guesses even if hundreds come at once', async () => {
    const guesses = Array.from({ length: 100 }, () =>
      begin('PLAIN', unbound).next(plainOf('', 'ana', 'guess')),
    );
    const conditions = (await Promise.all(guesses)).map((step) => 'condition' in step && step.condition);
    const looked = conditions.filter((condition) => condition === 'not-authorized').length;
    // Those that were being looked at when the tenth failed come on top.
    expect(looked).toBeGreaterThanOrEqual(10);
    expect(looked).toBeLessThanOrEqual(12);
    expect(conditions.filter((condition) => condition === 'temporary-auth-failure')).toHaveLength(
      100 - looked,
    );
  });

  it('lets only so many wait', async () => {
    const logins = Array.from({ length: 510 }, (_, at) => {
      const channel = { ...unbound, remoteAddress: `198.51.${Math.floor(at / 5)}.1` };
      return begin('PLAIN', channel).next(plainOf('', `user${at}`, 'guess'));
    });
    const steps = await Promise.all(logins);
    const refused = steps.filter(
      (step) => step.kind === 'failure' && step.condition === 'temporary-auth-failure',
    );
    expect(refused).toHaveLength(8);
    expect(refused[0]).toMatchObject({ text: expect.stringContaining('at this moment') });
  });
});
