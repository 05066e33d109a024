import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientStanzas } from '../../../../tests/harness/client-stanzas.js';
import { el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import { parseStored } from '../../../xmpp/stored-xml.js';
import type { Notification } from '../channel.js';
import { notificationPayloads } from './payload.js';
import type { WebPushChannelSettings } from './settings.js';

const { says, chat, room } = clientStanzas;
const discreet: WebPushChannelSettings = {
  importantBody: 'New Message!',
  withBody: false,
  withSender: false,
  ttl: 3_600,
};
const open = { ...discreet, withBody: true, withSender: true };

const notification = (changes: Partial<Notification> = {}): Notification => ({
  account: Jid.parse('ana@example.org'),
  level: 'important',
  kind: 'message',
  stanza: parseStored(chat(says.text)),
  count: 2,
  pendingSubscriptions: 0,
  ...changes,
});

const read = (bytes: Uint8Array | undefined): unknown =>
  bytes && JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));

const payload = (changes: Partial<Notification>, settings = discreet) =>
  read(notificationPayloads(notification(changes), settings).payload);

const common = {
  v: 1,
  account: 'ana@example.org',
  count: 2,
  importance: 'important',
  kind: 'message',
  conversation: 'ben@example.net',
};

describe('what a browser reads', () => {
  it('says by default who has written, not what, and not from where', () => {
    expect(payload({})).toEqual({ ...common, body: 'New Message!' });
  });

  it('has no body if there are no words for it', () => {
    expect(payload({}, { ...discreet, importantBody: '' })).toEqual(common);
  });

  it('says what and from where if that is wanted', () => {
    const stanza = message(
      { from: 'tea@rooms.example.net/Ben', type: 'groupchat' },
      el('body', ns.client, {}, 'Coming?'),
    );
    expect(payload({ stanza }, open)).toEqual({
      ...common,
      conversation: 'tea@rooms.example.net',
      sender: 'tea@rooms.example.net/Ben',
      body: 'Coming?',
    });
  });

  it('never says what is beside something encrypted', () => {
    const stanza = parseStored(room(says.omemo));
    expect(payload({ stanza }, open)).toMatchObject({ body: 'New Message!' });
  });

  it('says nothing of what is unimportant but where it is', () => {
    const { conversation, account } = common;
    const stanza = parseStored(chat(says.retraction));
    expect(payload({ level: 'unimportant', kind: 'retraction', stanza, count: 0 })).toEqual({
      ...{ v: 1, account, count: 0, importance: 'unimportant', kind: 'retraction', conversation },
    });
  });

  it('is a ping if there is no more to it', () => {
    expect(payload({ level: 'unimportant', kind: 'ping', stanza: undefined, count: 0 })).toEqual({
      ...{ v: 1, account: 'ana@example.org', count: 0, importance: 'unimportant', kind: 'ping' },
    });
  });
});

describe('what it reads at least', () => {
  it('is neither from where nor what', () => {
    expect(read(notificationPayloads(notification(), open).shorter)).toEqual(common);
  });

  it('is not there if there is nothing to leave out', () => {
    const { shorter } = notificationPayloads(notification({ level: 'unimportant' }), discreet);
    expect(shorter).toBeUndefined();
  });
});

describe('what does not fit', () => {
  it('is cut at a character', () => {
    const units = fc.constantFrom('a', 'é', '漢', '😡', '"', '\\', '\n', '\u0001', '\ud800');
    const texts = fc.array(units, { minLength: 2_000, maxLength: 3_000 }).map((all) => all.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        const stanza = message({ from: 'ben@example.net/x' }, el('body', ns.client, {}, text));
        const bytes = notificationPayloads(notification({ stanza }), open).payload;
        const { body } = JSON.parse(new TextDecoder().decode(bytes)) as { body: string };
        expect(bytes.length).toBeLessThanOrEqual(2_847);
        expect(bytes.length).toBeGreaterThan(2_835);
        expect(text.startsWith(body)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is left out: who exactly, then where, then for whom', () => {
    const long = (size: number) => `${'b'.repeat(size)}@example.net`;
    const from = (size: number, resource: number) =>
      message({ from: `${long(size)}/${'x'.repeat(resource)}` }, el('body', ns.client, {}, 'hello'));
    const keys = (changes: Partial<Notification>) => Object.keys(payload(changes, open) as object).slice(5);
    expect(keys({ stanza: from(1_000, 900) })).toEqual(['conversation']);
    expect(keys({ stanza: from(1_000, 3_000) })).toEqual(['conversation']);
    expect(keys({ stanza: from(3_000, 1) })).toEqual([]);
    const account = { toString: () => long(3_000) };
    expect(payload({ stanza: from(3_000, 1), account: Object.assign(Jid.parse('a@b.c'), account) })).toEqual({
      ...{ v: 1, count: 2, importance: 'important', kind: 'message' },
    });
  });
});
