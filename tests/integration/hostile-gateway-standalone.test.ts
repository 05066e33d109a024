import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { serialize } from '../../src/xmpp/serialize.js';
import { message } from '../../src/xmpp/stanza.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { bind, header, openRawClient, type RawClient } from '../harness/c2s.js';
import { Phone } from '../harness/cloud-notify/phone.js';
import { type Credentials, credentialsIn, enable, publish, register } from '../harness/gateway/requests.js';
import { metricsOf } from '../harness/metrics.js';
import { waitFor } from '../harness/net.js';
import type { PushService, TestSubscription } from '../harness/push-service.js';
import { createPushServices, type PushServices } from '../harness/web-push/world.js';

const domain = 'localhost';
const gateway = `push.${domain}`;
/** A component that somebody else runs. */
const peer = `peer.${domain}`;
const password = 'a-password';
const shared = 'a-secret-of-the-component';

interface Registered extends Credentials {
  readonly phone: Phone;
  readonly subscription: TestSubscription;
}

let services: PushServices;
let pushService: PushService;
let server: StandaloneServer;
let mallory: Phone;
let ana: Registered;
const opened: RawClient[] = [];

const logIn = (user: string) =>
  Phone.logIn({ port: server.c2sPort, jid: `${user}@${domain}/phone`, password });

/** Registers a browser, and has the own server publish to it. */
async function registered(user: string): Promise<Registered> {
  const phone = await logIn(user);
  const subscription = pushService.subscribe();
  const credentials = credentialsIn(await phone.ask('set', register(subscription, 'browser'), gateway));
  await phone.ask('set', enable(credentials));
  return { ...credentials, phone, subscription };
}

beforeAll(async () => {
  services = await createPushServices();
  pushService = await services.start();
  server = await startStandalone({
    accounts: Object.fromEntries(['ana', 'bob', 'mallory'].map((user) => [`${user}@${domain}`, password])),
    components: { [peer]: shared },
    env: { BELFRY_LOG_LEVEL: 'trace' },
    more: { web_push: services.keys, cloud_notify: { collection_time: 0 } },
  });
  ana = await registered('ana');
  mallory = await logIn('mallory');
});
afterAll(async () => {
  for (const raw of opened) raw.socket.destroy();
  ana?.phone.close();
  mallory?.close();
  await server?.stop();
  await services?.close();
});

async function open(port: number): Promise<RawClient> {
  const raw = await openRawClient(port);
  opened.push(raw);
  return raw;
}

/** A session of somebody who writes what it likes. */
async function openSession(): Promise<RawClient> {
  const raw = await open(server.c2sPort);
  const opening = header(`to='${domain}' version='1.0'`);
  const plain = Buffer.from(`\0mallory\0${password}`).toString('base64');
  await raw.write(opening).expect('</stream:features>');
  await raw.write(`<auth xmlns='${ns.sasl}' mechanism='PLAIN'>${plain}</auth>`).expect('<success');
  await raw.write(opening).expect('</stream:features>');
  await raw.write(bind('forger')).expect('</iq>');
  return raw;
}

async function openComponent(): Promise<RawClient> {
  const raw = await open(server.componentPort);
  const attrs = `xmlns='${ns.componentAccept}' xmlns:stream='${ns.streams}' to='${peer}'`;
  const answer = await raw.write(`<?xml version='1.0'?><stream:stream ${attrs}>`).expect(/id='[^']+'>/);
  const id = /id='([^']+)'/.exec(answer)?.[1];
  const hash = createHash('sha1').update(`${id}${shared}`).digest('hex');
  await raw.write(`<handshake>${hash}</handshake>`).expect('<handshake/>');
  return raw;
}

