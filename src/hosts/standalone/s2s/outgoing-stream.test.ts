import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
} from '../../../../tests/harness/authority.js';
import type { RawClient } from '../../../../tests/harness/c2s.js';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import {
  letter,
  serverHeader,
  TestNetwork,
  type TestServer,
  type TestServerOptions,
  type TestStream,
} from '../../../../tests/harness/s2s.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { isDialbackKey } from './dialback.js';

let authority: Authority;
let alphaCert: IssuedCertificate;
let network: TestNetwork;

beforeAll(() => {
  authority = createAuthority();
  alphaCert = authority.issue({ names: ['alpha.example'] });
});
beforeEach(() => {
  network = new TestNetwork();
});
afterEach(() => network.stop());

const pair = { local: 'alpha.example', remote: 'beta.example' };
const answer = serverHeader(`from='beta.example' to='alpha.example' id='s1' version='1.0'`);
const features = (...inner: string[]) => `<stream:features>${inner.join('')}</stream:features>`;
const dialback = `<dialback xmlns='${ns.dialbackFeature}'><errors/></dialback>`;
const valid = `<db:result from='beta.example' to='alpha.example' type='valid'/>`;
const hello = () => letter('alpha.example', 'beta.example', 'one');
const stanza = (id: string, from = 'beta.example', to = 'alpha.example') =>
  serialize(letter(from, to, id), ns.client);

interface Scene extends TestStream {
  readonly server: TestServer;
  /** The other server, which the test plays. */
  readonly peer: RawClient;
}

async function play(
  more: Partial<TestServerOptions> = {},
  purpose: 'stanzas' | 'verify' = 'stanzas',
): Promise<Scene> {
  const server = await network.start({
    domains: ['alpha.example'],
    certificate: alphaCert,
    authorities: [authority.cert],
    policy: { requireEncryption: false },
    ...more,
  });
  const stage = await network.stage('beta.example');
  const opened = await server.open(pair, stage.port, { purpose });
  const peer = await stage.next();
  await peer.expect('<stream:stream ');
  return { server, peer, ...opened };
}

/** Up to where stanzas may be sent. */
async function playReady(more: Partial<TestServerOptions> = {}, offered = dialback): Promise<Scene> {
  const scene = await play(more);
  await scene.peer.write(answer + features(offered)).expect('</db:result>');
  scene.peer.write(valid);
  await scene.ready;
  return scene;
}

describe('dialback', () => {
  it('sends a key for the stream of the other server', async () => {
    const { server, peer, ready, stream } = await play();
    expect(stream.send(hello())).toBe(false);
    const request = await peer.write(answer + features(dialback)).expect('</db:result>');
    const [, key = ''] =
      /^<db:result from='alpha.example' to='beta.example'>([0-9a-f]{64})<\/db:result>$/.exec(request) ?? [];
    const scope = { receiving: 'beta.example', originating: 'alpha.example', streamId: 's1' };
    expect(isDialbackKey(server.context.dialbackSecret, scope, key)).toBe(true);
    peer.write(valid);
    expect(await ready).toBe('dialback');
    expect(stream.send(hello())).toBe(true);
    expect(await peer.expect('</message>')).toBe(stanza('one', 'alpha.example', 'beta.example'));
    expect(server.events.recorded).toEqual([
      {
        name: 'serverConnected',
        domain: 'beta.example',
        direction: 'outgoing',
        authentication: 'dialback',
        encrypted: false,
      },
    ]);
  });

  it('is done at once with servers of old', async () => {
    const { peer, ready } = await play();
    await peer.write(serverHeader(`id='s1'`)).expect('</db:result>');
    peer.write(valid);
    expect(await ready).toBe('dialback');
  });

  it.each([
    [
      `<db:result from='beta.example' to='alpha.example' type='invalid'/>`,
      'internal-server-error',
      /invalid/,
    ],
    [
      `<db:result from='beta.example' to='alpha.example' type='error'><error type='cancel'><not-authorized xmlns='${ns.stanzaErrors}'/></error></db:result>`,
      'remote-server-timeout',
      /not-authorized/,
    ],
    [
      `<db:result from='beta.example' to='alpha.example' type='error'/>`,
      'remote-server-timeout',
      /undefined-condition/,
    ],
  ])('fails with %s', async (said, condition, reason) => {
    const { peer, closed } = await play();
    await peer.write(answer + features(dialback)).expect('</db:result>');
    peer.write(said);
    expect(await closed).toMatchObject({ condition, reason: expect.stringMatching(reason), isFinal: true });
  });

  it.each([
    ['before it was asked for', (scene: Scene) => scene.peer.write(answer + valid)],
    [
      'for another pair',
      (scene: Scene) =>
        scene.peer.write(
          answer +
            features(dialback) +
            `<db:result from='gamma.example' to='alpha.example' type='valid'/>` +
            `<db:result from='beta.example' to='gamma.example' type='valid'/>`,
        ),
    ],
    [
      'by an answer to something else',
      (scene: Scene) =>
        scene.peer.write(
          `${answer}${features(dialback)}<db:verify from='beta.example' to='alpha.example' id='s1' type='valid'/>`,
        ),
    ],
  ])('is not over %s', async (_what, act) => {
    const clock = new FakeClock();
    const scene = await play({ clock });
    act(scene);
    await scene.peer
      .write(`<db:verify from='beta.example' to='alpha.example' id='end'>k</db:verify>`)
      .expect(`id='end'`);
    expect(scene.stream.isReady).toBe(false);
    clock.advance(60_000);
    expect(await scene.closed).toMatchObject({ condition: 'remote-server-timeout' });
  });

  it('needs the id of a stream', async () => {
    const { peer, closed } = await play();
    peer.write(serverHeader(`version='1.0'`) + features(dialback));
    expect(await closed).toMatchObject({ reason: 'The server gave its stream no id.' });
  });
});

