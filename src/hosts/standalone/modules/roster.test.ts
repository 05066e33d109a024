import { beforeEach, describe, expect, it } from 'vitest';
import { type Actor, CoreStage, inShort } from '../../../../tests/harness/core-stage.js';
import { waitFor } from '../../../../tests/harness/net.js';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { presence } from '../../../xmpp/stanza.js';
import { accountLimits } from '../settings.js';
import type { StoredContact } from '../store.js';
import { roster } from './roster.js';

const romeo = 'romeo@example.org';
const juliet = 'juliet@example.org';

let stage: CoreStage;
let r: Actor;

beforeEach(async () => {
  stage = new CoreStage([roster]);
  await stage.addAccounts(romeo, juliet);
  r = await stage.connect(`${romeo}/orchard`);
});

const query = (attrs: Record<string, string>, ...items: Element[]) => el('query', ns.roster, attrs, ...items);
const item = (attrs: Record<string, string>, ...groups: string[]) =>
  el('item', ns.roster, attrs, ...groups.map((group) => el('group', ns.roster, {}, group)));

/** Asks and gives the answer; what came beside it stays to be heard. */
async function ask(actor: Actor, type: 'get' | 'set', payload: Element, to?: string): Promise<Element> {
  await actor.send(el('iq', ns.client, { type, id: 'q', to }, payload));
  return answerTo(actor);
}

/** IQs run beside the stream: the answer comes when it is ready. */
async function answerTo(actor: Actor): Promise<Element> {
  const seen: Element[] = [];
  const isAnswer = (one: Element) => one.attr('id') === 'q';
  const hasCome = () => {
    seen.push(...actor.take());
    return seen.some(isAnswer);
  };
  await waitFor('an answer', hasCome, { interval: 1 });
  beside.set(actor, [...(beside.get(actor) ?? []), ...seen.filter((one) => !isAnswer(one))]);
  return seen.find(isAnswer) ?? el('nothing', '');
}

const beside = new WeakMap<Actor, Element[]>();

function pushesOf(actor: Actor): Element[] {
  const all = [...(beside.get(actor) ?? []), ...actor.take()];
  beside.delete(actor);
  return all.filter((one) => one.name === 'iq' && one.attr('type') === 'set');
}

const set = (actor: Actor, ...items: Element[]) => ask(actor, 'set', query({}, ...items));
const itemsOf = (answer: Element) => answer.child('query', ns.roster)?.elements();
const versionOf = (answer: Element) => answer.child('query', ns.roster)?.attr('ver');
const errorOf = (answer: Element) => answer.child('error')?.firstElement()?.name;

async function stored(owner: string): Promise<readonly StoredContact[]> {
  const account = await stage.stores.accounts.find(owner);
  return stage.stores.rosters.load(account?.id ?? 0);
}

describe('roster get (RFC 6121 §2.1.4)', () => {
  it('of an empty roster has no items, and no version for who did not ask for it', async () => {
    const answer = await ask(r, 'get', query({}));
    expect(answer.attr('type')).toBe('result');
    expect(answer.firstElement()).toEqual(query({}));
  });

  it('has all that is known of a contact', async () => {
    await set(r, item({ jid: juliet, name: 'Juliet' }, 'Capulets', 'Friends'));
    await r.send(presence({ type: 'subscribe', to: juliet }));
    await r.send(presence({ type: 'subscribed', to: juliet }));
    expect(itemsOf(await ask(r, 'get', query({})))).toEqual([
      item(
        { jid: juliet, name: 'Juliet', subscription: 'none', ask: 'subscribe', approved: 'true' },
        'Capulets',
        'Friends',
      ),
    ]);
  });

  it('has no requests that wait for an answer', async () => {
    await stage.core.server.route(presence({ type: 'subscribe', from: 'x@example.net', to: romeo }));
    expect(itemsOf(await ask(r, 'get', query({})))).toEqual([]);
  });

  it('is the account’s own affair', async () => {
    const j = await stage.connect(`${juliet}/balcony`);
    expect(errorOf(await ask(j, 'get', query({}), romeo))).toBe('service-unavailable');
    expect(errorOf(await ask(j, 'set', query({}, item({ jid: 'x@example.net' })), romeo))).toBe(
      'service-unavailable',
    );
    expect(await stored(romeo)).toEqual([]);
  });
});

