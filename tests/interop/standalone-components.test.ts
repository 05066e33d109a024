import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { startBelfry } from '../harness/belfry.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { type ConnectClient, type Distributor, startDistributor } from '../harness/distributor.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { postPush } from '../harness/push-request.js';
import { hasSlixmpp, startSlixmppComponent } from '../harness/slixmpp-client.js';
import { startXmppJs } from '../harness/xmpp-js-process.js';
import { connectPeer, type Peer } from '../harness/xmpp-peer.js';

const domain = 'example.test';
const password = 'a-password';
const push = { jid: `push.${domain}`, secret: 'secret, of=push' };
const echo = { jid: `echo.${domain}`, secret: 'secret-of-echo' };
const ana = `ana@${domain}`;

let server: StandaloneServer;

beforeAll(async () => {
  server = await startStandalone({
    accounts: { [ana]: password },
    components: { [push.jid]: push.secret, [echo.jid]: echo.secret },
  });
});
afterAll(() => server?.stop());

/** Another Belfry, as component of this one, until the test ends or it is stopped. */
async function startComponent() {
  const component = { ...push, port: server.componentPort };
  const belfry = await startBelfry({ component, backend: 'paseto' });
  onTestFinished(() => belfry.stop());
  return belfry;
}

async function connectDevice(): Promise<Distributor> {
  const { certificateFile: certificate, c2sPort } = server;
  const connect: ConnectClient = (account, onStanza) =>
    startXmppJs(`xmpp://127.0.0.1:${c2sPort}`, { ...account, certificate }, onStanza);
  const device = await startDistributor(connect, server, `${ana}/phone`);
  onTestFinished(() => device.disconnect());
  return device;
}

describe('another Belfry as component', () => {
  it('carries pushes to devices of this one', async () => {
    const belfry = await startComponent();
    const device = await connectDevice();
    const { endpoint } = await device.register(belfry.jid);
    const answer = postPush(endpoint, Buffer.from('hello'));
    expect((await device.nextPush(0)).payload.toString()).toBe('hello');
    expect((await answer).status).toBe(201);
  });

  it('is told by this one that a device is not there', async () => {
    const belfry = await startComponent();
    const device = await connectDevice();
    const { endpoint } = await device.register(belfry.jid);
    await device.disconnect();
    expect((await postPush(endpoint, Buffer.from('hello'))).status).toBe(503);
  });

  it('is missed while it is away, and comes back by itself when this one was away', async () => {
    const belfry = await startComponent();
    await server.restart();
    await waitFor('the component to come back', () => belfry.isReady(), { timeout: 60_000 });
    const device = await connectDevice();
    const ping = () => device.request('get', belfry.jid, el('ping', ns.ping));
    expect((await ping()).attr('type')).toBe('result');
    await belfry.kill();
    expect(StanzaError.fromStanza(await ping())).toMatchObject({
      condition: 'remote-server-timeout',
      type: 'wait',
    });
  });
});

describeWithPeers('a component by slixmpp', { slixmpp: hasSlixmpp }, () => {
  async function connectAna(): Promise<Peer> {
    const connect = { host: '127.0.0.1', port: server.c2sPort };
    const peer = await connectPeer({ connect }, `${ana}/desk`, password);
    onTestFinished(() => peer.close());
    return peer;
  }

  it('is attached, found, and talks with users', async () => {
    const component = await startSlixmppComponent(echo.jid, echo.secret, server.componentPort);
    onTestFinished(() => component.kill());
    const peer = await connectAna();
    peer.send(el('iq', ns.client, { type: 'get', id: 'd', to: echo.jid }, el('query', ns.discoInfo)));
    peer.send(
      message({ type: 'chat', id: 'm', to: `x@${echo.jid}` }, el('body', ns.client, {}, 'Grüße <&>')),
    );
    const came: string[] = [];
    await waitFor('both answers', () => {
      for (const stanza of peer.take()) {
        const identity = stanza.child('query', ns.discoInfo)?.child('identity', ns.discoInfo);
        came.push(identity?.attr('name') ?? stanza.child('body')?.text() ?? stanza.name);
      }
      return came.length >= 2;
    });
    expect(came.toSorted()).toEqual(['Echo', 'echo: Grüße <&>']);
  });

  it('with a wrong secret is told so', async () => {
    await expect(startSlixmppComponent(echo.jid, 'wrong', server.componentPort)).rejects.toThrow();
    await waitFor('the log to say why', () =>
      server.log().includes('not-authorized: The handshake does not fit the secret.'),
    );
  });
});
