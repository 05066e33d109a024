import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
} from '../../../../tests/harness/authority.js';
import { openRawClient, type RawClient } from '../../../../tests/harness/c2s.js';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { waitFor } from '../../../../tests/harness/net.js';
import {
  letter,
  serverHeader,
  TestNetwork,
  type TestServer,
  type TestServerOptions,
} from '../../../../tests/harness/s2s.js';
import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import type { DomainPair, KeyVerdict } from './context.js';
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
  strayCert = createAuthority('Nobody').issue({ names: ['beta.example'] });
});
beforeEach(() => {
  network = new TestNetwork();
});
afterEach(() => network.stop());

const domains = ['alpha.example', 'rooms.alpha.example'];
const startServer = (more: Partial<TestServerOptions> = {}) =>
  network.start({
    domains,
    certificate: alphaCert,
    authorities: [authority.cert],
    verifyKey: () => Promise.resolve('valid'),
    ...more,
  });
const inClear = { policy: { requireEncryption: false } };
const opening = serverHeader(`from='beta.example' to='alpha.example' version='1.0'`);
const stanza = (id: string, from = 'beta.example', to = 'alpha.example') =>
  serialize(letter(from, to, id), ns.client);
const result = (key = 'abc', from = 'beta.example', to = 'alpha.example') =>
  `<db:result from='${from}' to='${to}'>${key}</db:result>`;
const external = (text = '=') => `<auth xmlns='${ns.sasl}' mechanism='EXTERNAL'>${text}</auth>`;
const conditionOf = (text: string) => /<stream:error><([a-z-]+)/.exec(text)?.[1];
const dialbackError = (text: string) => /type='error'><error type='[a-z]+'><([a-z-]+)/.exec(text)?.[1];

/** A connection in TLS that shows a certificate, with its stream open. */
async function openTls(server: TestServer, certificate = betaCert, header = opening): Promise<RawClient> {
  const client = await server.raw();
  await client.write(opening).expect('</stream:features>');
  await client.write(`<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
  await client.startTls({ cert: certificate.cert, key: certificate.key });
  await client.write(header).expect('</stream:features>');
  return client;
}

/** A connection in clear on which the domain has authenticated. */
async function authenticate(server: TestServer): Promise<RawClient> {
  const client = await server.raw();
  await client.write(opening).expect('</stream:features>');
  await client.write(result()).expect(`type='valid'`);
  return client;
}

describe('a stream header', () => {
  it('is answered with one that says who we are, and with features', async () => {
    const client = await (await startServer()).raw();
    const answer = await client.write(opening).expect('</stream:features>');
    expect(answer).toMatch(
      /^<\?xml version='1.0'\?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback'/,
    );
    expect(answer).toContain(`from='alpha.example' to='beta.example' id='`);
    expect(answer).toContain(`<starttls xmlns='${ns.tls}'><required/></starttls>`);
    expect(answer).not.toMatch(/dialback'>|bidi|mechanism/);
  });

  it('is answered with all that there is where encryption may be left out', async () => {
    const client = await (await startServer(inClear)).raw();
    const answer = await client.write(opening).expect('</stream:features>');
    expect(answer).toContain(`<starttls xmlns='${ns.tls}'/>`);
    expect(answer).toContain(`<dialback xmlns='${ns.dialbackFeature}'><errors/></dialback>`);
    expect(answer).toContain(`<bidi xmlns='${ns.bidiFeature}'/>`);
  });

  it.each([
    ['another domain than ours', `from='beta.example' to='gamma.example' version='1.0'`, 'host-unknown'],
    ['a user', `from='beta.example' to='bob@alpha.example' version='1.0'`, 'improper-addressing'],
    [
      'a domain of ours as its own',
      `from='rooms.alpha.example' to='alpha.example' version='1.0'`,
      'invalid-from',
    ],
    ['no domain as its own', `from='a b' to='alpha.example' version='1.0'`, 'improper-addressing'],
    ['a version that is none', `from='beta.example' to='alpha.example' version='x'`, 'unsupported-version'],
  ])('that names %s ends the stream', async (_what, attributes, condition) => {
    const server = await startServer();
    const client = await server.raw();
    const answer = await client.write(serverHeader(attributes)).closed();
    expect(answer).toContain('<stream:stream ');
    expect(conditionOf(answer)).toBe(condition);
    expect(server.refusals()).toHaveLength(1);
  });

  it.each([
    [
      'of clients',
      `<stream:stream xmlns='jabber:client' xmlns:stream='${ns.streams}' version='1.0'>`,
      'invalid-namespace',
    ],
    ['of nothing', '<hello/>', 'bad-format'],
    ['in another language', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
    ['with a bomb', '<!DOCTYPE x [<!ENTITY a "b">]>', 'restricted-xml'],
  ])('%s ends the stream', async (_what, text, condition) => {
    const client = await (await startServer()).raw();
    expect(conditionOf(await client.write(text).closed())).toBe(condition);
  });

  it('of a domain that we do not talk with ends the stream', async () => {
    const server = await startServer({ policy: { mayTalk: (domain) => domain !== 'beta.example' } });
    const client = await server.raw();
    expect(conditionOf(await client.write(opening).closed())).toBe('policy-violation');
    expect(server.events.recorded).toMatchObject([{ name: 'serverRefused', client: '127.0.0.1' }]);
  });

  it('cannot name others when the stream begins anew', async () => {
    const server = await startServer();
    const client = await openTls(server);
    await client.write(external()).expect('<success');
    client.write(serverHeader(`from='gamma.example' to='alpha.example' version='1.0'`));
    expect(conditionOf(await client.closed())).toBe('improper-addressing');
  });
});

