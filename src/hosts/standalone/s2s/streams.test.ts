import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
} from '../../../../tests/harness/authority.js';
import type { RawClient } from '../../../../tests/harness/c2s.js';
import { waitFor } from '../../../../tests/harness/net.js';
import {
  letter,
  serverHeader,
  TestNetwork,
  type TestServer,
  type TestServerOptions,
} from '../../../../tests/harness/s2s.js';
import { ns } from '../../../xmpp/ns.js';
import { dialbackKey } from './dialback.js';

let authority: Authority;
let alphaCert: IssuedCertificate;
let betaCert: IssuedCertificate;
let strayCert: IssuedCertificate;
let network: TestNetwork;

beforeAll(() => {
  authority = createAuthority();
  alphaCert = authority.issue({ names: ['alpha.example'] });
  betaCert = authority.issue({ names: ['beta.example'] });
  strayCert = createAuthority('Nobody').issue({ names: ['alpha.example', 'beta.example'] });
});
beforeEach(() => {
  network = new TestNetwork();
});
afterEach(() => network.stop());

const pair = { local: 'alpha.example', remote: 'beta.example' };
const day = 24 * 60 * 60 * 1000;

const alpha = (more: Partial<TestServerOptions> = {}) =>
  network.start({
    domains: ['alpha.example'],
    certificate: alphaCert,
    authorities: [authority.cert],
    ...more,
  });
const beta = (more: Partial<TestServerOptions> = {}) =>
  network.start({ domains: ['beta.example'], certificate: betaCert, authorities: [authority.cert], ...more });

/** Neither can prove itself by a certificate. */
const strays = async (forAlpha: Partial<TestServerOptions> = {}, forBeta: Partial<TestServerOptions> = {}) =>
  [
    await alpha({ certificate: strayCert, ...forAlpha }),
    await beta({ certificate: strayCert, ...forBeta }),
  ] as const;
const noKeys: Partial<TestServerOptions> = { verifyKey: () => Promise.resolve('invalid') };

