import { createDecipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Notification } from '../src/services/notify/channel.js';
import { readDetails } from '../src/services/notify/cloud-notify/details.js';
import { InitialisationVectors } from '../src/services/notify/cloud-notify/encrypted.js';
import { createTarget } from '../src/services/notify/cloud-notify/publish.js';
import { readDisableNotice } from '../src/services/notify/cloud-notify/remote-disable.js';
import { type Element, el } from '../src/xmpp/element.js';
import { Jid } from '../src/xmpp/jid.js';
import { ns } from '../src/xmpp/ns.js';
import { message, presence } from '../src/xmpp/stanza.js';
import { StanzaError } from '../src/xmpp/stanza-error.js';
import { FakeHost } from './harness/fake-host.js';
import { enable } from './harness/gateway/requests.js';
import { gatewayStage } from './harness/gateway/stage.js';

const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const encrypt = el('encrypt', ns.pushEncryption, { alg: 'aes-128-gcm' }, key.toString('base64'));
const priority = el('priority', ns.pushPriority);
const jingle = el('jingle', ns.pushCalls);

const chat = (...children: Element[]) =>
  message({ from: 'bob@example.net/phone', to: 'ana@example.org', type: 'chat' }, ...children);
const words = chat(el('body', ns.client, {}, 'Wine?'));
const call = chat(el('propose', ns.callSignals, { id: 'call-7' }));

/** An embedded server whose user has enabled the gateway, with these wishes, and the gateway itself. */
function setUp({ wishes = [], withBody = false }: { wishes?: readonly Element[]; withBody?: boolean } = {}) {
  const stage = gatewayStage();
  const to = stage.register();
  const server = new FakeHost('example.org');
  server.answer = async ({ payload }) => {
    try {
      return { kind: 'result', payload: await stage.host.receiveIq('set', 'example.org', payload) };
    } catch (error) {
      if (error instanceof StanzaError) return { kind: 'error', error };
      throw error;
    }
  };
  const settings = { importantBody: 'New Message!', withBody, withSender: withBody };
  const given = { jid: 'push.example.org', node: to.node, secret: to.secret };
  const target = createTarget(
    { jid: Jid.parse(given.jid), node: to.node },
    readDetails(enable(given, ...wishes)),
    { host: server, vectors: new InitialisationVectors(randomBytes), settings: () => settings },
  );
  const notify = (some: Partial<Notification> = {}) =>
    target.deliver(
      {
        ...{ account: Jid.parse('ana@example.org'), level: 'important', kind: 'message', stanza: words },
        ...{ count: 3, pendingSubscriptions: 0 },
        ...some,
      },
      new AbortController().signal,
    );
  return { stage, to, notify, urgency: () => stage.webPush.pushes.at(-1)?.message.urgency };
}

describe('what the embedded server publishes', () => {
  it('tells what it tells', async () => {
    const { stage, notify, urgency } = setUp();
    expect(await notify()).toEqual({ kind: 'delivered' });
    expect(stage.webPush.payloads).toEqual([
      {
        ...{ v: 1, account: 'ana@example.org', count: 3, importance: 'important', kind: 'message' },
        body: 'New Message!',
      },
    ]);
    expect(urgency()).toBe('normal');
  });

  it('tells who has written, and what, if it may', async () => {
    const { stage, notify } = setUp({ withBody: true });
    await notify();
    expect(stage.webPush.payloads).toMatchObject([
      { conversation: 'bob@example.net', sender: 'bob@example.net/phone', body: 'Wine?' },
    ]);
  });

  it('has a priority beside it', async () => {
    const { stage, notify, urgency } = setUp({ wishes: [priority] });
    await notify({ level: 'unimportant' });
    expect(stage.webPush.payloads).toMatchObject([{ importance: 'unimportant' }]);
    expect(urgency()).toBe('low');
  });

  it('counts requests for presence', async () => {
    const { stage, notify } = setUp();
    const stanza = presence({ from: 'bob@example.net', to: 'ana@example.org', type: 'subscribe' });
    await notify({ stanza, level: 'unimportant', count: 0, pendingSubscriptions: 2 });
    expect(stage.webPush.payloads).toMatchObject([{ kind: 'subscription', requests: 2 }]);
  });

  it('comes as it was encrypted', async () => {
    const { stage, notify, urgency } = setUp({ wishes: [encrypt, priority] });
    await notify();
    expect(urgency()).toBe('normal');
    const [payload] = stage.webPush.payloads as {
      kind: string;
      encrypted: { iv: string; data: string };
    }[];
    expect(payload?.kind).toBe('encrypted');
    const sealed = Buffer.from(payload?.encrypted.data ?? '', 'base64');
    const decipher = createDecipheriv('aes-128-gcm', key, Buffer.from(payload?.encrypted.iv ?? '', 'base64'));
    decipher.setAuthTag(sealed.subarray(-16));
    const text = decipher.update(sealed.subarray(0, -16)).toString() + decipher.final().toString();
    expect(JSON.parse(text)).toMatchObject({ message: 'Wine?', unread: 3, sender: 'bob@example.net' });
    await notify({ level: 'unimportant' });
    expect(urgency()).toBe('low');
  });

  it('rings', async () => {
    const { stage, notify, urgency } = setUp({ wishes: [encrypt, priority, jingle] });
    await notify({ stanza: call, kind: 'call' });
    expect(stage.webPush.payloads).toMatchObject([{ kind: 'call', encrypted: { type: 'voip' } }]);
    expect(urgency()).toBe('high');
  });
});

it('the embedded server hears when a browser is gone', async () => {
  const { stage, to, notify } = setUp();
  stage.webPush.answers.push({ kind: 'gone', reason: 'status 410' });
  expect(await notify()).toMatchObject({ kind: 'rejected' });
  const [sent] = stage.host.sent;
  const notice = sent?.withAttrs({ from: 'push.example.org' });
  expect(notice && readDisableNotice(Jid.parse('ana@example.org'), notice)).toEqual({
    from: Jid.parse('push.example.org'),
    node: to.node,
  });
});

it('what may pass is no reason for the embedded server to give up', async () => {
  const { stage, notify } = setUp();
  stage.webPush.answers.push({ kind: 'retry', reason: 'x' }, { kind: 'rejected', reason: 'x' });
  expect(await notify()).toMatchObject({ kind: 'retry' });
  expect(await notify()).toMatchObject({ kind: 'retry' });
});
