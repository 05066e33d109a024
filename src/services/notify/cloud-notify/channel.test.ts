import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FakeAccountHost } from '../../../../tests/harness/fake-account-host.js';
import { MemoryNotifyStore } from '../../../../tests/harness/memory-notify-store.js';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import { Registrations } from '../registrations/registrations.js';
import { createCloudNotify } from './channel.js';

const account = Jid.parse('ana@example.org');
const phone = 'ana@example.org/phone';
const tablet = 'ana@example.org/tablet';
const service = 'push.example.net';
const form = el('x', ns.dataForms, { type: 'submit' }, el('field', ns.dataForms, { var: 'secret' }));

const settings = { importantBody: 'New Message!', withBody: false, withSender: false };

function setUp(store = new MemoryNotifyStore()) {
  const host = new FakeAccountHost();
  const { events, recorded } = recordingEvents();
  const registrations = new Registrations({ store, now: () => 1000, events });
  createCloudNotify({
    host,
    registrations,
    settings: () => settings,
    maxDevices: () => 4,
    randomBytes,
    events,
  });
  const ask = (from: string, name: string, attrs: Record<string, string>, ...children: Element[]) =>
    host.receiveAccountIq('set', from, el(name, ns.push, attrs, ...children));
  const tell = (from: string, node?: string, to = 'ana@example.org') => {
    const attrs = node === undefined ? {} : { node };
    const affiliation = el('affiliation', ns.pubsub, { jid: to, affiliation: 'none' });
    return host.received.fire(account, message({ from, to }, el('pubsub', ns.pubsub, attrs, affiliation)));
  };
  const clients = async () => (await registrations.of(account)).map(({ client }) => client);
  return { host, store, registrations, recorded, ask, tell, clients };
}

describe('an account', () => {
  it('offers what clients look for', () => {
    const { host } = setUp();
    expect(host.advertisedOfAccounts.flatMap(({ features }) => features ?? [])).toEqual([
      'urn:xmpp:push:0',
      'tigase:push:away:0',
      'tigase:push:encrypt:0',
      'tigase:push:encrypt:aes-128-gcm',
      'tigase:push:filter:ignore-unknown:0',
      'tigase:push:filter:muted:0',
      'tigase:push:filter:groupchat:0',
      'tigase:push:priority:0',
      'tigase:push:jingle:0',
    ]);
  });
});