describe('TLS', () => {
  const startTls = `<starttls xmlns='${ns.tls}'/>`;
  it.each([
    ['is not offered', (peer: RawClient) => peer.write(answer + features(dialback))],
    ['is not known, for the server is of old', (peer: RawClient) => peer.write(serverHeader(`id='s1'`))],
    [
      'is refused',
      (peer: RawClient) => peer.write(`${answer}${features(startTls)}<failure xmlns='${ns.tls}'/>`),
    ],
  ])('that is needed and %s is a failure', async (_what, act) => {
    const { peer, closed } = await play({ policy: { requireEncryption: true } });
    act(peer);
    expect(await closed).toMatchObject({ reason: 'The server offers no encryption.' });
    expect(await peer.closed()).not.toContain('db:result');
  });

  it('is needed where a certificate is', async () => {
    const { peer, closed } = await play({ policy: { requireEncryption: false, mustVerify: () => true } });
    peer.write(answer + features(dialback));
    expect(await closed).toMatchObject({ reason: 'The server offers no encryption.' });
  });

  it('that does not come to an end has one', async () => {
    const clock = new FakeClock();
    const { peer, closed } = await play({ clock });
    await peer.write(answer + features(startTls, dialback)).expect(startTls);
    await peer.write(`<proceed xmlns='${ns.tls}'/>`).expect(/./);
    clock.advance(60_000);
    clock.advance(5_000);
    expect(await closed).toMatchObject({ reason: 'The server did not answer in time.' });
    await peer.closed();
  });

  it('is begun where it is offered, and garbled TLS is a failure', async () => {
    const { peer, closed } = await play();
    await peer.write(answer + features(startTls, dialback)).expect(startTls);
    await peer.write(`<proceed xmlns='${ns.tls}'/>`).expect(/./);
    peer.write(answer);
    expect(await closed).toMatchObject({ condition: 'remote-server-timeout' });
  });
});

describe('SASL EXTERNAL', () => {
  it('is not tried in clear', async () => {
    const { peer } = await play();
    const mechanisms = `<mechanisms xmlns='${ns.sasl}'><mechanism>EXTERNAL</mechanism></mechanisms>`;
    expect(await peer.write(answer + features(mechanisms, dialback)).expect('</db:result>')).not.toContain(
      'auth',
    );
  });
});