describe('versions (RFC 6121 §2.6)', () => {
  it('spare who has the roster already', async () => {
    await set(r, item({ jid: juliet }));
    const first = await ask(r, 'get', query({ ver: '' }));
    const version = versionOf(first);
    expect(version).toMatch(/^.{22}$/);
    expect(itemsOf(first)).toHaveLength(1);
    const again = await ask(r, 'get', query({ ver: version ?? '' }));
    expect(again.children).toEqual([]);
    expect(again.attr('type')).toBe('result');
    expect(itemsOf(await ask(r, 'get', query({ ver: 'other' })))).toHaveLength(1);
  });

  it('are in pushes, each another one, the last that of the roster', async () => {
    await ask(r, 'get', query({ ver: '' }));
    await set(r, item({ jid: juliet }));
    await set(r, item({ jid: juliet, name: 'J' }));
    await set(r, item({ jid: juliet, name: 'J' }, 'Friends'));
    const versions = pushesOf(r).map(versionOf);
    expect(new Set(versions).size).toBe(3);
    expect((await ask(r, 'get', query({ ver: versions.at(-1) ?? '' }))).children).toEqual([]);
  });

  it('are the same for the same content, whatever came before, also after a restart', async () => {
    await set(r, item({ jid: juliet }));
    await set(r, item({ jid: 'x@example.net', name: 'X' }));
    const before = versionOf(await ask(r, 'get', query({ ver: '' })));
    await set(r, item({ jid: juliet, subscription: 'remove' }));
    await set(r, item({ jid: juliet }));
    expect(versionOf(await ask(r, 'get', query({ ver: '' })))).toBe(before);

    const restarted = new CoreStage([roster]);
    await restarted.addAccounts(romeo);
    const account = await restarted.stores.accounts.find(romeo);
    for (const contact of await stored(romeo)) await restarted.stores.rosters.put(account?.id ?? 0, contact);
    const later = await restarted.connect(`${romeo}/orchard`);
    expect((await ask(later, 'get', query({ ver: before ?? '' }))).children).toEqual([]);
  });

  it('do not change by a request that waits', async () => {
    const before = versionOf(await ask(r, 'get', query({ ver: '' })));
    await stage.core.server.route(presence({ type: 'subscribe', from: 'x@example.net', to: romeo }));
    expect(versionOf(await ask(r, 'get', query({ ver: '' })))).toBe(before);
  });
});

