import { createDecipheriv, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import {
  type StandaloneOptions,
  type StandaloneServer,
  startStandalone,
} from '../harness/belfry-standalone.js';
import { Phone } from '../harness/cloud-notify/phone.js';
import { attributes, conditionOf, discover, keyOfGateway, nextPush } from '../harness/gateway/ask-phone.js';
import {
  type Credentials,
  credentialsIn,
  enable,
  register,
  unregister,
} from '../harness/gateway/requests.js';
import { metricsOf, untilWaiting } from '../harness/metrics.js';
import { waitFor } from '../harness/net.js';
import { answers } from '../harness/push-answers.js';
import type { PushService, ReceivedPush, TestSubscription } from '../harness/push-service.js';
import { reload } from '../harness/reload.js';
import { runBelfry } from '../harness/run-belfry.js';
import { createPushServices, type PushServices } from '../harness/web-push/world.js';
import { startXmppJs } from '../harness/xmpp-js-process.js';
import { connectPeer, type Peer } from '../harness/xmpp-peer.js';

const domain = 'localhost';
const gateway = `push.${domain}`;
const password = 'a-password';
const users = Array.from({ length: 30 }, (_, number) => `user${number}@${domain}`);
const secretOfComponent = 'a-secret-of-the-component';

let services: PushServices;
let pushService: PushService;
let server: StandaloneServer;
let friend: Peer;
let accounts = 0;
let phones: Phone[];

const start = (options: Partial<StandaloneOptions> = {}) =>
  startStandalone({
    accounts: Object.fromEntries([...users, `friend@${domain}`].map((jid) => [jid, password])),
    env: { BELFRY_LOG_LEVEL: 'debug' },
    more: { web_push: services.keys, cloud_notify: { collection_time: 0 } },
    ...options,
  });

const connectFriend = () =>
  connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, `friend@${domain}/pc`, password);

beforeAll(async () => {
  services = await createPushServices();
  pushService = await services.start();
  server = await start();
  friend = await connectFriend();
});
afterAll(async () => {
  await friend?.close();
  await server?.stop();
  await services?.close();
});
beforeEach(() => {
  phones = [];
});
afterEach(() => {
  for (const phone of phones) phone.close();
});

/** A client of an account that nobody has used, or of that one. */
async function logIn(jid = users[accounts++] ?? '', at = server): Promise<Phone> {
  const phone = await Phone.logIn({
    port: at.c2sPort,
    jid: `${jid}/${randomBytes(4).toString('hex')}`,
    password,
  });
  phones.push(phone);
  return phone;
}

interface Registered extends Credentials {
  readonly subscription: TestSubscription;
  readonly phone: Phone;
}

/** Registers a browser, as its client does. */
async function registerBrowser(phone: Phone, device = 'browser'): Promise<Registered> {
  const subscription = pushService.subscribe(await keyOfGateway(phone, gateway));
  const answer = await phone.ask('set', register(subscription, device), gateway);
  return { ...credentialsIn(answer), subscription, phone };
}

/** The same, and has the own server publish to it. */
async function enabled(phone: Phone, ...children: readonly Element[]): Promise<Registered> {
  const registered = await registerBrowser(phone);
  await phone.ask('set', enable(registered, ...children));
  return registered;
}

async function sleep(phone: Phone): Promise<void> {
  await phone.disconnect();
  const line = `"jid":"${phone.bare}","msg":"session hibernates"`;
  await waitFor('the server to know that it sleeps', () => server.log().includes(line));
}

const body = (text: string) => el('body', ns.client, {}, text);
const write = ({ bare }: Phone, ...children: readonly Element[]) =>
  friend.send(message({ to: bare, type: 'chat', id: randomBytes(6).toString('hex') }, ...children));

const told = ({ payload }: ReceivedPush): Record<string, unknown> => JSON.parse(payload ?? '');

/** Whatever was begun before has come to its end: another browser was told of what was written later. */
async function settle(): Promise<void> {
  const { phone, subscription } = await enabled(await logIn());
  await sleep(phone);
  write(phone, body('settled?'));
  await nextPush(subscription);
}

