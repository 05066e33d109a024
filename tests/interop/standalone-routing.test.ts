import { beforeAll, describe, expect, it } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import {
  answered,
  bob,
  delivered,
  domain,
  ignored,
  kept,
  type Result,
  type Sessions,
  stanza,
  useRouting,
} from '../harness/routing.js';

const nobody = `nobody@${domain}`;
const returned = answered('service-unavailable');
const everyKind: Sessions = { phone: 127, tablet: 0, watch: -1, desk: undefined };
const routing = useRouting();

type MessageType = 'normal' | 'chat' | 'groupchat' | 'headline' | 'error';

/**
 * First what RFC 6121 §8.5.4 says in its table: S, ignored or returned; E, returned; O, kept or returned; D and A,
 * delivered to the resource or to all that take it; M, to the most available ones of these or to all. I, of errors, is
 * ignored (§8.5.2.1.1). Then what Belfry does.
 */
type Fate = `${'S' | 'E' | 'O' | 'D' | 'M' | 'A' | 'I'} ${'ignored' | 'returned' | 'kept' | 'delivered'}`;
type Fates = Readonly<Record<MessageType, Fate>>;

const allowed: Readonly<Record<string, RegExp>> = {
  S: /ignored|returned/,
  E: /returned/,
  O: /kept|returned/,
  D: /delivered/,
  M: /delivered/,
  A: /delivered/,
  I: /ignored/,
};

const nobodyOfThatName: Record<'bare' | 'absent', Fates> = {
  bare: {
    ...{ normal: 'S ignored', chat: 'S ignored', groupchat: 'E returned' },
    ...{ headline: 'S ignored', error: 'I ignored' },
  },
  absent: {
    ...{ normal: 'S returned', chat: 'S ignored', groupchat: 'S returned' },
    ...{ headline: 'S ignored', error: 'I ignored' },
  },
};
const nobodyTakesIt: typeof nobodyOfThatName = {
  bare: {
    ...{ normal: 'O kept', chat: 'O kept', groupchat: 'E returned' },
    ...{ headline: 'S ignored', error: 'I ignored' },
  },
  absent: {
    ...{ normal: 'S returned', chat: 'O kept', groupchat: 'S returned' },
    ...{ headline: 'S ignored', error: 'I ignored' },
  },
};
const someTakeIt: typeof nobodyOfThatName = {
  bare: {
    ...{ normal: 'M delivered', chat: 'M delivered', groupchat: 'E returned' },
    ...{ headline: 'A delivered', error: 'I ignored' },
  },
  absent: {
    ...{ normal: 'S returned', chat: 'M delivered', groupchat: 'S returned' },
    ...{ headline: 'S ignored', error: 'I ignored' },
  },
};
/** To the full JID of a session, whether or not it is available (§8.5.3.1). */
const itIsForASession: Fates = {
  ...{ normal: 'D delivered', chat: 'D delivered', groupchat: 'D delivered' },
  ...{ headline: 'D delivered', error: 'D delivered' },
};

interface State {
  readonly state: string;
  readonly account: string;
  readonly sessions: Sessions;
  readonly fates: typeof nobodyOfThatName;
  /** The resources that take what is for the account. */
  readonly taking: readonly string[];
}