describe('a server that', () => {
  it.each([
    ['does not speak XMPP', 'HTTP/1.1 400 Bad Request\r\n\r\n', /not-well-formed/],
    ['speaks with clients', answer.replace('jabber:server', 'jabber:client'), /invalid-namespace/],
    ['sends stanzas', answer + features(dialback) + stanza('x'), /not-authorized/],
    ['answers what was not asked', `${answer}<success xmlns='${ns.sasl}'/>`, /unsupported-stanza-type/],
    ['writes too much', `${answer}<stream:features><a>${'x'.repeat(20_000)}`, /policy-violation/],
  ])('%s is given up', async (_what, text, reason) => {
    const { server, peer, closed } = await play();
    peer.write(text);
    expect(await closed).toMatchObject({
      condition: 'remote-server-timeout',
      reason: expect.stringMatching(reason),
    });
    expect(server.routed).toEqual([]);
  });

  it.each([
    ['host-unknown', 'remote-server-not-found', true],
    ['policy-violation', 'remote-server-not-found', true],
    ['resource-constraint', 'remote-server-timeout', false],
    ['something-else', 'remote-server-timeout', false],
  ])('ends the stream by %s says so', async (condition, bounce, isFinal) => {
    const { peer, closed } = await play();
    const text = `<text xmlns='${ns.streamErrors}'>No.</text>`;
    peer.write(
      `${answer}<stream:error><${condition} xmlns='${ns.streamErrors}'/>${text}</stream:error></stream:stream>`,
    );
    const name = condition === 'something-else' ? 'undefined-condition' : condition;
    expect(await closed).toEqual({
      condition: bounce,
      reason: `The server ended the stream: ${name}, "No.".`,
      isFinal,
    });
  });

  it.each([
    ['closes its stream', (peer: RawClient) => peer.write(`${answer}</stream:stream>`)],
    ['closes the connection', (peer: RawClient) => peer.socket.end()],
    ['resets the connection', (peer: RawClient) => peer.socket.resetAndDestroy()],
  ])('%s early is a failure', async (_what, act) => {
    const { peer, closed, ready } = await play();
    act(peer);
    expect(await closed).toMatchObject({ condition: 'remote-server-timeout', isFinal: false });
    await expect(ready).rejects.toThrow();
  });

  it('says nothing is given up in time', async () => {
    const clock = new FakeClock();
    const { closed, peer } = await play({ clock });
    peer.write(answer);
    clock.advance(60_000);
    expect(await closed).toMatchObject({ reason: 'The server did not answer in time.' });
  });

  it('does not close is closed', async () => {
    const clock = new FakeClock();
    const { closed, peer, stream } = await play({ clock });
    peer.socket.allowHalfOpen = true;
    stream.end();
    await peer.expect('</stream:stream>');
    clock.advance(5_000);
    expect(await closed).toBeUndefined();
  });
});