/** What comes of a request to the gateway: an error, or the end of the stream. */
async function fateOf(raw: RawClient, from: string | undefined, payload: Element): Promise<string> {
  raw.write(
    serialize(el('iq', ns.client, { type: 'set', id: 'forged', from, to: gateway }, payload), ns.client),
  );
  await waitFor('an answer', () => /id='forged'.*<\/iq>/s.test(raw.text) || raw.isClosed);
  raw.socket.destroy();
  return /<(forbidden|invalid-from) /.exec(raw.text)?.[1] ?? raw.text;
}

describe('with node and secret in hand, nothing is sent for', () => {
  it.each([
    [undefined, 'forbidden'],
    [domain, 'invalid-from'],
    [`${domain}.`, 'invalid-from'],
    ['LOCALHOST', 'invalid-from'],
    [gateway, 'invalid-from'],
    [`ana@${domain}`, 'invalid-from'],
    [`mallory@${domain}/phone`, 'invalid-from'],
  ])('a client that says that it is %s', async (from, fate) => {
    const heard = pushService.requests.length;
    expect(await fateOf(await openSession(), from, publish(ana.node, ana.secret))).toBe(fate);
    expect(pushService.requests.length).toBe(heard);
  });

  it.each([
    [peer, 'forbidden'],
    [`ana@${peer}`, 'forbidden'],
    [domain, 'invalid-from'],
    [`ana@${domain}`, 'invalid-from'],
    [`${peer}@${domain}`, 'invalid-from'],
    [gateway, 'invalid-from'],
  ])('a component that says that it is %s', async (from, fate) => {
    const heard = pushService.requests.length;
    expect(await fateOf(await openComponent(), from, publish(ana.node, ana.secret))).toBe(fate);
    expect(pushService.requests.length).toBe(heard);
  });
});

it.each([
  [`ana@${peer}/x`, 'forbidden'],
  [`ana@${domain}/phone`, 'invalid-from'],
])('a component registers nobody: not %s', async (from, fate) => {
  const payload = register(pushService.subscribe(), 'browser');
  expect(await fateOf(await openComponent(), from, payload)).toBe(fate);
});

it('only the gateway itself ends what it is published', async () => {
  const affiliation = el('affiliation', ns.pubsub, { jid: `ana@${domain}`, affiliation: 'none' });
  const notice = (from?: string) =>
    message({ to: `ana@${domain}`, from }, el('pubsub', ns.pubsub, { node: ana.node }, affiliation));
  const component = await openComponent();
  for (const from of [peer, `push@${peer}`]) component.write(serialize(notice(from), ns.client));
  await component
    .write(`<iq type='get' id='fence' from='${peer}' to='${domain}'><ping xmlns='${ns.ping}'/></iq>`)
    .expect("id='fence'");
  mallory.send(notice());
  ana.phone.close();
  mallory.send(message({ to: `ana@${domain}`, type: 'chat' }, el('body', ns.client, {}, 'unheard words')));
  await waitFor('a push', () => ana.subscription.received.length === 1);
});

it('what a push service says of its endpoint is not in the log, nor is anything else that is secret', async () => {
  const bob = await registered('bob');
  const { endpoint, auth } = bob.subscription;
  const path = endpoint.slice(pushService.origin.length);
  const says = `${path} ${path.slice(1)} ${path.toUpperCase()}\r\n{"endpoint":"${endpoint}"}`;
  bob.subscription.answer({ kind: 'status', status: 410, headers: { location: endpoint }, body: says });
  bob.phone.close();
  mallory.send(message({ to: `bob@${domain}`, type: 'chat' }, el('body', ns.client, {}, 'unheard words')));
  await waitFor('its end', () => server.log().includes('gateway registration removed'));
  const known = server.log() + (await metricsOf(server.httpBase));
  expect(known).toContain('HTTP 410');
  const secrets = [ana, bob].flatMap(({ node, secret, subscription }) => [
    ...[node, secret, subscription.auth, subscription.p256dh],
    subscription.endpoint.slice(pushService.origin.length + 1),
  ]);
  for (const secret of [...secrets, auth, path, 'unheard words']) expect(known).not.toContain(secret);
});