const states: readonly State[] = [
  {
    state: 'no such account',
    ...{ account: nobody, sessions: {}, fates: nobodyOfThatName, taking: [] },
  },
  { state: 'no session', ...{ account: bob, sessions: {}, fates: nobodyTakesIt, taking: [] } },
  {
    state: 'a session that is not available',
    ...{ account: bob, sessions: { phone: undefined }, fates: nobodyTakesIt, taking: [] },
  },
  {
    state: 'one session of negative priority',
    ...{ account: bob, sessions: { phone: -1 }, fates: nobodyTakesIt, taking: [] },
  },
  {
    state: 'several of negative priority',
    ...{ account: bob, sessions: { phone: -1, tablet: -128 }, fates: nobodyTakesIt, taking: [] },
  },
  {
    state: 'one session of priority 0',
    ...{ account: bob, sessions: { phone: 0 }, fates: someTakeIt, taking: ['phone'] },
  },
  {
    state: 'one session of positive priority',
    ...{ account: bob, sessions: { phone: 5 }, fates: someTakeIt, taking: ['phone'] },
  },
  {
    state: 'two sessions of the same priority',
    ...{ account: bob, sessions: { phone: 1, tablet: 1 }, fates: someTakeIt, taking: ['phone', 'tablet'] },
  },
  {
    state: 'sessions of every kind',
    account: bob,
    sessions: everyKind,
    fates: someTakeIt,
    taking: ['phone', 'tablet'],
  },
];

describe.each(states)('a message, with $state,', ({ account, sessions, fates, taking }) => {
  const peers = routing.usePeers(sessions);
  const rows = (address: string, to: string, of: Fates, receivers: readonly string[]) =>
    Object.entries(of).map(([type, fate]) => ({ type, address, to, fate, receivers }));

  it.each([
    ...rows('the bare JID', account, fates.bare, taking),
    ...rows('the full JID of no session', `${account}/gone`, fates.absent, taking),
    ...Object.keys(sessions).flatMap((resource) =>
      rows(`the full JID of ${resource}`, `${account}/${resource}`, itIsForASession, [resource]),
    ),
  ])('of type $type to $address is $fate', async ({ type, to, fate, receivers }) => {
    const [letter = '', outcome = ''] = fate.split(' ');
    expect(outcome).toMatch(allowed[letter] ?? /^$/);
    const body = type === 'error' ? new StanzaError('gone').toElement() : el('body', ns.client, {}, 'hello');
    const result = await routing.send(stanza('message', { type, to }, body), peers);
    expect(result).toEqual({ ignored, returned, kept, delivered: delivered(receivers) }[outcome]);
  });

  it.each([undefined, 'mystery'])('of type %s is a normal one', async (type) => {
    const body = el('body', ns.client, {}, 'hello');
    for (const to of [account, `${account}/gone`]) {
      const result = await routing.send(stanza('message', { type, to }, body), peers);
      expect(result).toEqual(await routing.send(stanza('message', { type: 'normal', to }, body), peers));
    }
  });
});

/** A request's payload that accounts answer to everybody, and one that nobody knows. */
const vcard = el('vCard', ns.vcardTemp, {}, el('FN', ns.vcardTemp, {}, 'Bob'));
const unknown = el('query', 'urn:example:unknown');

interface IqRow {
  readonly what: string;
  readonly type: string | undefined;
  readonly to?: string;
  readonly payload?: readonly Element[];
  readonly result: Result;
}