/** A connection to a server, in TLS without certificate, with its stream open as somebody's. */
async function pretend(
  server: TestServer,
  from: string,
  to: string,
): Promise<{ client: RawClient; id: string }> {
  const header = serverHeader(`from='${from}' to='${to}' version='1.0'`);
  const client = await server.raw();
  await client.write(header).expect('</stream:features>');
  await client.write(`<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
  await client.startTls();
  const answer = await client.write(header).expect('</stream:features>');
  return { client, id: / id='([^']+)'/.exec(answer)?.[1] ?? '' };
}

const claim = (key: string, from: string, to: string) =>
  `<db:result from='${from}' to='${to}'>${key}</db:result>`;
const keyOf = ({ context }: TestServer, receiving: string, originating: string, streamId: string) =>
  dialbackKey(context.dialbackSecret, { receiving, originating, streamId });

describe('two servers', () => {
  it('talk by certificates', async () => {
    const [a, b] = [await alpha(noKeys), await beta(noKeys)];
    const { stream, ready, closed } = await a.open(pair, b.port);
    expect(await ready).toBe('certificate');
    stream.send(letter('alpha.example', 'beta.example', 'one'));
    stream.send(letter('alpha.example', 'beta.example', 'two'));
    await b.receives('one', 'two');
    expect(b.routed[0]).toEqual(letter('alpha.example', 'beta.example', 'one'));
    stream.end();
    expect(await closed).toBeUndefined();
    await waitFor('the end', () => b.events.recorded.length === 2);
    const about = { domain: 'alpha.example', direction: 'incoming' };
    expect(b.events.recorded).toEqual([
      { name: 'serverConnected', ...about, authentication: 'certificate', encrypted: true },
      { name: 'serverDisconnected', ...about },
    ]);
  });

  it('talk with TLS from the first byte', async () => {
    const [a, b] = [await alpha(noKeys), await beta(noKeys)];
    const { stream, ready } = await a.open(pair, b.directTlsPort, { isDirectTls: true });
    expect(await ready).toBe('certificate');
    stream.send(letter('alpha.example', 'beta.example', 'one'));
    await b.receives('one');
  });

  it('talk by dialback where certificates do not verify', async () => {
    const [a, b] = await strays();
    const { stream, ready } = await a.open(pair, b.port);
    expect(await ready).toBe('dialback');
    stream.send(letter('alpha.example', 'beta.example', 'one'));
    await b.receives('one');
    expect(b.events.recorded).toMatchObject([{ name: 'serverConnected', authentication: 'dialback' }]);
  });

  it.each([
    ['ours', { certificate: 'stray' }, {}, ['certificate', 'dialback']],
    ['theirs', {}, { certificate: 'stray' }, ['dialback', 'certificate']],
  ] as const)('talk where only %s does not verify', async (_what, forAlpha, forBeta, [ours, theirs]) => {
    const stray = { certificate: strayCert };
    const a = await alpha('certificate' in forAlpha ? stray : {});
    const b = await beta('certificate' in forBeta ? stray : {});
    const { stream, ready } = await a.open(pair, b.port);
    expect(await ready).toBe(ours);
    stream.send(letter('alpha.example', 'beta.example', 'one'));
    await b.receives('one');
    expect(b.events.recorded).toMatchObject([{ name: 'serverConnected', authentication: theirs }]);
  });

  it('use TLS where they need not, too', async () => {
    const policy = { requireEncryption: false };
    const [a, b] = await strays({ policy }, { policy });
    const { ready } = await a.open(pair, b.port);
    await ready;
    expect(b.events.recorded).toMatchObject([{ name: 'serverConnected', encrypted: true }]);
  });

  it('talk both ways on one stream', async () => {
    const [a, b] = [await alpha(), await beta()];
    const { stream, ready } = await a.open(pair, b.port);
    await ready;
    await waitFor('bidi', () => b.bidi.has('alpha.example'));
    const link = b.bidi.get('alpha.example');
    expect(link?.send(letter('beta.example', 'alpha.example', 'back'))).toBe(true);
    stream.send(letter('alpha.example', 'beta.example', 'forth'));
    await Promise.all([a.receives('back'), b.receives('forth')]);
    stream.end();
    await waitFor('the end', () => !b.bidi.has('alpha.example'));
    expect(link?.send(letter('beta.example', 'alpha.example', 'late'))).toBe(false);
    expect(a.routed).toHaveLength(1);
  });

  it('answer questions about keys on streams that carry stanzas, too', async () => {
    const [a, b] = [await alpha(), await beta()];
    const { stream, ready } = await a.open(pair, b.port);
    await ready;
    expect(await stream.verify('id', keyOf(b, 'alpha.example', 'beta.example', 'id'))).toBe('valid');
    expect(await stream.verify('other', keyOf(b, 'alpha.example', 'beta.example', 'id'))).toBe('invalid');
  });
});

describe('a server that needs certificates', () => {
  const policy = { mustVerify: () => true };

  it('does not talk with another whose certificate does not verify', async () => {
    const [a, b] = [await alpha({ policy }), await beta({ certificate: strayCert })];
    const { closed } = await a.open(pair, b.port);
    expect(await closed).toMatchObject({
      condition: 'remote-server-not-found',
      reason: expect.stringMatching(/^The certificate of the server (is signed by|came without|does not)/),
    });
    expect(b.events.recorded).toEqual([]);
  });

  it('does not even ask it about keys', async () => {
    const [a, b] = [await alpha({ policy }), await beta({ certificate: strayCert })];
    const { ready } = await a.open(pair, b.port, { purpose: 'verify' });
    await expect(ready).rejects.toThrow('The certificate of the server');
  });

  it('tells another why it is not taken', async () => {
    const [a, b] = [await alpha({ certificate: strayCert }), await beta({ policy })];
    const { closed } = await a.open(pair, b.port);
    expect(await closed).toMatchObject({
      condition: 'remote-server-not-found',
      reason: expect.stringMatching(/not-authorized, "Your certificate /),
      isFinal: true,
    });
    expect(b.refusals()).toHaveLength(1);
  });

  it.each([
    ['has expired', { names: ['beta.example'], from: Date.now() - 9 * day, until: Date.now() - day }],
    ['is not valid yet', { names: ['beta.example'], from: Date.now() + day }],
    ['is not for beta.example', { names: ['gamma.example'] }],
  ])('says that a certificate %s', async (flaw, wishes) => {
    const [a, b] = [await alpha({ policy }), await beta({ certificate: authority.issue(wishes) })];
    const { closed } = await a.open(pair, b.port);
    expect(await closed).toMatchObject({ reason: `The certificate of the server ${flaw}.` });
  });

  it('takes those that are good', async () => {
    const [a, b] = [await alpha({ policy, ...noKeys }), await beta({ policy, ...noKeys })];
    const { ready } = await a.open(pair, b.port);
    expect(await ready).toBe('certificate');
  });
});

describe('a domain', () => {
  it('that is not there, or not wanted, is refused for good', async () => {
    const [a, b] = [await alpha(), await beta({ policy: { mayTalk: () => false } })];
    const blocked = await a.open(pair, b.port);
    expect(await blocked.closed).toMatchObject({
      isFinal: true,
      reason: expect.stringMatching(/policy-violation/),
    });
    const elsewhere = await a.open({ local: 'alpha.example', remote: 'gamma.example' }, b.port);
    expect(await elsewhere.closed).toMatchObject({
      isFinal: true,
      reason: expect.stringMatching(/host-unknown/),
    });
  });

  it('cannot be pretended: its server does not know the key', async () => {
    const [, b] = await strays();
    const { client, id } = await pretend(b, 'alpha.example', 'beta.example');
    const own = dialbackKey(Buffer.from('my secret'), {
      receiving: 'beta.example',
      originating: 'alpha.example',
      streamId: id,
    });
    expect(await client.write(claim(own, 'alpha.example', 'beta.example')).closed()).toContain(
      `type='invalid'`,
    );
    expect(b.routed).toEqual([]);
  });

  it('can be claimed with the key that its server makes for this stream', async () => {
    const [a, b] = await strays();
    const { client, id } = await pretend(b, 'alpha.example', 'beta.example');
    const right = keyOf(a, 'beta.example', 'alpha.example', id);
    await client.write(claim(right, 'alpha.example', 'beta.example')).expect(`type='valid'`);
  });

  it('cannot be claimed with a key of another stream', async () => {
    const [a, b] = await strays();
    const first = await pretend(b, 'alpha.example', 'beta.example');
    const { client } = await pretend(b, 'alpha.example', 'beta.example');
    const replayed = keyOf(a, 'beta.example', 'alpha.example', first.id);
    expect(await client.write(claim(replayed, 'alpha.example', 'beta.example')).closed()).toContain(
      `type='invalid'`,
    );
  });

  it('cannot be claimed with a key for another pair', async () => {
    const a = await alpha({ domains: ['alpha.example', 'rooms.alpha.example'], certificate: strayCert });
    const b = await beta({ domains: ['beta.example', 'rooms.beta.example'], certificate: strayCert });
    const { client, id } = await pretend(b, 'alpha.example', 'beta.example');
    const forRooms = keyOf(a, 'rooms.beta.example', 'alpha.example', id);
    const ofRooms = keyOf(a, 'beta.example', 'rooms.alpha.example', id);
    const right = keyOf(a, 'beta.example', 'alpha.example', id);
    await client.write(claim(right, 'alpha.example', 'beta.example')).expect(`type='valid'`);
    await client.write(claim(forRooms, 'alpha.example', 'beta.example')).expect(`type='valid'`);
    await client.write(claim(right, 'alpha.example', 'rooms.beta.example')).expect('<forbidden');
    await client.write(claim(ofRooms, 'rooms.alpha.example', 'rooms.beta.example')).expect('<forbidden');
    await client.write(claim(ofRooms, 'rooms.alpha.example', 'beta.example')).expect(`type='valid'`);
    await client.write(claim(forRooms, 'alpha.example', 'rooms.beta.example')).expect(`type='valid'`);
  });

  it('cannot be claimed while its server is not there', async () => {
    const b = await beta({ certificate: strayCert });
    const { client } = await pretend(b, 'alpha.example', 'beta.example');
    const answer = await client.write(claim('k', 'alpha.example', 'beta.example')).expect('</db:result>');
    expect(answer).toContain('<remote-server-not-found');
  });
});