describe('roster set (RFC 6121 §2.3, §2.4)', () => {
  it('adds a contact, stores it and tells the sessions that know the roster', async () => {
    const other = await stage.connect(`${romeo}/street`);
    const ignorant = await stage.connect(`${romeo}/hidden`);
    for (const actor of [r, other]) await ask(actor, 'get', query({}));
    const answer = await set(r, item({ jid: 'Juliet@EXAMPLE.org', name: 'Juliet' }, 'Friends'));
    expect(answer.attr('type')).toBe('result');
    expect(answer.children).toEqual([]);
    const [push] = pushesOf(other);
    expect(push?.child('query', ns.roster)?.elements()).toEqual([
      item({ jid: juliet, name: 'Juliet', subscription: 'none' }, 'Friends'),
    ]);
    expect(push?.attr('to')).toBe(`${romeo}/street`);
    expect(push?.attr('from')).toBe(romeo);
    expect(push?.attr('id')).toMatch(/^.{24}$/);
    expect(pushesOf(r)).toHaveLength(1);
    expect(pushesOf(ignorant)).toEqual([]);
    expect(await stored(romeo)).toEqual([
      {
        jid: juliet,
        name: 'Juliet',
        groups: ['Friends'],
        subscription: 'none',
        ask: false,
        approved: false,
        isListed: true,
        pendingIn: undefined,
      },
    ]);
  });

  it('ignores answers to pushes', async () => {
    await ask(r, 'get', query({}));
    await set(r, item({ jid: juliet }));
    const id = pushesOf(r)[0]?.attr('id');
    await r.send(el('iq', ns.client, { type: 'result', id }));
    await r.send(el('iq', ns.client, { type: 'error', id, to: romeo }));
    expect(r.take()).toEqual([]);
  });

  it('changes name and groups, and nothing that is the server’s', async () => {
    await r.send(presence({ type: 'subscribe', to: juliet }));
    await set(
      r,
      item({ jid: juliet, name: 'J', subscription: 'both', ask: 'x', approved: 'true' }, 'A', 'B'),
    );
    expect(await stored(romeo)).toMatchObject([
      { name: 'J', groups: ['A', 'B'], subscription: 'none', ask: true, approved: false },
    ]);
    await set(r, item({ jid: juliet }));
    expect(await stored(romeo)).toMatchObject([{ name: '', groups: [], ask: true }]);
  });

  it('makes an item of a request without answering it', async () => {
    await stage.core.server.route(presence({ type: 'subscribe', from: 'x@example.net', to: romeo }));
    await set(r, item({ jid: 'x@example.net', name: 'X' }));
    expect(itemsOf(await ask(r, 'get', query({})))).toHaveLength(1);
    await r.send(presence({}));
    expect(r.hears()).toContain('subscribe x@example.net');
  });

  const long = 'é'.repeat(512);
  const many = Array.from({ length: accountLimits.groupsPerContact + 1 }, (_, at) => `g${at}`);
  it.each<[string, string, Element[]]>([
    ['no item', 'bad-request', []],
    ['two items', 'bad-request', [item({ jid: juliet }), item({ jid: 'x@example.net' })]],
    ['something else', 'bad-request', [el('contact', ns.roster, { jid: juliet })]],
    ['an item without address', 'bad-request', [item({})]],
    ['an address that is none', 'jid-malformed', [item({ jid: 'a@b@c' })]],
    ['an empty address', 'jid-malformed', [item({ jid: '' })]],
    ['a full JID', 'bad-request', [item({ jid: `${juliet}/balcony` })]],
    ['the account itself', 'not-allowed', [item({ jid: romeo })]],
    ['a group twice', 'bad-request', [item({ jid: juliet }, 'a', 'a')]],
    ['a group without name', 'not-acceptable', [item({ jid: juliet }, '')]],
    ['a long name of a group', 'not-acceptable', [item({ jid: juliet }, long)]],
    ['a long name', 'not-acceptable', [item({ jid: juliet, name: long })]],
    ['many groups', 'not-acceptable', [item({ jid: juliet }, ...many)]],
    ['the removal of nobody', 'item-not-found', [item({ jid: juliet, subscription: 'remove' })]],
  ])('refuses %s: %s', async (_what, condition, items) => {
    await ask(r, 'get', query({}));
    expect(errorOf(await set(r, ...items))).toBe(condition);
    expect(pushesOf(r)).toEqual([]);
    expect(await stored(romeo)).toEqual([]);
  });

  it('takes names and groups of the length that is allowed', async () => {
    const longest = 'x'.repeat(accountLimits.nameBytes);
    await set(r, item({ jid: juliet, name: longest }, longest));
    expect(await stored(romeo)).toMatchObject([{ name: longest, groups: [longest] }]);
  });

  it('refuses a contact too many, not the change of one', async () => {
    await stage.addAccounts('full@example.org');
    const account = await stage.stores.accounts.find('full@example.org');
    const contact = {
      name: '',
      groups: [],
      ask: false,
      approved: false,
      isListed: true,
      pendingIn: undefined,
    } as const;
    for (let at = 0; at < accountLimits.contacts; at++) {
      const jid = `c${at}@example.net`;
      await stage.stores.rosters.put(account?.id ?? 0, { jid, subscription: 'none', ...contact });
    }
    const full = await stage.connect('full@example.org/x');
    expect(errorOf(await set(full, item({ jid: juliet })))).toBe('resource-constraint');
    expect((await set(full, item({ jid: 'c7@example.net', name: 'Seven' }))).attr('type')).toBe('result');
    await set(full, item({ jid: 'c7@example.net', subscription: 'remove' }));
    expect((await set(full, item({ jid: juliet }))).attr('type')).toBe('result');
  });

  it('refuses what makes the whole too large, not what makes it smaller', async () => {
    await stage.addAccounts('large@example.org');
    const account = await stage.stores.accounts.find('large@example.org');
    const group = 'g'.repeat(1_000);
    const contact = { subscription: 'none', ask: false, approved: false, pendingIn: undefined } as const;
    const groups = Array.from({ length: 32 }, (_, at) => `${at} ${group}`);
    for (let at = 0; at < 32; at++) {
      const one = { jid: `c${at}@example.net`, name: '', groups, isListed: true, ...contact };
      await stage.stores.rosters.put(account?.id ?? 0, one);
    }
    const large = await stage.connect('large@example.org/x');
    const [longest = '', ...others] = groups;
    expect(errorOf(await set(large, item({ jid: juliet }, longest, ...others)))).toBe('resource-constraint');
    expect((await set(large, item({ jid: 'c7@example.net' }, longest))).attr('type')).toBe('result');
    expect((await set(large, item({ jid: juliet }, longest))).attr('type')).toBe('result');
  });

  it('tells nobody of what could not be stored', async () => {
    await ask(r, 'get', query({}));
    stage.stores.tables.failure = new Error('disk full');
    expect(errorOf(await set(r, item({ jid: juliet })))).toBe('internal-server-error');
    stage.stores.tables.failure = undefined;
    expect(pushesOf(r)).toEqual([]);
    expect(itemsOf(await ask(r, 'get', query({})))).toEqual([]);
  });

  it('loses nothing when two sessions write at once', async () => {
    const other = await stage.connect(`${romeo}/street`);
    await ask(r, 'get', query({}));
    await Promise.all([
      r.send(setIq(item({ jid: juliet, name: 'Juliet' }))),
      other.send(presence({ type: 'subscribe', to: juliet })),
      other.send(setIq(item({ jid: 'x@example.net' }))),
    ]);
    await Promise.all([answerTo(r), answerTo(other)]);
    expect(await stored(romeo)).toMatchObject([{ name: 'Juliet', ask: true }, { jid: 'x@example.net' }]);
    const last = pushesOf(r).at(-1);
    expect((await ask(r, 'get', query({ ver: (last && versionOf(last)) ?? '' }))).children).toEqual([]);
  });
});