/** RFC 6121 §8.5.1, §8.5.2.1.3, §8.5.2.2.3, §8.5.3.1, §8.5.3.2.3; RFC 6120 §8.2.3. */
const iqRows: readonly IqRow[] = [
  ...(['get', 'set'] as const).flatMap((type): IqRow[] => [
    { what: 'the bare JID, which does not know it', type, to: bob, result: returned },
    { what: 'no account', type, to: nobody, result: returned },
    { what: 'a full JID of no account', type, to: `${nobody}/phone`, result: returned },
    { what: 'the full JID of no session', type, to: `${bob}/gone`, result: returned },
    ...Object.keys(everyKind).map((resource): IqRow => {
      return { what: resource, type, to: `${bob}/${resource}`, result: delivered([resource]) };
    }),
  ]),
  ...(['result', 'error'] as const).flatMap((type): IqRow[] => [
    { what: 'the bare JID', type, to: bob, result: ignored },
    { what: 'no account', type, to: nobody, result: ignored },
    { what: 'the full JID of no session', type, to: `${bob}/gone`, result: ignored },
    { what: 'phone', type, to: `${bob}/phone`, result: delivered(['phone']) },
  ]),
  {
    what: 'the bare JID, which answers it',
    type: 'get',
    to: bob,
    payload: [vcard],
    result: answered('result'),
  },
  { what: 'no account, as if it were', type: 'get', to: nobody, payload: [vcard], result: returned },
  {
    what: 'the bare JID, which takes it from its owner alone',
    ...{ type: 'set', to: bob, payload: [vcard], result: returned },
  },
  ...[bob, `${bob}/phone`, domain].flatMap((to): IqRow[] => [
    { what: `${to} without payload`, type: 'get', to, payload: [], result: answered('bad-request') },
    { what: `${to} with two`, type: 'set', to, payload: [vcard, unknown], result: answered('bad-request') },
    { what: `${to} of no type`, type: undefined, to, result: answered('bad-request') },
    { what: `${to} of an unknown type`, type: 'mystery', to, result: answered('bad-request') },
  ]),
  { what: 'the domain', type: 'get', to: domain, result: returned },
  {
    what: 'the domain, which answers it',
    type: 'get',
    to: domain,
    payload: [el('ping', ns.ping)],
    result: answered('result'),
  },
  {
    what: 'another server',
    type: 'get',
    to: 'ana@elsewhere.test',
    result: answered('remote-server-not-found'),
  },
  { what: 'no JID', type: 'get', to: '@', result: answered('jid-malformed') },
];

describe('an iq, with sessions of every kind,', () => {
  const peers = routing.usePeers(everyKind);

  beforeAll(async () => {
    // An account that has no vCard is to others as one that does not exist.
    const answer = await peers.get('phone')?.client.request({ type: 'set', payload: vcard });
    expect(answer).toMatchObject({ kind: 'result' });
  });

  it.each(iqRows)('of type $type to $what', async ({ type, to, payload = [unknown], result }) => {
    const children = type === 'error' ? [new StanzaError('gone').toElement()] : payload;
    expect(await routing.send(stanza('iq', { type, to }, ...children), peers)).toEqual(result);
  });

  it('is answered by the session that got it', async () => {
    const question = stanza('iq', { type: 'get', to: `${bob}/phone` }, unknown);
    routing.ana.take();
    routing.ana.send(question);
    const phone = peers.get('phone');
    await phone?.settleFrom(routing.ana);
    const [got] = phone?.take() ?? [];
    expect(got).toMatchObject({
      attrs: { from: routing.ana.jid.toString(), type: 'get' },
      children: [unknown],
    });
    phone?.send(el('iq', ns.client, { type: 'result', id: got?.attr('id'), to: got?.attr('from') }));
    if (phone !== undefined) await routing.ana.settleFrom(phone);
    expect(routing.ana.take()).toMatchObject([
      { attrs: { type: 'result', id: question.attr('id'), from: `${bob}/phone` } },
    ]);
  });
});

/** RFC 6121 §8.5.1, §8.5.2.1.2, §8.5.2.2.2, §8.5.3.1, §8.5.3.2.2. */
const presenceRows: readonly { what: string; type?: string | undefined; to: string; result: Result }[] = [
  ...[undefined, 'unavailable', 'error'].flatMap((type) => [
    { what: 'the bare JID', type, to: bob, result: delivered(['phone', 'tablet', 'watch']) },
    { what: 'no account', type, to: nobody, result: ignored },
    { what: 'a full JID of no account', type, to: `${nobody}/phone`, result: ignored },
    { what: 'the full JID of no session', type, to: `${bob}/gone`, result: ignored },
    ...Object.keys(everyKind).map((resource) => {
      return { what: resource, type, to: `${bob}/${resource}`, result: delivered([resource]) };
    }),
  ]),
  // The answer, that there is no subscription, is no news to Ana's account and is not shown to her (§3.2.3, §4.3.2).
  ...[bob, `${bob}/phone`, nobody].map((to) => ({ what: to, type: 'probe', to, result: ignored })),
  { what: 'the bare JID', type: 'mystery', to: bob, result: answered('bad-request') },
  { what: 'another server', to: 'ana@elsewhere.test', result: answered('remote-server-not-found') },
  { what: 'no JID', to: '@', result: answered('jid-malformed') },
];

