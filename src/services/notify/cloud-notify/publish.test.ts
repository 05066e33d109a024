import { createDecipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FakeHost } from '../../../../tests/harness/fake-host.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { message } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Notification } from '../channel.js';
import { readDetails } from './details.js';
import { InitialisationVectors } from './encrypted.js';
import { createTarget } from './publish.js';
import type { CloudNotifySettings } from './settings.js';

const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const encrypt = el('encrypt', ns.pushEncryption, { alg: 'aes-128-gcm' }, key.toString('base64'));
const priority = el('priority', ns.pushPriority);
const jingle = el('jingle', ns.pushCalls);
const form = el('x', ns.dataForms, { type: 'submit' }, '\n', el('field', ns.dataForms, { var: 'secret' }));

const chat = (...children: Element[]) =>
  message({ from: 'bob@example.net/phone', type: 'chat' }, ...children);
const call = (name: string) => chat(el(name, ns.callSignals, { id: 'call-7' }));

const settings: CloudNotifySettings = { importantBody: 'New Message!', withBody: false, withSender: false };

function setUp({
  node = 'n-4711',
  wishes = [],
}: {
  node?: string | undefined;
  wishes?: readonly Element[];
} = {}) {
  const host = new FakeHost('example.org');
  const details = readDetails(el('enable', ns.push, {}, ...wishes));
  const current = { ...settings };
  const target = createTarget(
    { jid: Jid.parse('push.example.net'), node: node === '' ? undefined : node },
    details,
    { host, vectors: new InitialisationVectors(randomBytes), settings: () => current },
  );
  const deliver = (some: Partial<Notification> = {}, signal = new AbortController().signal) =>
    target.deliver(
      {
        account: Jid.parse('ana@example.org'),
        level: 'important',
        kind: 'message',
        stanza: chat(el('body', ns.client, {}, 'Wine?')),
        count: 1,
        pendingSubscriptions: 0,
        ...some,
      },
      signal,
    );
  /** The notification that is published then. */
  const publish = async (some: Partial<Notification> = {}) => {
    await deliver(some);
    const notification = path(host.requests.at(-1)?.iq.payload, 'publish', 'item').child(
      'notification',
      ns.push,
    );
    if (notification === undefined) throw new Error('there is no notification');
    return notification;
  };
  return { host, target, deliver, publish, current };
}

function path(element: Element | undefined, ...names: string[]): Element {
  if (element === undefined) throw new Error('there is no such element');
  const [name, ...rest] = names;
  return name === undefined ? element : path(element.child(name), ...rest);
}

function decrypt(element: Element | undefined): unknown {
  const sealed = Buffer.from(element?.text() ?? '', 'base64');
  const decipher = createDecipheriv('aes-128-gcm', key, Buffer.from(element?.attr('iv') ?? '', 'base64'));
  decipher.setAuthTag(sealed.subarray(-16));
  return JSON.parse(`${decipher.update(sealed.subarray(0, -16))}${decipher.final()}`);
}

const names = (element: Element) => element.elements().map(({ name }) => name);