const setIq = (one: Element) => el('iq', ns.client, { type: 'set', id: 'q' }, query({}, one));

describe('removal (RFC 6121 §2.5)', () => {
  const remove = (actor: Actor) => set(actor, item({ jid: juliet, subscription: 'remove' }));

  it('ends the subscriptions in both directions', async () => {
    const j = await stage.connect(`${juliet}/balcony`);
    for (const actor of [r, j]) {
      await ask(actor, 'get', query({}));
      await actor.send(presence({}));
    }
    for (const [one, two] of [
      [r, j],
      [j, r],
    ] as const) {
      await one.send(presence({ type: 'subscribe', to: two.session.account.jid.toString() }));
      await two.send(presence({ type: 'subscribed', to: one.session.account.jid.toString() }));
    }
    for (const actor of [r, j]) actor.take();

    await remove(r);
    expect(pushesOf(r).map(inShort)).toEqual([`push ${juliet} remove`]);
    expect(j.hears()).toEqual([
      `unavailable ${romeo}/orchard`,
      `unsubscribed ${romeo}`,
      `push ${romeo} from`,
      `unsubscribe ${romeo}`,
      `push ${romeo} none`,
    ]);
    expect(await stored(romeo)).toEqual([]);
    expect(await stored(juliet)).toMatchObject([{ jid: romeo, subscription: 'none', ask: false }]);
  });

  it('withdraws a request and refuses the contact’s', async () => {
    await stage.core.server.route(presence({ type: 'subscribe', from: juliet, to: romeo }));
    await r.send(presence({ type: 'subscribe', to: juliet }));
    expect(await stored(juliet)).toHaveLength(1);
    await remove(r);
    expect(await stored(romeo)).toEqual([]);
    expect(await stored(juliet)).toEqual([]);
  });

  it('does not see a mere request', async () => {
    await stage.core.server.route(presence({ type: 'subscribe', from: juliet, to: romeo }));
    expect(errorOf(await remove(r))).toBe('item-not-found');
    expect(await stored(romeo)).toHaveLength(1);
  });

  it('of a contact that was only a name sends nothing', async () => {
    await set(r, item({ jid: 'x@example.net' }));
    await set(r, item({ jid: 'x@example.net', subscription: 'remove' }));
    expect(stage.abroad).toEqual([]);
  });
});