describe('presence, with sessions of every kind,', () => {
  const peers = routing.usePeers(everyKind);

  it.each(presenceRows)('of type $type to $what', async ({ type, to, result }) => {
    const children = type === 'error' ? [new StanzaError('gone').toElement()] : [];
    expect(await routing.send(stanza('presence', { type, to }, ...children), peers)).toEqual(result);
  });

  it('that asks for a subscription reaches all that are available', async () => {
    routing.ana.send(stanza('presence', { type: 'subscribe', to: `${bob}/phone` }));
    const asked: string[] = [];
    for (const [resource, peer] of peers) {
      await peer.settleFrom(routing.ana);
      const requests = peer.take().filter((got) => got.attr('type') === 'subscribe');
      if (requests.length === 1 && requests[0]?.attr('from') === routing.ana.jid.bare().toString())
        asked.push(resource);
    }
    expect(asked).toEqual(['phone', 'tablet', 'watch']);
  });
});

describe('with no session,', () => {
  const peers = routing.usePeers({});

  it.each([undefined, 'unavailable'])('presence of type %s is nobody’s', async (type) => {
    for (const to of [bob, `${bob}/phone`]) {
      expect(await routing.send(stanza('presence', { type, to }), peers)).toEqual(ignored);
    }
  });

  it('an iq is answered by the account as if there were one', async () => {
    const get = (...payload: Element[]) => stanza('iq', { type: 'get', to: bob }, ...payload);
    expect(await routing.send(get(vcard), peers)).toEqual(answered('result'));
    expect(await routing.send(get(unknown), peers)).toEqual(returned);
  });
});

describe('a message', () => {
  const peers = routing.usePeers({ phone: 0 });
  const body = el('body', ns.client, {}, 'hello');

  it('arrives as it was sent, with the full JID of its sender and the id of its receiver’s archive', async () => {
    const chat = stanza('message', { type: 'chat', to: bob, 'xml:lang': 'eo' }, body, unknown);
    const phone = peers.get('phone');
    phone?.take();
    routing.ana.send(chat.withAttrs({ from: routing.ana.jid.bare().toString() }));
    await phone?.settleFrom(routing.ana);
    const [got] = phone?.take() ?? [];
    const id = got?.child('stanza-id', ns.stanzaIds);
    expect(id?.attr('by')).toBe(bob);
    const sent = chat.withAttrs({ from: routing.ana.jid.toString() });
    expect(got).toEqual(id && sent.withChildren([...sent.children, id]));
  });

  it('comes back with its addresses exchanged, its id and the type of the error', async () => {
    const chat = stanza('message', { type: 'groupchat', to: bob }, body);
    routing.ana.take();
    routing.ana.send(chat);
    await routing.ana.settle();
    const [got, ...more] = routing.ana.take();
    expect(more).toEqual([]);
    expect(got?.attrs).toMatchObject({
      ...{ type: 'error', id: chat.attr('id'), from: bob, to: routing.ana.jid.toString() },
    });
    expect(got && StanzaError.fromStanza(got).type).toBe('cancel');
  });

  it.each([
    ['ana@elsewhere.test', 'remote-server-not-found'],
    ['@', 'jid-malformed'],
  ])('to %s comes back: %s', async (to, condition) => {
    const result = await routing.send(stanza('message', { type: 'chat', to }, body), peers);
    expect(result).toEqual(answered(condition));
  });

  it('without an address is for the own account', async () => {
    routing.ana.send(el('presence', ns.client));
    await routing.ana.settle();
    routing.ana.take();
    routing.ana.send(stanza('message', { type: 'chat' }, body));
    await routing.ana.settle();
    expect(routing.ana.take()).toMatchObject([
      { name: 'message', attrs: { to: routing.ana.jid.bare().toString() } },
    ]);
  });
});
