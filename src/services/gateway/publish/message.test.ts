import { describe, expect, it } from 'vitest';
import { Jid } from '../../../xmpp/jid.js';
import type { GatewayRegistration } from '../store.js';
import type { Content, Encrypted, Sealed, Summary } from './content.js';
import { isExpired, messageOf, ttlOf } from './message.js';

const registration: GatewayRegistration = {
  node: 'n-1',
  account: 'ana@example.org',
  device: 'd-1',
  endpoint: 'https://updates.example.net/1',
  p256dh: new Uint8Array(65),
  auth: new Uint8Array(16).fill(1),
  onlyImportant: false,
  renewedAt: 0,
  failures: 0,
};

const weight = { isImportant: true, isCall: false };
const summary = (some: Partial<Summary> = {}): Summary => ({
  ...{ kind: 'summary', ...weight, count: 1, requests: 0, sender: undefined, body: '' },
  ...some,
});
const encrypted = (some: Partial<Encrypted> = {}): Encrypted => ({
  ...{ kind: 'encrypted', ...weight, iv: 'AAAA', data: 'q83v', type: undefined },
  ...some,
});
const sealed = (some: Partial<Sealed> = {}): Sealed => ({
  ...{ kind: 'sealed', ...weight, body: Buffer.from('body'), token: undefined },
  ...some,
});
const romeo = Jid.parse('romeo@example.net/orchard');
const at = { ttl: 60, notBefore: undefined, isOfMany: false };
const topic = (content: Content, of: Partial<GatewayRegistration> = {}) =>
  messageOf({ ...registration, ...of }, content, at).topic;
const coarse = (content: Content) => messageOf(registration, content, { ...at, isOfMany: true }).topic;

it.each([
  [summary(), 'normal'],
  [summary({ isImportant: false }), 'low'],
  [summary({ isCall: true }), 'high'],
  [encrypted(), 'normal'],
  [encrypted({ isCall: true, type: 'voip' }), 'high'],
  [sealed({ isImportant: false }), 'low'],
])('%o is urgent as %s', (content, urgency) => {
  expect(messageOf(registration, content, at).urgency).toBe(urgency);
});

describe('a newer message replaces', () => {
  it('one of the same conversation, whatever it says', () => {
    expect(topic(summary({ sender: romeo, body: 'a' }))).toMatch(/^[\w-]{32}$/);
    expect(topic(summary({ sender: romeo, body: 'a' }))).toBe(
      topic(summary({ sender: romeo.bare(), body: 'b' })),
    );
  });

  it('one that says the same, where nobody is named', () => {
    expect(topic(summary({ body: 'New Message!' }))).toBe(topic(summary({ body: 'New Message!', count: 2 })));
    expect(topic(summary({ body: 'a' }))).not.toBe(topic(summary({ body: 'b' })));
  });

  it('none of another conversation, importance, kind, or registration', () => {
    const one = summary({ sender: romeo, body: 'a' });
    const topics = [
      topic(one),
      topic(summary({ sender: Jid.parse('juliet@example.net'), body: 'a' })),
      topic(summary({ body: 'romeo@example.net' })),
      topic({ ...one, isImportant: false }),
      topic({ ...one, isCall: true }),
      topic(one, { node: 'n-2' }),
      topic(one, { account: 'bob@example.org' }),
      topic(one, { auth: new Uint8Array(16).fill(2) }),
      topic(summary({ requests: 1, count: 0 })),
      topic(summary({ count: 0 })),
      coarse(one),
      coarse({ ...one, isImportant: false }),
      coarse({ ...one, isCall: true }),
    ];
    expect(new Set(topics).size).toBe(topics.length);
  });

  it('nothing, if it cannot be read here', () => {
    expect(topic(encrypted())).toBeUndefined();
    expect(topic(sealed())).toBeUndefined();
  });

  it('all of its kind, of many: each kind and importance by itself', () => {
    const topics = [summary(), encrypted(), sealed()].flatMap((one) => [
      coarse(one),
      coarse({ ...one, isImportant: false }),
    ]);
    expect(topics.every((one) => one !== undefined)).toBe(true);
    expect(new Set(topics).size).toBe(6);
    expect(coarse(summary({ sender: romeo }))).toBe(coarse(summary({ body: 'x' })));
    expect(coarse(encrypted({ isCall: true }))).toBe(coarse(sealed({ isCall: true })));
  });
});

describe('a message is of use', () => {
  const now = 1_800_000_000_000;
  const until = (seconds: number) =>
    sealed({ token: { authorization: 'vapid t=a.b.c, k=d', expiresAt: now / 1_000 + seconds } });

  it.each([
    ['as long as messages are', summary(), 259_200, 259_200],
    ['for a minute, if it is a call', summary({ isCall: true }), 259_200, 60],
    ['for less, if messages are', summary({ isCall: true }), 30, 30],
    ['not at all later, if messages are not', sealed(), 0, 0],
    ['as long as its token is good', until(100), 259_200, 100],
    ['not longer because its token is', until(1e9), 259_200, 259_200],
    ['not longer because its token is good for ever', until(Number.POSITIVE_INFINITY), 259_200, 259_200],
    ['no time, by a token that is over', until(-100), 259_200, 0],
  ])('%s', (_name, content, usual, ttl) => {
    expect(ttlOf(content, usual, now)).toBe(ttl);
  });

  it('unless its token is over', () => {
    expect(
      [until(1), until(0.9), until(0), until(-1e9), sealed(), summary()].map((c) => isExpired(c, now)),
    ).toEqual([false, true, true, true, false, false]);
  });
});

it('what is sealed is sent as it is, with its token', () => {
  const token = { authorization: 'vapid t=a.b.c, k=d', expiresAt: undefined };
  const { body } = sealed();
  const plan = { ...at, notBefore: 7 };
  expect(messageOf(registration, sealed({ token }), plan)).toEqual({
    body,
    authorization: 'vapid t=a.b.c, k=d',
    ttl: 60,
    urgency: 'normal',
    topic: undefined,
    notBefore: 7,
  });
  expect(messageOf(registration, sealed(), at)).toMatchObject({ authorization: undefined });
});