describe('enabling', () => {
  it('keeps who is reached where, and answers an empty result', async () => {
    const { ask, registrations, recorded } = setUp();
    expect(await ask(phone, 'enable', { jid: service, node: 'n-4711' }, form)).toBeUndefined();
    const [registration] = await registrations.of(account);
    expect(registration).toMatchObject({ channel: 'cloud-notify', client: 'phone', failures: 0 });
    expect(registration?.target.service).toBe(service);
    expect(recorded).toMatchObject([
      { name: 'deviceEnabled', jid: 'ana@example.org', service, result: 'added' },
    ]);
  });

  it('again changes nothing, and writes nothing', async () => {
    const { ask, store, recorded } = setUp();
    await ask(phone, 'enable', { jid: service, node: 'n-4711' }, form);
    await ask(phone, 'enable', { node: 'n-4711', jid: 'Push.Example.net' }, form);
    expect(recorded.map((event) => 'result' in event && event.result)).toEqual(['added', 'unchanged']);
    expect(store.calls.filter((call) => call === 'save')).toHaveLength(1);
  });

  it('again takes the last options', async () => {
    const { ask, host, registrations } = setUp();
    await ask(phone, 'enable', { jid: service, node: 'n-4711' });
    await ask(phone, 'enable', { jid: service, node: 'n-4711' }, form);
    const [registration, ...others] = await registrations.of(account);
    expect(others).toEqual([]);
    await registration?.target.deliver(ping, new AbortController().signal);
    expect(host.requests[0]?.iq.payload.child('publish-options')?.children).toEqual([form]);
  });

  it('is read by the next process as by this one', async () => {
    const { ask, store } = setUp();
    await ask(phone, 'enable', { jid: service, node: 'n-4711', away: 'true' }, form);
    const { host, registrations } = setUp(store);
    const [registration] = await registrations.of(account);
    expect(registration?.target.rules.whileAway).toBe(true);
    expect(await registration?.target.deliver(ping, new AbortController().signal)).toEqual({
      kind: 'delivered',
    });
    const [request] = host.requests;
    expect(request?.iq.to.toString()).toBe(service);
    expect(request?.iq.payload.child('publish')?.attr('node')).toBe('n-4711');
    expect(request?.iq.payload.child('publish-options')?.children).toEqual([form]);
  });

  it('is refused with a reason that says nothing secret', async () => {
    const { ask, recorded, clients } = setUp();
    const refused = ask(phone, 'enable', { jid: phone, node: 'n-4711' }, form);
    await expect(refused).rejects.toMatchObject({
      name: 'StanzaError',
      condition: 'bad-request',
      type: 'modify',
    });
    expect(await clients()).toEqual([]);
    expect(recorded).toMatchObject([
      { name: 'deviceRefused', jid: 'ana@example.org', channel: 'cloud-notify' },
    ]);
    expect(JSON.stringify(recorded)).not.toContain('4711');
  });

  it('asks to wait when the storage fails', async () => {
    const { ask, store, recorded } = setUp();
    store.failure = new Error('disk full');
    await expect(ask(phone, 'enable', { jid: service })).rejects.toMatchObject({
      condition: 'internal-server-error',
      type: 'wait',
      text: 'The storage failed. Try again later.',
    });
    expect(recorded.map(({ name }) => name)).toEqual(['storageFailed', 'deviceRefused']);
  });

  it('does not read rows that make no sense, and starts', async () => {
    const { ask, store, registrations } = setUp();
    const row = { account: 'ana@example.org', channel: 'cloud-notify', failures: 0, restsSince: undefined };
    store.rows = [
      { ...row, client: 'a', address: `["${service}"]`, details: '0{"jid":7}', enabledAt: 1 },
      {
        ...row,
        client: 'b',
        address: 'push.example.net<n',
        details: "1<enable xmlns='urn:xmpp:push:0'/>",
        enabledAt: 2,
      },
    ];
    expect(await registrations.of(account)).toEqual([]);
    await ask(phone, 'enable', { jid: service });
    expect(await registrations.of(account)).toHaveLength(1);
  });
});

const ping = {
  account,
  level: 'important',
  kind: 'ping',
  stanza: undefined,
  count: 0,
  pendingSubscriptions: 0,
} as const;

describe('disabling', () => {
  it.each([
    [{ jid: service, node: 'a' }, ['tablet', 'watch', 'car']],
    [{ jid: service }, ['watch']],
    [{ jid: service, node: '' }, ['phone', 'tablet', 'watch', 'car']],
    [{ jid: 'push.example.com' }, ['phone', 'tablet', 'car']],
    [{ jid: 'push.example.org', node: 'a' }, ['phone', 'tablet', 'watch', 'car']],
  ])('%o leaves %o', async (attrs, left) => {
    const { ask, clients } = setUp();
    await ask(phone, 'enable', { jid: service, node: 'a' });
    await ask(tablet, 'enable', { jid: service, node: 'b' });
    await ask('ana@example.org/watch', 'enable', { jid: 'push.example.com', node: 'a' });
    await ask('ana@example.org/car', 'enable', { jid: service });
    expect(await ask(tablet, 'disable', attrs)).toBeUndefined();
    expect(await clients()).toEqual(left);
  });

  it('is refused without a jid', async () => {
    const { ask, recorded } = setUp();
    await expect(ask(phone, 'disable', { node: 'a' })).rejects.toMatchObject({ condition: 'bad-request' });
    expect(recorded).toMatchObject([{ name: 'deviceRefused' }]);
  });

  it('asks to wait when the storage fails', async () => {
    const { ask, store } = setUp();
    await ask(phone, 'enable', { jid: service });
    store.failure = new Error('disk full');
    await expect(ask(phone, 'disable', { jid: service })).rejects.toMatchObject({
      condition: 'internal-server-error',
      type: 'wait',
    });
  });
});