describe('before authentication', () => {
  it.each([
    ['a stanza', stanza('x'), 'not-authorized'],
    ['a session', `<session xmlns='${ns.session}'/>`, 'unsupported-stanza-type'],
    ['half a stanza that is too large', `<message><body>${'x'.repeat(20_000)}`, 'policy-violation'],
    ['text', 'Hello!', 'bad-format'],
    ['deep elements', '<a>'.repeat(100), 'policy-violation'],
  ])('%s ends the stream', async (_what, text, condition) => {
    const server = await startServer(inClear);
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    expect(conditionOf(await client.write(text).closed())).toBe(condition);
    expect(server.routed).toEqual([]);
  });

  it('much of anything ends the stream', async () => {
    const server = await startServer({ ...inClear, verifyKey: () => new Promise(() => undefined) });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    client.write(`<db:result from='beta.example' to='x' type='valid'/>`.repeat(2_000));
    expect(conditionOf(await client.closed())).toBe('policy-violation');
  });

  it('nothing but TLS is taken in clear where encryption is required', async () => {
    const verifyKey = vi.fn(() => Promise.resolve<KeyVerdict>('valid'));
    const server = await startServer({ verifyKey });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    expect(dialbackError(await client.write(result()).expect('</db:result>'))).toBe('policy-violation');
    const question = `<db:verify from='beta.example' to='alpha.example' id='x'>abc</db:verify>`;
    expect(dialbackError(await client.write(question).expect('</db:verify>'))).toBe('policy-violation');
    expect(conditionOf(await client.write(external()).closed())).toBe('policy-violation');
    expect(verifyKey).not.toHaveBeenCalled();
  });

  it('a server has not for ever', async () => {
    const clock = new FakeClock();
    const server = await startServer({ clock, limits: { negotiationTimeout: 1_000 } });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    clock.advance(1_000);
    await client.expect('connection-timeout');
  });

  it('many connections make room for others', async () => {
    const server = await startServer({ limits: { unauthenticatedConnections: 20 } });
    const crowd = await Promise.all(Array.from({ length: 60 }, () => server.raw()));
    await waitFor('room', () => crowd.filter((client) => !client.isClosed).length === 20);
    const last = await server.raw();
    await last.write(opening).expect('</stream:features>');
  });

  it('a thousand connections are let in, and gone when they are', async () => {
    const server = await startServer({ limits: { unauthenticatedConnections: 2_000 } });
    const crowd: RawClient[] = [];
    for (let batch = 0; batch < 10; batch++)
      crowd.push(...(await Promise.all(Array.from({ length: 100 }, () => server.raw()))));
    const last = await server.raw();
    await last.write(opening).expect('</stream:features>');
    for (const client of crowd) client.socket.destroy();
    await last.write(`<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
  }, 20_000);

  it('as many come from one address as may', async () => {
    const server = await startServer({ maxConnectionsPerAddress: 2 });
    await Promise.all([server.raw(), server.raw()]);
    await (await server.raw()).closed();
    expect(server.refusals()).toEqual(['too many connections from this address']);
  });
});

describe('TLS', () => {
  it('that is garbled closes the connection', async () => {
    const client = await (await startServer()).raw();
    await client.write(opening).expect('</stream:features>');
    await client.write(`<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
    await client.write(opening.repeat(10)).closed();
  });

  it('that does not come to an end has one', async () => {
    const clock = new FakeClock();
    const server = await startServer({ clock, limits: { negotiationTimeout: 1_000 } });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    await client.write(`<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
    // The beginning of a handshake that goes no further.
    client.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.advance(1_000);
    clock.advance(5_000);
    await client.closed();
    expect(server.refusals()).toEqual([expect.stringContaining('connection-timeout')]);
  });

  it('under way on many connections ends with them', async () => {
    const server = await startServer({ limits: { unauthenticatedConnections: 10 } });
    const crowd: RawClient[] = [];
    for (let number = 0; number < 50; number++) {
      const client = await server.raw();
      await client.write(opening).expect('</stream:features>');
      await client.write(`<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
      client.startTls().catch(() => undefined);
      crowd.push(client);
    }
    await server.closeIncoming();
    await Promise.all(crowd.map((client) => client.closed()));
  });

  it('forgets what was said in clear', async () => {
    let settle: (verdict: KeyVerdict) => void = () => undefined;
    const server = await startServer({
      ...inClear,
      verifyKey: () =>
        new Promise((resolve) => {
          settle = resolve;
        }),
    });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    await client.write(`${result()}<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
    await client.startTls();
    settle('valid');
    await client.write(opening).expect('</stream:features>');
    expect(conditionOf(await client.write(stanza('x')).closed())).toBe('not-authorized');
    expect(server.routed).toEqual([]);
  });

  it('cannot begin twice', async () => {
    const client = await openTls(await startServer());
    expect(await client.write(`<starttls xmlns='${ns.tls}'/>`).closed()).toContain(
      `<failure xmlns='${ns.tls}'/>`,
    );
  });

  it('from the first byte wants our protocol, if one is named', async () => {
    const server = await startServer();
    const wrong = await openRawClient(server.directTlsPort);
    await expect(wrong.startTls({ ALPNProtocols: ['xmpp-client'] })).rejects.toThrow();
    const right = await openRawClient(server.directTlsPort);
    const socket = await right.startTls({
      ALPNProtocols: ['xmpp-server'],
      cert: betaCert.cert,
      key: betaCert.key,
    });
    expect(socket.alpnProtocol).toBe('xmpp-server');
    const features = await right.write(opening).expect('</stream:features>');
    expect(features).toContain('EXTERNAL');
    expect(features).not.toContain('starttls');
  });
});

describe('a certificate', () => {
  it('that verifies is enough', async () => {
    const verifyKey = vi.fn(() => Promise.resolve<KeyVerdict>('invalid'));
    const server = await startServer({ verifyKey });
    const client = await openTls(server);
    await client.write(external(Buffer.from('beta.example').toString('base64'))).expect('<success');
    const features = await client.write(opening).expect('</stream:features>');
    expect(features).not.toMatch(/EXTERNAL|bidi/);
    client.write(stanza('one'));
    await server.receives('one');
    expect(verifyKey).not.toHaveBeenCalled();
  });

  it('counts when the stream is open again, not before', async () => {
    const server = await startServer();
    const client = await openTls(server);
    client.write(`${external()}${stanza('x')}`);
    expect(conditionOf(await client.closed())).toBe('bad-format');
    expect(server.routed).toEqual([]);
  });

  it.each([
    ['somebody else', () => authority.issue({ names: ['gamma.example'] })],
    ['anybody, signed by nobody', () => strayCert],
  ])('of %s gets no SASL', async (_what, certificate) => {
    const server = await startServer();
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    await client.write(`<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
    const { cert, key } = certificate();
    await client.startTls({ cert, key });
    const features = await client.write(opening).expect('</stream:features>');
    expect(features).not.toContain('EXTERNAL');
    expect(await client.write(external()).expect('</failure>')).toContain('<not-authorized/>');
    await client.write(external()).expect('</failure>');
    expect(conditionOf(await client.write(external()).closed())).toBe('policy-violation');
    expect(server.routed).toEqual([]);
  });

  it('is no help to who names another domain', async () => {
    const server = await startServer();
    const client = await openTls(server);
    const other = Buffer.from('gamma.example').toString('base64');
    expect(await client.write(external(other)).expect('</failure>')).toContain('<invalid-authzid/>');
  });

  it('that is needed and does not verify is told so', async () => {
    const server = await startServer({ policy: { mustVerify: (domain) => domain === 'beta.example' } });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    await client.write(`<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
    await client.startTls({ cert: strayCert.cert, key: strayCert.key });
    const answer = await client.write(opening).closed();
    expect(conditionOf(answer)).toBe('not-authorized');
    expect(answer).toMatch(/Your certificate (is signed by|came without|does not)/);
  });

  it('that is needed cannot be replaced by a key', async () => {
    const server = await startServer({ policy: { mustVerify: (domain) => domain === 'gamma.example' } });
    const client = await openTls(server, strayCert);
    const answer = await client.write(result('abc', 'gamma.example')).expect('</db:result>');
    expect(dialbackError(answer)).toBe('not-authorized');
    await client.write(result()).expect(`type='valid'`);
  });

  it('makes a key needless', async () => {
    const verifyKey = vi.fn(() => Promise.resolve<KeyVerdict>('invalid'));
    const server = await startServer({ verifyKey, policy: { mustVerify: () => true } });
    const client = await openTls(server);
    await client.write(result()).expect(`type='valid'`);
    client.write(stanza('one'));
    await server.receives('one');
    expect(verifyKey).not.toHaveBeenCalled();
    expect(server.events.recorded).toMatchObject([
      { name: 'serverConnected', authentication: 'certificate' },
    ]);
  });
});

describe('dialback', () => {
  it('asks about the key of this stream', async () => {
    const verifyKey = vi.fn(() => Promise.resolve<KeyVerdict>('valid'));
    const server = await startServer({ ...inClear, verifyKey });
    const client = await server.raw();
    const id = /id='([^']+)'/.exec(await client.write(opening).expect('</stream:features>'))?.[1];
    await client
      .write(result(' abc\n'))
      .expect(`<db:result from='alpha.example' to='beta.example' type='valid'/>`);
    expect(verifyKey).toHaveBeenCalledExactlyOnceWith(
      { local: 'alpha.example', remote: 'beta.example' },
      id,
      'abc',
    );
    client.write(stanza('one'));
    await server.receives('one');
  });

  it('that fails ends a stream on which nobody has authenticated', async () => {
    const server = await startServer({ ...inClear, verifyKey: () => Promise.resolve('invalid') });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    const answer = await client.write(result()).closed();
    expect(answer).toContain(`type='invalid'`);
    expect(conditionOf(answer)).toBe('not-authorized');
  });

  it('is for further pairs, each by itself', async () => {
    const server = await startServer({
      ...inClear,
      verifyKey: ({ remote }) => Promise.resolve(remote === 'evil.example' ? 'invalid' : 'valid'),
    });
    const client = await authenticate(server);
    await client.write(result('k', 'rooms.beta.example')).expect(`type='valid'`);
    await client.write(result('k', 'beta.example', 'rooms.alpha.example')).expect(`type='valid'`);
    const refusal = await client.write(result('k', 'evil.example')).expect('</db:result>');
    expect(dialbackError(refusal)).toBe('forbidden');
    client.write(
      stanza('1') + stanza('2', 'rooms.beta.example') + stanza('3', 'beta.example', 'rooms.alpha.example'),
    );
    await server.receives('1', '2', '3');
    client.write(stanza('4', 'rooms.beta.example', 'rooms.alpha.example'));
    expect(conditionOf(await client.closed())).toBe('improper-addressing');
    expect(server.routed).toHaveLength(3);
    const names = server.events.recorded.map(({ name }) => name);
    expect(names.filter((name) => name === 'serverConnected')).toHaveLength(3);
    await waitFor(
      'the end',
      () => server.events.recorded.filter(({ name }) => name === 'serverDisconnected').length === 3,
    );
  });

  it.each([
    ['for a domain that is not ours', result('k', 'beta.example', 'gamma.example'), 'item-not-found'],
    ['from a domain of ours', result('k', 'rooms.alpha.example'), 'not-acceptable'],
    ['from somebody we do not talk with', result('k', 'bad.example'), 'not-allowed'],
  ])('%s is an error, and the stream goes on', async (_what, request, condition) => {
    const server = await startServer({
      policy: { requireEncryption: false, mayTalk: (domain) => domain !== 'bad.example' },
    });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    expect(dialbackError(await client.write(request).expect('</db:result>'))).toBe(condition);
    await client.write(result()).expect(`type='valid'`);
  });

  it('says when the key could not be verified', async () => {
    const server = await startServer({ ...inClear, verifyKey: () => Promise.resolve('unreachable') });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    expect(dialbackError(await client.write(result()).expect('</db:result>'))).toBe(
      'remote-server-not-found',
    );
    expect(conditionOf(await client.write(stanza('x')).closed())).toBe('not-authorized');
  });

  it('cannot make us ask many', async () => {
    const verifyKey = vi.fn(() => new Promise<KeyVerdict>(() => undefined));
    const server = await startServer({ ...inClear, verifyKey, limits: { verifyingPairs: 2 } });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    client.write(result('k', 'a.example') + result('k', 'b.example') + result('k', 'c.example'));
    const answer = await client.expect('</db:result>');
    expect(answer).toContain(`to='c.example'`);
    expect(dialbackError(answer)).toBe('resource-constraint');
    expect(verifyKey).toHaveBeenCalledTimes(2);
  });

  it('cannot make us ask more from one address by more connections', async () => {
    let settle: (verdict: KeyVerdict) => void = () => undefined;
    const verifyKey = vi.fn(({ remote }: DomainPair) => {
      if (remote === 'beta.example') return Promise.resolve<KeyVerdict>('valid');
      return new Promise<KeyVerdict>((resolve) => {
        settle = resolve;
      });
    });
    const server = await startServer({ ...inClear, verifyKey, limits: { verifyingPerAddress: 1 } });
    const [one, two] = [await server.raw(), await server.raw()];
    for (const client of [one, two]) await client.write(opening).expect('</stream:features>');
    one.write(result('k', 'a.example'));
    await waitFor('a question', () => verifyKey.mock.calls.length === 1, { interval: 1 });
    expect(dialbackError(await two.write(result()).expect('</db:result>'))).toBe('resource-constraint');
    settle('unreachable');
    await one.expect('</db:result>');
    await two.write(result()).expect(`type='valid'`);
  });

  it('does not come in if the rules have changed while its key was verified', async () => {
    let isWanted = true;
    const verifyKey = () => {
      isWanted = false;
      return Promise.resolve<KeyVerdict>('valid');
    };
    const policy = { requireEncryption: false, mayTalk: () => isWanted };
    const client = await (await startServer({ policy, verifyKey })).raw();
    await client.write(opening).expect('</stream:features>');
    expect(dialbackError(await client.write(result()).expect('</db:result>'))).toBe('not-allowed');
    expect(conditionOf(await client.write(stanza('x')).closed())).toBe('not-authorized');
  });

  it('has a bound on pairs', async () => {
    const server = await startServer({ ...inClear, limits: { pairs: 1 } });
    const client = await authenticate(server);
    expect(dialbackError(await client.write(result('k', 'b.example')).expect('</db:result>'))).toBe(
      'resource-constraint',
    );
    await client.write(result()).expect(`type='valid'`);
  });

  it.each(['valid', 'invalid', 'error', 'x'])(
    'answers that nobody asked for (%s) are ignored',
    async (type) => {
      const server = await startServer(inClear);
      const client = await server.raw();
      await client.write(opening).expect('</stream:features>');
      client.write(`<db:result from='beta.example' to='alpha.example' type='${type}'/>`);
      client.write(`<db:verify from='beta.example' to='alpha.example' id='x' type='${type}'/>`);
      expect(conditionOf(await client.write(stanza('x')).closed())).toBe('not-authorized');
    },
  );

  it('without domains ends the stream', async () => {
    const client = await (await startServer(inClear)).raw();
    await client.write(opening).expect('</stream:features>');
    client.write(`<db:result from='ana@beta.example' to='alpha.example'>k</db:result>`);
    expect(conditionOf(await client.closed())).toBe('improper-addressing');
  });

  it('comes from servers of old, too', async () => {
    const server = await startServer(inClear);
    const client = await server.raw();
    const header = await client.write(serverHeader('')).expect('>');
    expect(header).not.toMatch(/version='1.0' |features/);
    await client.write(result()).expect(`type='valid'`);
    client.write(stanza('one'));
    await server.receives('one');
  });

  it('does not come from servers of old where encryption is required', async () => {
    const client = await (await startServer()).raw();
    expect(conditionOf(await client.write(serverHeader('')).closed())).toBe('policy-violation');
  });
});

describe('who asks about a key', () => {
  const ask = (key: string, { id = 'D60000229F', from = 'beta.example', to = 'alpha.example' } = {}) =>
    `<db:verify from='${from}' to='${to}' id='${id}'>${key}</db:verify>`;
  const keyOf = ({ context }: TestServer) =>
    dialbackKey(context.dialbackSecret, {
      receiving: 'beta.example',
      originating: 'alpha.example',
      streamId: 'D60000229F',
    });

  it('hears whether it is ours, without having authenticated', async () => {
    const server = await startServer(inClear);
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    await client
      .write(ask(keyOf(server)))
      .expect(`<db:verify from='alpha.example' to='beta.example' id='D60000229F' type='valid'/>`);
  });

  it.each([
    ['of another stream', { id: 'D60000229E' }],
    ['for another receiver', { from: 'gamma.example' }],
    ['from another of our domains', { to: 'rooms.alpha.example' }],
  ])('hears that one %s is not', async (_what, other) => {
    const server = await startServer(inClear);
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    await client.write(ask(keyOf(server), other)).expect(`type='invalid'`);
  });

  it('hears of domains that are not ours', async () => {
    const server = await startServer(inClear);
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    const answer = await client.write(ask(keyOf(server), { to: 'gamma.example' })).expect('</db:verify>');
    expect(dialbackError(answer)).toBe('item-not-found');
  });
});

describe('stanzas', () => {
  it('come as if they had been written by clients', async () => {
    const server = await startServer(inClear);
    const client = await authenticate(server);
    client.write(
      `<message from='ana@beta.example/r' to='bob@alpha.example' id='one'><body>Hi</body>` +
        `<forwarded xmlns='${ns.forward}'><message xmlns='jabber:client'><body>Ho</body></message></forwarded></message>`,
    );
    await server.receives('one');
    const [came] = server.routed;
    expect(came?.ns).toBe(ns.client);
    expect(came?.child('body')?.text()).toBe('Hi');
    expect(came?.child('forwarded', ns.forward)?.child('message', ns.client)?.child('body')?.text()).toBe(
      'Ho',
    );
  });

  it.each([
    ['from others', stanza('x', 'gamma.example'), 'invalid-from'],
    ['from us', stanza('x', 'alpha.example'), 'invalid-from'],
    ['for others', stanza('x', 'beta.example', 'gamma.example'), 'host-unknown'],
    ['without addresses', '<message/>', 'improper-addressing'],
    ['that are none', '<hello/>', 'unsupported-stanza-type'],
    ['that are larger than any', `<message><body>${'x'.repeat(60_000)}`, 'policy-violation'],
  ])('%s end the stream', async (_what, text, condition) => {
    const server = await startServer({ ...inClear, limits: { stanzaBytes: 50_000 } });
    const client = await authenticate(server);
    expect(conditionOf(await client.write(text).closed())).toBe(condition);
    expect(server.routed).toEqual([]);
  });

  it('that third parties have spoilt are dropped alone', async () => {
    const server = await startServer(inClear);
    const client = await authenticate(server);
    client.write(
      `<message from='ana@beta.example' to='bob@alpha.example' id='x'><a b='1' b='2'/></message>${stanza('two')}`,
    );
    await server.receives('x', 'two').catch(() => undefined);
    expect(server.routed.map((routed) => [routed.attr('id'), routed.attr('type')])).toEqual([
      ['x', 'error'],
      ['two', 'chat'],
    ]);
    expect(server.events.recorded).toContainEqual(expect.objectContaining({ name: 'stanzaDropped' }));
  });

  it('in pieces are the same', async () => {
    const server = await startServer(inClear);
    const client = await authenticate(server);
    for (const character of stanza('one')) {
      client.write(character);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await server.receives('one');
    client.write(stanza('two').slice(0, -5)).socket.destroy();
    await waitFor('the end', () => server.events.recorded.some(({ name }) => name === 'serverDisconnected'));
    expect(server.routed).toHaveLength(1);
  });

  it('keep their order, and wait when too many are being worked on', async () => {
    const begun: (string | undefined)[] = [];
    const finish: (() => void)[] = [];
    const route = (element: Element) => {
      begun.push(element.attr('id'));
      return new Promise<void>((resolve) => finish.push(resolve));
    };
    const server = await startServer({ ...inClear, route, limits: { inFlight: 3 } });
    const client = await authenticate(server);
    client.write(Array.from({ length: 10 }, (_, number) => stanza(`${number}`)).join(''));
    await waitFor('some', () => begun.length === 4, { interval: 1 });
    await client.write(result()).take();
    expect(begun).toEqual(['0', '1', '2', '3']);
    for (let number = 0; number < 10; number++) {
      await waitFor('one more', () => finish.length > 0, { interval: 1 });
      finish.shift()?.();
    }
    await waitFor('all', () => begun.length === 10, { interval: 1 });
    expect(begun).toEqual(Array.from({ length: 10 }, (_, number) => `${number}`));
  });

  it('of thousands at once all come', async () => {
    const server = await startServer(inClear);
    const client = await authenticate(server);
    const ids = Array.from({ length: 5_000 }, (_, number) => `${number}`);
    client.write(ids.map((id) => stanza(id)).join(''));
    await server.receives(...ids);
  });
});

describe('a stream that is ready', () => {
  it('is kept alive, and closed when nobody talks', async () => {
    const clock = new FakeClock();
    const limits = { keepAlive: 1_000, idleTimeout: 5_000 };
    const server = await startServer({ ...inClear, clock, limits });
    const client = await authenticate(server);
    clock.advance(1_000);
    await client.expect(/^ $/);
    clock.advance(3_000);
    await client.write(stanza('one')).expect(/^ +$/);
    await server.receives('one');
    clock.advance(4_000);
    expect(client.isClosed).toBe(false);
    clock.advance(2_000);
    expect(await client.closed()).toMatch(/^ *<\/stream:stream>$/);
    expect(server.refusals()).toEqual([]);
  });

  it('carries stanzas back if that was agreed before', async () => {
    const server = await startServer(inClear);
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    expect(server.bidi.size).toBe(0);
    await client.write(`<bidi xmlns='${ns.bidi}'/>${result()}`).expect(`type='valid'`);
    expect(server.bidi.get('beta.example')?.send(letter('alpha.example', 'beta.example', 'back'))).toBe(true);
    expect(await client.expect('</message>')).toBe(stanza('back', 'alpha.example', 'beta.example'));
    const link = server.bidi.get('beta.example');
    client.socket.destroy();
    await waitFor('the end', () => server.bidi.size === 0);
    expect(link?.send(letter('alpha.example', 'beta.example', 'late'))).toBe(false);
  });

  it('carries none back if it was agreed too late, or not at all', async () => {
    const server = await startServer(inClear);
    const client = await authenticate(server);
    client.write(`<bidi xmlns='${ns.bidi}'/>${stanza('one')}`);
    await server.receives('one');
    expect(server.bidi.size).toBe(0);
  });

  it('is cut when the other side does not read', async () => {
    const server = await startServer({ ...inClear, limits: { waitingBytes: 100_000, closeTimeout: 50 } });
    const client = await server.raw();
    await client.write(opening).expect('</stream:features>');
    await client.write(`<bidi xmlns='${ns.bidi}'/>${result()}`).expect(`type='valid'`);
    client.socket.pause();
    const link = server.bidi.get('beta.example');
    const large = letter('alpha.example', 'beta.example', 'x'.repeat(50_000));
    let taken = 0;
    while (link?.send(large) === true) {
      taken++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await waitFor('the end', () => server.bidi.size === 0);
    expect(taken).toBeGreaterThan(0);
    expect(link?.unsent.length).toBeGreaterThan(0);
    expect(server.refusals()).toEqual([expect.stringContaining('resource-constraint')]);
  });

  it('ends with the server', async () => {
    const server = await startServer(inClear);
    const client = await authenticate(server);
    const closing = server.closeIncoming();
    expect(conditionOf(await client.closed())).toBe('system-shutdown');
    await closing;
    await (await server.raw()).closed();
  });

  it('ends with the other side', async () => {
    const server = await startServer(inClear);
    const client = await authenticate(server);
    expect(await client.write('</stream:stream>').closed()).toBe('</stream:stream>');
    await waitFor('the end', () => server.events.recorded.length > 1, { interval: 1 });
    const about = { domain: 'beta.example', direction: 'incoming' };
    expect(server.events.recorded[1]).toEqual({ name: 'serverDisconnected', ...about });
  });

  it('ends with an error of the other side', async () => {
    const server = await startServer(inClear);
    const client = await authenticate(server);
    client.write(`<stream:error><conflict xmlns='${ns.streamErrors}'/></stream:error>`);
    expect(await client.closed()).toBe('</stream:stream>');
    expect(server.refusals()).toEqual([]);
    await waitFor('the end', () => server.events.recorded.length > 1, { interval: 1 });
    const reason = expect.stringContaining('conflict');
    expect(server.events.recorded[1]).toMatchObject({ name: 'serverDisconnected', reason });
  });
});
