import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Notification } from '../../src/services/notify/channel.js';
import { readDetails } from '../../src/services/notify/cloud-notify/details.js';
import { InitialisationVectors } from '../../src/services/notify/cloud-notify/encrypted.js';
import { createTarget } from '../../src/services/notify/cloud-notify/publish.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { decryptByPython, hasPythonCryptography, type Sealed } from '../harness/decrypt-gcm.js';
import { FakeHost } from '../harness/fake-host.js';
import { describeWithPeers } from '../harness/peer.js';

const key = randomBytes(16).toString('base64');
const settings = () => ({ importantBody: 'New Message!', withBody: false, withSender: false });
const vectors = new InitialisationVectors(randomBytes);
const signal = new AbortController().signal;

/** A device that has asked for encryption, and what its app server is sent. */
function encryptedDevice(maxSize: number) {
  const host = new FakeHost('example.org');
  const attrs = { alg: 'aes-128-gcm', 'max-size': String(maxSize) };
  const enable = el(
    'enable',
    ns.push,
    {},
    el('encrypt', ns.pushEncryption, attrs, key),
    el('jingle', ns.pushCalls),
  );
  const address = { jid: Jid.parse('push.example.net'), node: 'n-4711' };
  const target = createTarget(address, readDetails(enable), { host, vectors, settings });
  return async (stanza: Element): Promise<Sealed> => {
    await target.deliver({ ...someNotification, stanza }, signal);
    const publish = host.requests.at(-1)?.iq.payload.child('publish');
    const notification = publish?.child('item')?.child('notification', ns.push);
    const encrypted = notification?.child('encrypted', ns.pushEncryption);
    return { key, iv: encrypted?.attr('iv') ?? '', sealed: encrypted?.text() ?? '' };
  };
}

const someNotification: Omit<Notification, 'stanza'> = {
  account: Jid.parse('ana@example.org'),
  level: 'important',
  kind: 'message',
  count: 7,
  pendingSubscriptions: 0,
};

const chat = (...children: Element[]) =>
  message({ from: 'bob@example.net/phone', type: 'chat' }, ...children);
const saying = (text: string) => chat(el('body', ns.client, {}, text));

/** The same with one bit of its bytes another one. */
function changed(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64');
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return bytes.toString('base64');
}

describeWithPeers('encrypted notifications', { 'python3-cryptography': hasPythonCryptography }, () => {
  it('are read by an implementation that verifies the tag', async () => {
    const seal = encryptedDevice(3000);
    const propose = el('propose', ns.callSignals, { id: 'call-7' });
    const [text, call] = decryptByPython([
      await seal(saying('Wüst 😡 "Wine?"\n')),
      await seal(chat(propose)),
    ]);
    expect(JSON.parse(text ?? '')).toEqual({
      unread: 7,
      type: 'chat',
      sender: 'bob@example.net',
      message: 'Wüst 😡 "Wine?"\n',
    });
    expect(JSON.parse(call ?? '')).toEqual({
      unread: 7,
      type: 'call',
      sender: 'bob@example.net/phone',
      sid: 'call-7',
      media: [],
    });
  });

  it('are refused by it when one byte is another', async () => {
    const sealed = await encryptedDevice(3000)(saying('Wine?'));
    const forged = [0, 20, -1, -16, -17].map((at) => ({ ...sealed, sealed: changed(sealed.sealed, at) }));
    const others = [
      { ...sealed, iv: changed(sealed.iv, 0) },
      { ...sealed, key: changed(sealed.key, 15) },
    ];
    expect(decryptByPython([sealed])).toEqual([expect.stringContaining('Wine?')]);
    expect(decryptByPython([...forged, ...others])).toEqual([null, null, null, null, null, null, null]);
  });

  it('are JSON of the size that was asked for, whatever is said', async () => {
    const said = fc.tuple(fc.string({ unit: 'binary' }), fc.nat(3000), fc.integer({ min: 256, max: 4096 }));
    const samples = fc.sample(said, 200);
    const all = await Promise.all(
      samples.map(([unit, times, maxSize]) => encryptedDevice(maxSize)(saying(unit.repeat(times)))),
    );
    for (const [index, text] of decryptByPython(all).entries()) {
      const [unit, times, maxSize] = samples[index] ?? ['', 0, 0];
      expect(all[index]?.sealed.length).toBeLessThanOrEqual(maxSize);
      const { message: read = '', ...rest } = JSON.parse(text ?? '');
      expect(rest).toEqual({ unread: 7, type: 'chat', sender: 'bob@example.net' });
      expect(unit.repeat(times).startsWith(read)).toBe(true);
    }
  });
});