describe('the gateway of a server without configuration', () => {
  it('is found', async () => {
    const phone = await logIn();
    expect(attributes(await discover(phone, ns.discoItems, domain), 'item', 'jid')).toContainEqual([gateway]);
    const info = await discover(phone, ns.discoInfo, gateway);
    expect(attributes(info, 'identity', 'category', 'type')).toContainEqual(['pubsub', 'push']);
    const features = attributes(info, 'feature', 'var').flat();
    expect(features).toEqual(expect.arrayContaining([ns.push, ns.commands, ns.discoInfo]));
    expect(await keyOfGateway(phone, gateway)).toMatch(/^B[\w-]{86}$/);
  });

  it('lists its commands, and says what each of them is', async () => {
    const phone = await logIn();
    const items = await discover(phone, ns.discoItems, gateway, ns.commands);
    const nodes = attributes(items, 'item', 'jid', 'node');
    expect(nodes.toSorted()).toEqual([
      [gateway, 'register-push-webpush'],
      [gateway, 'unregister-push-webpush'],
    ]);
    for (const [, node] of nodes) {
      const info = await discover(phone, ns.discoInfo, gateway, node);
      expect(attributes(info, 'identity', 'category', 'type')).toEqual([['automation', 'command-node']]);
    }
    const nothing = phone.request('get', el('query', ns.discoInfo, { node: 'nothing' }), gateway);
    expect(await conditionOf(nothing)).toBe('item-not-found');
  });

  it('is told by this server of what comes for a client that sleeps, once', async () => {
    const { phone, subscription } = await enabled(await logIn());
    await sleep(phone);
    write(phone, body('Hello'));
    const push = await nextPush(subscription);
    await settle();
    expect(subscription.received).toHaveLength(1);
    expect(push.problem).toBeUndefined();
    expect(push.headers).toMatchObject({ urgency: 'normal', ttl: String(3 * 24 * 60 * 60) });
    expect(told(push)).toMatchObject({
      v: 1,
      account: phone.bare,
      count: 1,
      importance: 'important',
      kind: 'message',
      body: 'New Message!',
    });
    await phone.wakeUp();
    await waitFor('the message', () => phone.bodies.includes('Hello'));
  });

  it('is told of what comes for a client that has logged out', async () => {
    const { phone, subscription } = await enabled(await logIn());
    await phone.logOut();
    write(phone, body('Hello'));
    expect(told(await nextPush(subscription))).toMatchObject({ account: phone.bare, kind: 'message' });
  });

  it('passes on what was encrypted for the browser before it left this server', async () => {
    const key = randomBytes(16);
    const encrypt = el('encrypt', ns.pushEncryption, { alg: 'aes-128-gcm' }, key.toString('base64'));
    const { phone, subscription } = await enabled(await logIn(), encrypt);
    await sleep(phone);
    write(phone, body('The tea is ready'));
    const push = await nextPush(subscription);
    const { encrypted, ...rest } = told(push) as { encrypted: { iv: string; data: string } };
    expect(rest).toEqual({ v: 1, account: phone.bare, importance: 'important', kind: 'encrypted' });
    const text = open(key, encrypted);
    expect(JSON.parse(text)).toMatchObject({ sender: `friend@${domain}`, message: 'The tea is ready' });
    expect(push.payload).not.toContain('tea');
  });

  it('gives a device the same node again, and withdraws what waits for its former subscription', async () => {
    const { phone, subscription, ...first } = await enabled(await logIn());
    // It is registered again in this time.
    const busy = { kind: 'status', status: 503, headers: { 'retry-after': '5' } } as const;
    subscription.answer(busy, answers.created);
    await phone.logOut();
    write(phone, body('Hello'));
    await nextPush(subscription);
    await untilWaiting(server.httpBase, 1);
    const again = await registerBrowser(await logIn(phone.bare));
    await untilWaiting(server.httpBase, 0);
    expect(again).toMatchObject(first);
    const other = await enabled(await logIn());
    other.subscription.answer(busy, answers.created);
    await other.phone.logOut();
    write(other.phone, body('Hello'));
    await nextPush(other.subscription, 1);
    expect(subscription.received).toHaveLength(1);
    await again.phone.logOut();
    write(phone, body('Once more'));
    await nextPush(again.subscription);
  });

  it('forgets a browser that is gone, and so does this server', async () => {
    const { phone, subscription } = await enabled(await logIn());
    subscription.answer(answers.gone);
    await phone.logOut();
    write(phone, body('Hello'));
    await nextPush(subscription);
    const list = () => runBelfry(['push', 'list', phone.bare, '--config', server.configFile]);
    await waitFor('the server to forget it', async () => (await list()).status === 1);
    write(phone, body('Still there?'));
    await settle();
    expect(subscription.received).toHaveLength(1);
    const again = await logIn(phone.bare);
    expect(await conditionOf(again.request('set', unregister('browser'), gateway))).toBe('item-not-found');
  });

  it('tells this server that a browser is gone when that comes to light later', async () => {
    const { phone, subscription } = await enabled(await logIn());
    subscription.answer({ kind: 'status', status: 503, headers: { 'retry-after': '1' } }, answers.gone);
    await phone.logOut();
    write(phone, body('Hello'));
    const isThere = (line: string) =>
      line.includes(`"jid":"${phone.bare}"`) && line.includes('"why":"service"');
    await waitFor('the server to hear it', () => server.log().split('\n').some(isThere), { timeout: 30_000 });
    expect(subscription.received).toHaveLength(2);
  });

  it('sends nothing to who has unregistered', async () => {
    const { phone, subscription } = await enabled(await logIn());
    await phone.ask('set', unregister('browser'), gateway);
    await phone.logOut();
    write(phone, body('Hello'));
    await settle();
    expect(subscription.received).toEqual([]);
  });

  it('serves a client by xmpp.js', async () => {
    const user = users[accounts++] ?? '';
    const heard: Element[] = [];
    const client = await startXmppJs(
      `xmpp://127.0.0.1:${server.c2sPort}`,
      {
        domain,
        user: user.replace(/@.*/, ''),
        password,
        resource: 'web',
        certificate: server.certificateFile,
      },
      (stanza) => void heard.push(stanza),
    );
    const request = async (id: string, payload: Element, to?: string) => {
      client.send(el('iq', ns.client, { type: 'set', id, to }, payload));
      const find = () => heard.find((stanza) => stanza.attr('id') === id);
      await waitFor(`the answer to ${id}`, () => find() !== undefined);
      return find() ?? el('nothing', '');
    };
    const subscription = pushService.subscribe();
    const credentials = credentialsIn(await request('r', register(subscription, 'web'), gateway));
    expect((await request('e', enable(credentials))).attr('type')).toBe('result');
    await client.close();
    friend.send(message({ to: user, type: 'chat' }, body('Hello')));
    expect(told(await nextPush(subscription))).toMatchObject({ account: user });
  });

  it('forgets an account that is removed', async () => {
    const registered = await enabled(await logIn());
    const { phone, subscription } = registered;
    await phone.logOut();
    const user = (...args: readonly string[]) =>
      runBelfry(['user', ...args, phone.bare, '--config', server.configFile], { input: `${password}\n` });
    expect(await user('remove')).toMatchObject({ status: 0 });
    expect(await user('add')).toMatchObject({ status: 0 });
    const heir = await logIn(phone.bare);
    expect(await conditionOf(heir.request('set', unregister('browser'), gateway))).toBe('item-not-found');
    await heir.ask('set', enable(registered));
    await heir.logOut();
    write(phone, body('Hello'));
    await settle();
    expect(subscription.received).toEqual([]);
  });

  it('sends what had to wait after a restart', async () => {
    const { phone, subscription } = await enabled(await logIn());
    await phone.logOut();
    subscription.answer(answers.unavailable);
    write(phone, body('Hello'));
    await untilWaiting(server.httpBase, 1);
    await friend.close();
    await server.kill();
    expect(server.exitCode).toBe(0);
    subscription.answer(answers.created);
    const { length } = subscription.received;
    await server.restart();
    friend = await connectFriend();
    const { payload } = await nextPush(subscription, length);
    expect(payload).toBe(subscription.received[0]?.payload);
    write(phone, body('Again'));
    await nextPush(subscription, length + 1);
  });

  it('hears of other settings while it runs', async () => {
    const phone = await logIn();
    const devices = ['a', 'b', 'c'];
    for (const device of devices) await registerBrowser(phone, device);
    await reload(server, { gateway: { max_devices: 1 } });
    await registerBrowser(phone, 'd');
    const left = await Promise.all(
      [...devices, 'd'].map((device) => conditionOf(phone.request('set', unregister(device), gateway))),
    );
    expect(left).toEqual(['item-not-found', 'item-not-found', 'item-not-found', 'result']);
    await reload(server, { gateway: { acl: ['elsewhere.example'] } });
    const refused = phone.request('set', register(pushService.subscribe(), 'a'), gateway);
    expect(await conditionOf(refused)).toBe('forbidden');
    await reload(server, { gateway: { acl: [domain], max_devices: 10 } });
    await registerBrowser(phone);
  });

  it('tells its log and its metrics nothing of all that which is secret', async () => {
    const registered = await enabled(await logIn());
    await registered.phone.logOut();
    write(registered.phone, body('a text that nobody else has'));
    await nextPush(registered.subscription);
    const known = server.log() + (await metricsOf(server.httpBase));
    expect(known).toContain(registered.phone.bare);
    const { node, secret, subscription } = registered;
    const path = subscription.endpoint.slice(pushService.origin.length);
    for (const text of [node, secret, path, subscription.auth, subscription.p256dh, 'a text that nobody'])
      expect(known).not.toContain(text);
  });
});

describe('there is no gateway', () => {
  const cases: readonly (readonly [string, Partial<StandaloneOptions>])[] = [
    ['where a component has its name', { components: { [gateway]: secretOfComponent } }],
    ['where it is turned off', { more: { gateway: { enabled: false } } }],
  ];
  it.each(cases)('%s', async (_, options) => {
    const other = await start(options);
    try {
      const phone = await logIn(users[0], other);
      const answer = phone.request('set', register(pushService.subscribe(), 'browser'), gateway);
      expect(await conditionOf(answer)).not.toBe('result');
      const own = await discover(phone, ns.discoInfo, domain);
      expect(attributes(own, 'identity', 'category', 'type')).not.toContainEqual(['pubsub', 'push']);
    } finally {
      await other.stop();
    }
  });
});

/** What a server has encrypted for a client (AES-128-GCM): the tag is at the end. */
function open(key: Buffer, { iv, data }: { readonly iv: string; readonly data: string }): string {
  const sealed = Buffer.from(data, 'base64');
  const decipher = createDecipheriv('aes-128-gcm', key, Buffer.from(iv, 'base64'));
  decipher.setAuthTag(sealed.subarray(-16));
  return decipher.update(sealed.subarray(0, -16)).toString() + decipher.final().toString();
}