describe('what is asked of the domain', () => {
  it('is done for the account whose session asks', async () => {
    const { host, clients } = setUp();
    host.addSession(phone);
    const enable = el('enable', ns.push, { jid: service, node: 'n' });
    expect(await host.receiveIq('set', phone, enable)).toBeUndefined();
    expect(await clients()).toEqual(['phone']);
    expect(await host.receiveIq('set', phone, el('disable', ns.push, { jid: service }))).toBeUndefined();
    expect(await clients()).toEqual([]);
  });

  it.each(['ana@example.org', 'eve@example.net/phone', tablet, 'push.example.net'])(
    'is not done for %s, which is no session',
    async (from) => {
      const { host, store } = setUp();
      host.addSession(phone);
      const asked = host.receiveIq('set', from, el('enable', ns.push, { jid: service }));
      await expect(asked).rejects.toMatchObject({
        condition: 'forbidden',
        text: expect.stringContaining("'to'"),
      });
      expect(store.rows).toEqual([]);
    },
  );
});

describe('an IQ of type get', () => {
  it.each(['enable', 'disable'])('that has %s is not allowed', async (name) => {
    const { host } = setUp();
    const refusal = { condition: 'not-allowed', type: 'cancel', text: expect.stringContaining('set') };
    const payload = el(name, ns.push, { jid: service });
    await expect(host.receiveAccountIq('get', phone, payload)).rejects.toMatchObject(refusal);
    await expect(host.receiveIq('get', phone, payload)).rejects.toMatchObject(refusal);
  });
});

it('lets an account have so many devices', async () => {
  const { ask, clients } = setUp();
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await ask(`ana@example.org/${name}`, 'enable', { jid: service, node: name });
  }
  expect(await clients()).toEqual(['b', 'c', 'd', 'e']);
});

describe('an app server that stops', () => {
  async function withDevices() {
    const all = setUp();
    await all.ask(phone, 'enable', { jid: service, node: 'a' });
    await all.ask(tablet, 'enable', { jid: service, node: 'b' });
    await all.ask('ana@example.org/watch', 'enable', { jid: 'push.example.com', node: 'a' });
    return all;
  }

  it.each([
    [service, 'a', ['tablet', 'watch']],
    [service, undefined, ['watch']],
    [service, 'c', ['phone', 'tablet', 'watch']],
    [`${service}/x`, undefined, ['phone', 'tablet', 'watch']],
    [`a@${service}`, undefined, ['phone', 'tablet', 'watch']],
    ['example.net', 'a', ['phone', 'tablet', 'watch']],
    ['eve@example.com', 'a', ['phone', 'tablet', 'watch']],
    ['push.example.com', 'a', ['phone', 'tablet']],
  ])('%s, of node %s, leaves %o', async (from, node, left) => {
    const { tell, clients, recorded } = await withDevices();
    await tell(from, node);
    expect(await clients()).toEqual(left);
    const removed = recorded.filter((event) => event.name === 'deviceRemoved');
    expect(removed).toHaveLength(3 - left.length);
    for (const event of removed) expect(event).toMatchObject({ why: 'service', service: from });
  });

  it('of another account is not heard', async () => {
    const { tell, clients } = await withDevices();
    await tell(service, 'a', 'bob@example.org');
    expect(await clients()).toHaveLength(3);
  });

  it('is not heard while the storage fails, which is reported', async () => {
    const { tell, store, host, recorded } = await withDevices();
    store.failure = new Error('disk full');
    await tell(service);
    expect(host.failures).toEqual([]);
    expect(recorded.at(-1)).toMatchObject({ name: 'storageFailed' });
  });

  it('that nobody has enabled keeps no client from anything, however often it says so', async () => {
    const { ask, tell, host, recorded } = await withDevices();
    const notices = Array.from({ length: 200 }, () => tell('eve@example.net'));
    await expect(ask(phone, 'enable', { jid: service, node: 'new' })).resolves.toBeUndefined();
    await Promise.all(notices);
    expect(host.failures).toEqual([]);
    expect(recorded.map(({ name }) => name)).not.toContain('storageFailed');
  });
});