describe('a publish', () => {
  it('is as the standard shows it', async () => {
    const { host, deliver } = setUp({ wishes: [form] });
    expect(await deliver()).toEqual({ kind: 'delivered' });
    const [request] = host.requests;
    expect(request?.iq).toMatchObject({ type: 'set', to: Jid.parse('push.example.net') });
    expect(request?.options).toMatchObject({ timeout: 30_000, signal: expect.any(AbortSignal) });
    expect(request && serialize(request.iq.payload)).toBe(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n-4711'><item>` +
        `<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='form'>` +
        `<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:push:summary</value></field>` +
        `<field var='message-count'><value>1</value></field>` +
        `<field var='last-message-body'><value>New Message!</value></field></x>` +
        `<priority xmlns='tigase:push:priority:0'>high</priority></notification></item></publish>` +
        `<publish-options>${serialize(form)}</publish-options></pubsub>`,
    );
  });

  it('has neither node nor options that nobody gave', async () => {
    const { host, deliver } = setUp({ node: '' });
    await deliver();
    const pubsub = host.requests[0]?.iq.payload;
    expect(path(pubsub, 'publish').attr('node')).toBeUndefined();
    expect(path(pubsub).elements()).toHaveLength(1);
  });

  it('says what the settings of the moment allow', async () => {
    const { publish, current } = setUp();
    expect(serialize(await publish())).not.toContain('Wine?');
    Object.assign(current, { withBody: true });
    expect(serialize(await publish())).toContain('Wine?');
  });

  it.each([
    ['important', [], 'high'],
    ['important', [priority], 'high'],
    ['unimportant', [], undefined],
    ['unimportant', [priority], 'low'],
    ['important', [encrypt], 'high'],
    ['unimportant', [encrypt, priority], 'low'],
  ] as const)('that is %s and wished with %o has priority %s', async (level, wishes, value) => {
    const notification = await setUp({ wishes }).publish({ level });
    expect(notification.child('priority', ns.pushPriority)?.text()).toBe(value);
  });

  it('that is encrypted tells everybody else nothing', async () => {
    const { publish, current } = setUp({ wishes: [encrypt] });
    Object.assign(current, { withBody: true, withSender: true });
    const notification = await publish({ count: 4, pendingSubscriptions: 2 });
    expect(names(notification)).toEqual(['priority', 'encrypted']);
    const content = decrypt(notification.child('encrypted', ns.pushEncryption));
    expect(content).toEqual({ unread: 4, type: 'chat', sender: 'bob@example.net', message: 'Wine?' });
  });

  it('that is encrypted has at most the bytes that were asked for', async () => {
    const small = encrypt.withAttrs({ 'max-size': '256' });
    const { publish } = setUp({ wishes: [small] });
    const notification = await publish({ stanza: chat(el('body', ns.client, {}, '😡'.repeat(5000))) });
    const encrypted = notification.child('encrypted', ns.pushEncryption);
    expect(encrypted?.text().length).toBeLessThanOrEqual(256);
    expect(decrypt(encrypted)).toMatchObject({ message: expect.stringMatching(/^(😡){15,}$/u) });
  });

  it.each([
    ['propose', 'important', [jingle], 'voip'],
    ['retract', 'important', [jingle], 'voip'],
    ['propose', 'important', [], undefined],
    ['finish', 'unimportant', [jingle], undefined],
    ['finish', 'important', [jingle], undefined],
    ['propose', 'unimportant', [jingle], undefined],
  ] as const)('of %s that is %s, wished with %o, has the type %s', async (name, level, wishes, type) => {
    const notification = await setUp({ wishes: [encrypt, ...wishes] }).publish({ level, stanza: call(name) });
    const encrypted = notification.child('encrypted', ns.pushEncryption);
    expect(encrypted?.attr('type')).toBe(type);
    expect(decrypt(encrypted)).toMatchObject({
      type: 'call',
      sid: 'call-7',
      sender: 'bob@example.net/phone',
    });
    if (type === 'voip') expect(notification.child('priority', ns.pushPriority)?.text()).toBe('high');
  });

  it('of a room does not ring', async () => {
    const stanza = call('propose').withAttrs({ from: 'team@rooms.example.org/Bob', type: 'groupchat' });
    const notification = await setUp({ wishes: [encrypt, jingle] }).publish({ stanza });
    expect(notification.child('encrypted', ns.pushEncryption)?.attr('type')).toBeUndefined();
  });

  it('without stanza is possible, encrypted and not', async () => {
    expect(names(await setUp().publish({ stanza: undefined, kind: 'ping' }))).toEqual(['x', 'priority']);
    const notification = await setUp({ wishes: [encrypt] }).publish({ stanza: undefined, kind: 'ping' });
    expect(decrypt(notification.child('encrypted', ns.pushEncryption))).toEqual({
      unread: 1,
      type: 'chat',
      sender: 'ana@example.org',
    });
  });

  it('ends as the app server answers', async () => {
    const { host, deliver } = setUp();
    host.answer = () => ({ kind: 'error', error: new StanzaError('item-not-found') });
    expect(await deliver()).toEqual({ kind: 'rejected', reason: 'item-not-found' });
    host.isConnected = false;
    expect(await deliver()).toEqual({ kind: 'retry', reason: 'disconnected' });
  });
});

describe('a target', () => {
  it('names its service and has its rules', () => {
    const { target } = setUp({ wishes: [el('ignore-unknown', ns.pushIgnoresUnknown)] });
    expect(target.service).toBe('push.example.net');
    expect(target.rules).toMatchObject({ ignoresUnknown: true, whileAway: false });
  });
});