describe('a stream that is ready', () => {
  it('gives back what has not left', async () => {
    const { server, stream, peer, closed } = await playReady({
      limits: { waitingBytes: 200_000, closeTimeout: 50 },
    });
    peer.socket.pause();
    const large = letter('alpha.example', 'beta.example', 'x'.repeat(50_000));
    let taken = 0;
    while (stream.send(large)) {
      taken++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await closed).toMatchObject({ condition: 'remote-server-timeout' });
    expect(stream.unsent.length).toBeGreaterThan(0);
    expect(stream.unsent.length).toBeLessThanOrEqual(taken);
    expect(stream.send(hello())).toBe(false);
    const reason = 'The stream was ended here: resource-constraint: The server reads too slowly.';
    expect(server.events.recorded.at(-1)).toMatchObject({ name: 'serverDisconnected', reason });
  });

  it('that comes to a good end is no failure', async () => {
    const { server, peer, closed, stream } = await playReady();
    peer.write('</stream:stream>');
    expect(await closed).toBeUndefined();
    expect(stream.unsent).toEqual([]);
    expect(server.events.recorded).toMatchObject([
      { name: 'serverConnected' },
      { name: 'serverDisconnected' },
    ]);
  });

  it('that is lost is a failure', async () => {
    const { peer, closed } = await playReady();
    peer.socket.resetAndDestroy();
    expect(await closed).toMatchObject({ condition: 'remote-server-timeout', isFinal: false });
  });

  it('takes no stanzas without bidi', async () => {
    const { server, peer, closed } = await playReady();
    peer.write(stanza('x'));
    expect(await closed).toMatchObject({ reason: expect.stringMatching(/not-authorized/) });
    expect(server.routed).toEqual([]);
  });

  it('takes stanzas of the pair with bidi', async () => {
    const offered = `${dialback}<bidi xmlns='${ns.bidiFeature}'/>`;
    const { server, peer, closed } = await playReady({}, offered);
    peer.write(stanza('one'));
    await server.receives('one');
    peer.write(stanza('two', 'gamma.example'));
    expect(await closed).toMatchObject({ reason: expect.stringMatching(/invalid-from/) });
    expect(server.routed).toHaveLength(1);
  });

  it('asks for bidi before it authenticates', async () => {
    const { peer } = await play();
    const said = await peer
      .write(answer + features(dialback, `<bidi xmlns='${ns.bidiFeature}'/>`))
      .expect('</db:result>');
    expect(said).toMatch(/^<bidi xmlns='urn:xmpp:bidi'\/><db:result /);
  });

  it('takes no stanzas by bidi before it has authenticated', async () => {
    const { server, peer, closed } = await play();
    await peer.write(answer + features(dialback, `<bidi xmlns='${ns.bidiFeature}'/>`)).expect('</db:result>');
    peer.write(stanza('x') + valid);
    expect(await closed).toMatchObject({ reason: expect.stringMatching(/not-authorized/) });
    expect(server.routed).toEqual([]);
  });

  it('refuses to be for further domains', async () => {
    const { peer } = await playReady();
    const said = await peer
      .write(`<db:result from='rooms.beta.example' to='alpha.example'>k</db:result>`)
      .expect('</db:result>');
    expect(said).toContain('<resource-constraint');
  });

  it('is kept alive', async () => {
    const clock = new FakeClock();
    const { peer } = await playReady({ clock, limits: { keepAlive: 1_000 } });
    clock.advance(1_000);
    await peer.expect(/^ $/);
  });
});

describe('a stream for questions', () => {
  const verdictOf = async (said: string) => {
    const clock = new FakeClock();
    const { peer, ready, stream } = await play({ clock }, 'verify');
    peer.write(answer + features(dialback));
    await ready;
    const verdict = stream.verify('their-id', 'abc');
    const asked = await peer.expect('</db:verify>');
    expect(asked).toBe(`<db:verify from='alpha.example' to='beta.example' id='their-id'>abc</db:verify>`);
    await peer
      .write(`${said}<db:verify from='beta.example' to='alpha.example' id='end'>k</db:verify>`)
      .expect(`id='end'`);
    clock.advance(30_000);
    return verdict;
  };
  const reply = (attributes: string) => `<db:verify ${attributes}/>`;
  const right = `from='beta.example' to='alpha.example' id='their-id'`;

  it.each([
    [reply(`${right} type='valid'`), 'valid'],
    [reply(`${right} type='invalid'`), 'invalid'],
    [reply(`${right} type='error'`), 'unreachable'],
    [reply(`from='beta.example' to='alpha.example' id='s1' type='valid'`), 'unreachable'],
    [reply(`from='gamma.example' to='alpha.example' id='their-id' type='valid'`), 'unreachable'],
    [reply(`from='beta.example' to='gamma.example' id='their-id' type='valid'`), 'unreachable'],
    [`<db:result ${right} type='valid'/>`, 'unreachable'],
    [reply(`${right} type='invalid'`) + reply(`${right} type='valid'`), 'invalid'],
    ['', 'unreachable'],
  ])('hears %s as %s', async (said, verdict) => {
    expect(await verdictOf(said)).toBe(verdict);
  });

  it('does not authenticate, and is told of to nobody', async () => {
    const { server, peer, ready, stream, closed } = await play({}, 'verify');
    peer.write(serverHeader(`id='s1'`));
    await ready;
    stream.end();
    expect(await closed).toBeUndefined();
    expect(peer.text).not.toContain('db:result');
    expect(server.events.recorded).toEqual([]);
  });

  it('has no answers when it is over', async () => {
    const { peer, ready, stream } = await play({}, 'verify');
    peer.write(answer + features(dialback));
    await ready;
    const verdict = stream.verify('their-id', 'abc');
    peer.socket.destroy();
    expect(await verdict).toBe('unreachable');
    expect(await stream.verify('their-id', 'abc')).toBe('unreachable');
  });
});
