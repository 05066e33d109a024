import { createECDH, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FakeAccountHost } from '../../../../tests/harness/fake-account-host.js';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { FakeWebPush } from '../../../../tests/harness/fake-web-push.js';
import { MemoryNotifyStore } from '../../../../tests/harness/memory-notify-store.js';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { parseOutgoingUrl } from '../../../net/outgoing-url.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { message, presence } from '../../../xmpp/stanza.js';
import { createNotify } from '../service.js';
import { createWebPushChannel } from './channel.js';

const account = Jid.parse('ana@example.org');
const laptop = 'ana@example.org/laptop';
const endpoint = 'https://push.example.net/send/s3cret';
const keys = {
  auth: randomBytes(16).toString('base64url'),
  p256dh: createECDH('prime256v1').generateKeys().toString('base64url'),
};

function setUp(store = new MemoryNotifyStore()) {
  const host = new FakeAccountHost();
  const webPush = new FakeWebPush();
  const clock = new FakeClock();
  const { events, recorded } = recordingEvents();
  const settings = { importantBody: 'New Message!', withBody: true, withSender: false, ttl: 3_600 };
  const judged: string[] = [];
  const notify = createNotify({
    ...{ host, store, clock, events, randomBytes, now: () => 1_000 + clock.now() },
    settings: () => ({ maxErrors: 3, maxHibernationTimeout: 100, collectionTime: 1_000 }),
  });
  const guard = {
    parse: (text: string) => parseOutgoingUrl(text, { allowPrivateNetworks: false }),
    judge: async (hostname: string) => {
      judged.push(hostname);
      return hostname === 'inside.example.net' ? 'Its host is not in the public network.' : undefined;
    },
  };
  createWebPushChannel({
    ...{ host, notify, webPush, guard, now: () => clock.now(), events },
    settings: () => settings,
    maxDevices: () => 3,
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    ...{ host, store, webPush, notify, recorded, settings, judged, settle },
    enable: (from: string, url = endpoint, ...more: Element[]) =>
      host.receiveAccountIq('set', from, enabling(url, ...more)),
    disable: (url?: string) =>
      host.receiveAccountIq('set', laptop, el('disable', ns.webPush, {}, ...endpointOf(url))),
    clients: async () => (await notify.registrations.of(account)).map(({ client }) => client),
    async pass(milliseconds: number) {
      clock.advance(milliseconds);
      await settle();
    },
    async arrives(stanza: Element) {
      await host.archived.fire(account, { id: 'a1', direction: 'incoming', stanza });
      await settle();
    },
  };
}

const endpointOf = (url: string | undefined) =>
  url === undefined ? [] : [el('endpoint', ns.webPush, {}, url)];

function enabling(url: string, ...more: Element[]): Element {
  const { auth, p256dh } = keys;
  return el(
    'enable',
    ns.webPush,
    {},
    ...endpointOf(url),
    el('auth', ns.webPush, {}, auth),
    el('p256dh', ns.webPush, {}, p256dh),
    ...more,
  );
}

const chat = (from = 'ben@example.net/x', text = 'hello') =>
  message({ from, to: 'ana@example.org', type: 'chat' }, el('body', ns.client, {}, text));
const call = (name: string, namespace: string = ns.callSignals) =>
  message({ from: 'ben@example.net/x', to: 'ana@example.org' }, el(name, namespace, { id: 's1' }));
const retraction = () =>
  message({ from: 'eve@example.net/x', to: 'ana@example.org' }, el('retract', ns.retraction, { id: 'm' }));

describe('an account', () => {
  it('offers what browsers subscribe with', () => {
    const { host, webPush } = setUp();
    expect(host.advertisedOfAccounts).toEqual([
      {
        features: ['urn:xmpp:webpush:0'],
        forms: [
          {
            type: 'result',
            fields: [
              {
                var: 'FORM_TYPE',
                type: 'hidden',
                values: ['http://jabber.org/protocol/webpush#public-key'],
              },
              { var: 'webpush#public-key', values: [webPush.publicKey] },
            ],
          },
        ],
      },
    ]);
  });
});

describe('enabling', () => {
  it('keeps how the browser is reached', async () => {
    const { enable, notify, recorded } = setUp();
    expect(await enable(laptop)).toBeUndefined();
    const [registration] = await notify.registrations.of(account);
    expect(registration).toMatchObject({ channel: 'web-push', client: 'laptop', address: endpoint });
    expect(registration?.target.service).toBe('https://push.example.net');
    expect(recorded).toMatchObject([
      { name: 'deviceEnabled', service: 'https://push.example.net', result: 'added' },
    ]);
    expect(JSON.stringify(recorded)).not.toContain('s3cret');
  });

  it('again writes nothing, and asks DNS nothing', async () => {
    const { enable, store, judged } = setUp();
    await enable(laptop);
    await enable(laptop);
    expect(store.calls.filter((name) => name === 'save')).toHaveLength(1);
    expect(judged).toEqual(['push.example.net']);
  });

  it('replaces the client’s own, and the endpoint of another client', async () => {
    const { enable, clients, webPush } = setUp();
    await enable(laptop);
    await enable(laptop, `${endpoint}2`);
    expect(await clients()).toEqual(['laptop']);
    expect(webPush.withdrawn).toEqual([`${endpoint} notify ana@example.org`]);
    await enable('ana@example.org/other', `${endpoint}2`);
    expect(await clients()).toEqual(['other']);
  });

  it('works for so many browsers; what waited for others goes', async () => {
    const { enable, clients, webPush } = setUp();
    for (const name of ['a', 'b', 'c', 'd']) await enable(`ana@example.org/${name}`, endpoint + name);
    expect(await clients()).toEqual(['b', 'c', 'd']);
    expect(webPush.withdrawn).toEqual([`${endpoint}a notify ana@example.org`]);
  });

  it('is refused where nothing is sent, and nothing is kept', async () => {
    const { enable, store, recorded } = setUp();
    for (const url of ['https://inside.example.net/s3cret', 'https://10.0.0.1/s3cret', 'ftp://s3cret']) {
      await expect(enable(laptop, url)).rejects.toMatchObject({ condition: 'policy-violation' });
    }
    expect(store.rows).toEqual([]);
    expect(recorded.map(({ name }) => name)).toEqual(Array(3).fill('deviceRefused'));
    expect(JSON.stringify(recorded)).not.toContain('s3cret');
  });

  it('is refused with what is no key, or missing', async () => {
    const { host, recorded } = setUp();
    const bad = el('enable', ns.webPush, {}, ...endpointOf(endpoint));
    await expect(host.receiveAccountIq('set', laptop, bad)).rejects.toMatchObject({
      condition: 'bad-request',
      text: 'The <auth/> is missing.',
    });
    expect(recorded).toMatchObject([{ name: 'deviceRefused', channel: 'web-push' }]);
  });

  it('asks to wait when the storage fails', async () => {
    const { enable, store, recorded } = setUp();
    store.failure = new Error('disk full');
    await expect(enable(laptop)).rejects.toMatchObject({ condition: 'internal-server-error', type: 'wait' });
    expect(recorded.map(({ name }) => name)).toContain('storageFailed');
  });

  it('may be asked of the domain, by a session', async () => {
    const { host, clients } = setUp();
    await expect(host.receiveIq('set', laptop, enabling(endpoint))).rejects.toMatchObject({
      condition: 'forbidden',
    });
    host.addSession(laptop);
    expect(await host.receiveIq('set', laptop, enabling(endpoint))).toBeUndefined();
    expect(await clients()).toEqual(['laptop']);
    await expect(host.receiveIq('get', laptop, enabling(endpoint))).rejects.toMatchObject({
      condition: 'not-allowed',
    });
  });

  it('is read by the next process as by this one; what makes no sense is not', async () => {
    const first = setUp();
    await first.enable(laptop);
    const [row] = first.store.rows;
    if (row === undefined) throw new Error('nothing was kept');
    first.store.rows = [
      row,
      { ...row, client: 'a', address: 'nonsense' },
      { ...row, client: 'b', details: '1[]' },
    ];
    const next = setUp(first.store);
    expect(await next.clients()).toEqual(['laptop']);
    await next.arrives(chat());
    await next.pass(1_000);
    expect(next.webPush.pushes[0]?.subscription).toEqual({
      endpoint,
      origin: 'https://push.example.net',
      auth: new Uint8Array(Buffer.from(keys.auth, 'base64url')),
      p256dh: new Uint8Array(Buffer.from(keys.p256dh, 'base64url')),
    });
  });
});

describe('disabling', () => {
  it.each([
    [undefined, []],
    [endpoint, ['b']],
    [' https://push.example.net:443/send/s3cret\n', ['b']],
    ['https://push.example.net/send/other', ['laptop', 'b']],
    ['nonsense', ['laptop', 'b']],
  ])('%j leaves %j, and what waited goes with them', async (url, left) => {
    const { enable, disable, clients, webPush } = setUp();
    await enable(laptop);
    await enable('ana@example.org/b', `${endpoint}b`);
    expect(await disable(url)).toBeUndefined();
    expect(await clients()).toEqual(left);
    expect(webPush.withdrawn).toHaveLength(2 - left.length);
  });
});

describe('a message', () => {
  it('is told with what it says, for as long as it is set', async () => {
    const { enable, arrives, pass, webPush } = setUp();
    await enable(laptop);
    await arrives(chat());
    await arrives(chat('ben@example.net/y', 'again'));
    await pass(1_000);
    expect(webPush.payloads).toEqual([
      {
        ...{ v: 1, account: 'ana@example.org', count: 2, importance: 'important', kind: 'message' },
        ...{ conversation: 'ben@example.net', body: 'again' },
      },
    ]);
    expect(webPush.pushes[0]).toMatchObject({
      message: { ttl: 3_600, urgency: 'normal' },
      sender: { service: 'notify', reference: 'ana@example.org' },
    });
  });

  it('is told by its conversation, each with a topic of its own', async () => {
    const { enable, arrives, pass, webPush } = setUp();
    await enable(laptop);
    for (const from of ['ben@example.net/x', 'eve@example.net/y', 'ben@example.net/x']) {
      await arrives(chat(from));
    }
    await pass(1_000);
    await arrives(chat());
    await pass(1_000);
    const [ben, eve, again] = webPush.pushes.map((push) => push.message.topic);
    expect(webPush.payloads).toMatchObject([{ count: 2 }, { count: 1 }, { count: 3 }]);
    expect(ben).toMatch(/^[\w-]{32}$/);
    expect([again === ben, eve === ben]).toEqual([true, false]);
  });

  it('that is worth no more than a look is told only to who asks for that', async () => {
    const { enable, arrives, pass, webPush } = setUp();
    await enable(laptop);
    await enable('ana@example.org/b', `${endpoint}b`, el('unimportant', ns.webPush));
    await arrives(retraction());
    await arrives(chat('eve@example.net/x'));
    await pass(1_000);
    await arrives(retraction());
    await pass(1_000);
    const told = webPush.pushes.map(({ subscription, message: { urgency } }) => [
      subscription.endpoint.slice(endpoint.length),
      urgency,
    ]);
    expect(told).toEqual([
      ['b', 'normal'],
      ['', 'normal'],
      ['b', 'low'],
    ]);
    expect(webPush.pushes[2]?.message.topic).not.toBe(webPush.pushes[1]?.message.topic);
  });
});

describe('a call', () => {
  it.each([
    ['call', 'propose', ns.callSignals],
    ['invitation to a call', 'invite', ns.callInvitations],
  ])('(%s) is told at once while it rings, then in its place that it was missed', async (_, name, of) => {
    const { enable, host, settle, webPush } = setUp();
    await enable(laptop);
    for (const one of [name, 'retract']) {
      await host.received.fire(account, call(one, of));
      await settle();
    }
    expect(webPush.payloads).toMatchObject([
      { kind: 'call', count: 1, importance: 'important', conversation: 'ben@example.net' },
      { kind: 'missed-call', count: 1, importance: 'important', conversation: 'ben@example.net' },
    ]);
    const [ringing, missed] = webPush.pushes.map((push) => push.message);
    expect(ringing).toMatchObject({ ttl: 60, urgency: 'high' });
    expect(missed).toMatchObject({ ttl: 3_600, urgency: 'normal', topic: ringing?.topic });
  });

  it('that has begun and ended before it could be told was missed', async () => {
    const { enable, host, pass, settle, webPush } = setUp();
    await enable(laptop);
    webPush.answers.push({ kind: 'retry', reason: 'full' });
    await host.received.fire(account, call('propose'));
    await settle();
    await host.received.fire(account, call('retract'));
    await pass(3_000);
    expect(webPush.payloads).toMatchObject([{ kind: 'call' }, { kind: 'missed-call', count: 1 }]);
  });

  it('that goes on elsewhere is told to nobody who wants to know only of what is important', async () => {
    const { enable, arrives, host, pass, webPush } = setUp();
    await enable(laptop);
    const taken = call('accept').withAttrs({ from: 'ana@example.org/phone', to: 'ana@example.org' });
    await host.received.fire(account, taken);
    await arrives(taken);
    await pass(1_000);
    expect(webPush.payloads).toEqual([]);
  });
});

it('tells of who asks for presence', async () => {
  const { enable, host, pass, webPush } = setUp();
  await enable(laptop);
  const request = presence({ from: 'ben@example.net', to: 'ana@example.org', type: 'subscribe' });
  await host.subscriptionRequested.fire(account, request);
  await pass(1_000);
  expect(webPush.payloads).toMatchObject([
    { kind: 'subscription', conversation: 'ben@example.net', count: 0 },
  ]);
});

it('tells of a ping without any conversation, to be handed over soon', async () => {
  const { enable, notify, webPush } = setUp();
  await enable(laptop);
  const [registration] = await notify.registrations.of(account);
  if (registration === undefined) throw new Error('nothing is registered');
  expect(await notify.ping(registration)).toEqual({ kind: 'delivered' });
  expect(webPush.payloads).toMatchObject([{ kind: 'ping', importance: 'unimportant' }]);
  expect(webPush.pushes[0]?.message.urgency).toBe('normal');
});

describe('what became of what waited', () => {
  const settled = { endpoint, reference: 'ana@example.org' };

  it('is taken into the health of its registration', async () => {
    const { enable, notify, webPush, settle } = setUp();
    await enable(laptop);
    const [registration] = await notify.registrations.of(account);
    webPush.settle('notify', { ...settled, outcome: { kind: 'rejected', reason: '403' } });
    await settle();
    expect(registration?.failures).toBe(1);
    webPush.settle('notify', { ...settled, outcome: { kind: 'delivered' } });
    await settle();
    expect(registration?.failures).toBe(0);
  });

  it('may be that there is no such subscription, also when the account was not in memory', async () => {
    const first = setUp();
    await first.enable(laptop);
    const { webPush, settle, clients, recorded } = setUp(first.store);
    webPush.settle('notify', { ...settled, outcome: { kind: 'gone', reason: '410' } });
    await settle();
    expect(await clients()).toEqual([]);
    expect(recorded).toMatchObject([{ name: 'deviceRemoved', why: 'gone' }]);
  });

  it('does not matter if it was for nobody here', async () => {
    const { enable, webPush, settle, clients } = setUp();
    await enable(laptop);
    const outcome = { kind: 'gone', reason: '410' } as const;
    webPush.settle('notify', { ...settled, endpoint: `${endpoint}x`, outcome });
    webPush.settle('notify', { ...settled, reference: 'eve@example.org', outcome });
    webPush.settle('notify', { ...settled, reference: '@', outcome });
    await settle();
    expect(await clients()).toEqual(['laptop']);
  });
});

describe('what waits', () => {
  it('goes when the client is back, of this account alone', async () => {
    const first = setUp();
    await first.enable(laptop);
    const { host, webPush } = setUp(first.store);
    await host.sessionBegun.fire(host.addSession('ana@example.org/other'));
    expect(webPush.withdrawn).toEqual([]);
    await host.sessionBegun.fire(host.addSession(laptop));
    expect(webPush.withdrawn).toEqual([`${endpoint} notify ana@example.org`]);
  });

  it('goes with the account, wherever it goes to', async () => {
    const { host, webPush } = setUp();
    await host.accountRemoved.fire(account);
    expect(webPush.withdrawn).toEqual(['all notify ana@example.org']);
  });

  it('is for nobody when its registration has gone, though it could not be withdrawn', async () => {
    const { enable, notify, webPush, store } = setUp();
    await enable(laptop);
    const waiting = { endpoint, reference: 'ana@example.org' };
    const isWanted = (what: Partial<typeof waiting>) => webPush.isWanted('notify', { ...waiting, ...what });
    expect(await isWanted({})).toBe(true);
    for (const what of [{ endpoint: `${endpoint}x` }, { reference: 'eve@example.org' }, { reference: '@' }]) {
      expect(await isWanted(what)).toBe(false);
    }
    await notify.registrations.disable(account, 'web-push', () => true, 'client');
    expect(await isWanted({})).toBe(false);
    expect(await setUp(store).webPush.isWanted('notify', waiting)).toBe(false);
  });

  it('is nobody knows whose while the store fails', async () => {
    const { webPush, store } = setUp();
    store.failure = new Error('locked');
    const waiting = { endpoint, reference: 'ana@example.org' };
    await expect(webPush.isWanted('notify', waiting)).rejects.toThrow('locked');
  });

  it('is not told here as well', async () => {
    const { enable, arrives, pass, webPush } = setUp();
    await enable(laptop);
    webPush.answers.push({ kind: 'queued', reason: '503' });
    await arrives(chat());
    await pass(1_000);
    await pass(600_000);
    expect(webPush.pushes).toHaveLength(1);
  });

  it('and has no place on disk is tried again from here', async () => {
    const { enable, arrives, pass, webPush } = setUp();
    await enable(laptop);
    webPush.answers.push({ kind: 'retry', reason: 'full' });
    await arrives(chat());
    await pass(1_000);
    await pass(3_000);
    expect(webPush.pushes).toHaveLength(2);
  });
});
