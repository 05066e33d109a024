import { beforeEach, describe, expect, it } from 'vitest';
import { type Actor, CoreStage } from '../../../../tests/harness/core-stage.js';
import { el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { presence } from '../../../xmpp/stanza.js';
import { roster } from '../modules/roster.js';
import { accountLimits } from '../settings.js';
import type { StoredContact } from '../store.js';
import type { SubscriptionType } from './subscription.js';

const romeo = 'romeo@example.org';
const juliet = 'juliet@example.org';

let stage: CoreStage;

beforeEach(async () => {
  stage = new CoreStage([roster]);
  await stage.addAccounts(romeo, juliet);
});

const rosterGet = () => el('iq', ns.client, { type: 'get', id: 'r1' }, el('query', ns.roster));

/** Connects, asks for the roster and becomes available; what came of that is forgotten. */
async function enter(fullJid: string): Promise<Actor> {
  const actor = await stage.connect(fullJid);
  await actor.send(rosterGet());
  await actor.send(presence({}));
  actor.take();
  return actor;
}

const say = (actor: Actor, type: SubscriptionType, to: string) => actor.send(presence({ type, to }));

async function contact(owner: string, jid: string): Promise<StoredContact | undefined> {
  const account = await stage.stores.accounts.find(owner);
  const contacts = await stage.stores.rosters.load(account?.id ?? 0);
  const memory = stage.core.server.accounts.loaded(owner)?.contacts.get(jid);
  const stored = contacts.find((one) => one.jid === jid);
  if (stage.core.server.accounts.loaded(owner) !== undefined) expect(memory).toEqual(stored);
  return stored;
}

async function befriend(one: Actor, other: Actor): Promise<void> {
  for (const [asker, asked] of [
    [one, other],
    [other, one],
  ] as const) {
    await say(asker, 'subscribe', asked.session.account.jid.toString());
    await say(asked, 'subscribed', asker.session.account.jid.toString());
  }
  one.take();
  other.take();
}

async function seed(owner: string, contacts: readonly Partial<StoredContact>[]): Promise<void> {
  const account = await stage.stores.accounts.find(owner);
  for (const one of contacts) {
    await stage.stores.rosters.put(account?.id ?? 0, {
      jid: 'nobody@example.net',
      name: '',
      groups: [],
      subscription: 'none',
      ask: false,
      approved: false,
      isListed: true,
      pendingIn: undefined,
      ...one,
    });
  }
}

describe('a subscription (RFC 6121 §3.1)', () => {
  it('is asked for, granted and returned', async () => {
    const r = await enter(`${romeo}/orchard`);
    const j = await enter(`${juliet}/balcony`);

    await say(r, 'subscribe', juliet);
    expect(r.hears()).toEqual([`push ${juliet} none ask=subscribe`]);
    expect(j.hears()).toEqual([`subscribe ${romeo}`]);

    await say(j, 'subscribed', romeo);
    expect(j.hears()).toEqual([`push ${romeo} from`]);
    expect(r.hears()).toEqual([`subscribed ${juliet}`, `push ${juliet} to`, `presence ${juliet}/balcony`]);

    await say(j, 'subscribe', romeo);
    expect(j.hears()).toEqual([`push ${romeo} from ask=subscribe`]);
    expect(r.hears()).toEqual([`subscribe ${juliet}`]);

    await say(r, 'subscribed', juliet);
    expect(r.hears()).toEqual([`push ${juliet} both`]);
    expect(j.hears()).toEqual([`subscribed ${romeo}`, `push ${romeo} both`, `presence ${romeo}/orchard`]);
    expect(await contact(romeo, juliet)).toMatchObject({ subscription: 'both', ask: false });
    expect(await contact(juliet, romeo)).toMatchObject({ subscription: 'both', pendingIn: undefined });
  });

  it('is refused, and nothing of the request stays with who refused', async () => {
    const r = await enter(`${romeo}/orchard`);
    const j = await enter(`${juliet}/balcony`);
    await say(r, 'subscribe', juliet);
    expect((await contact(juliet, romeo))?.pendingIn).toContain("type='subscribe'");
    r.take();
    j.take();

    await say(j, 'unsubscribed', romeo);
    expect(j.hears()).toEqual([]);
    expect(r.hears()).toEqual([`unsubscribed ${juliet}`, `push ${juliet} none`]);
    expect(await contact(juliet, romeo)).toBeUndefined();
    expect(await contact(romeo, juliet)).toMatchObject({ subscription: 'none', ask: false });
  });

  it('is asked of an account that is not there: it waits, with all that was said, and for each session', async () => {
    const r = await enter(`${romeo}/orchard`);
    const status = el('status', ns.client, {}, 'It is the east');
    await r.send(presence({ type: 'subscribe', to: `${juliet}/anywhere` }, status));
    await say(r, 'subscribe', juliet);

    for (const resource of ['balcony', 'chamber']) {
      const j = await stage.connect(`${juliet}/${resource}`);
      await j.send(rosterGet());
      expect(j.take()[0]?.firstElement()?.children).toEqual([]);
      await j.send(presence({}));
      expect(j.take().filter((one) => one.attr('type') === 'subscribe')).toEqual([
        presence({ type: 'subscribe', from: romeo, to: juliet }, status),
      ]);
    }
  });

  it('is not heard of while a module keeps its sender away, and waits on', async () => {
    await stage.core.server.route(presence({ type: 'subscribe', from: 'tybalt@example.net', to: romeo }));
    let isAway = true;
    stage.core.server.hooks.incoming.on((_account, _stanza, from) =>
      isAway && from.local === 'tybalt' ? 'drop' : undefined,
    );
    for (const expected of [0, 1]) {
      const r = await stage.connect(`${romeo}/orchard`);
      await r.send(presence({}));
      expect(r.hears().filter((line) => line === 'subscribe tybalt@example.net')).toHaveLength(expected);
      isAway = false;
    }
  });

  it('is not asked for twice aloud', async () => {
    const r = await enter(`${romeo}/orchard`);
    const j = await enter(`${juliet}/balcony`);
    await say(r, 'subscribe', juliet);
    await say(r, 'subscribe', juliet);
    expect(r.hears()).toHaveLength(1);
    expect(j.hears()).toHaveLength(1);
  });

  it('goes to sessions that are available, its answer to those that know the roster', async () => {
    const r = await enter(`${romeo}/orchard`);
    const available = await stage.connect(`${juliet}/balcony`);
    await available.send(presence({}));
    const interested = await stage.connect(`${juliet}/chamber`);
    await interested.send(rosterGet());
    available.take();
    interested.take();

    await say(r, 'subscribe', juliet);
    expect(available.hears()).toEqual([`subscribe ${romeo}`]);
    expect(interested.hears()).toEqual([]);
    await say(interested, 'subscribed', romeo);
    await say(interested, 'subscribe', romeo);
    await say(r, 'subscribed', juliet);
    expect(available.hears()).toEqual([`presence ${romeo}/orchard`]);
    expect(interested.hears()).toEqual([
      `push ${romeo} from`,
      `push ${romeo} from ask=subscribe`,
      `subscribed ${romeo}`,
      `push ${romeo} both`,
    ]);
  });

  it('to an address where nobody lives is not answered, as one to an account is not at first', async () => {
    const r = await enter(`${romeo}/orchard`);
    await say(r, 'subscribe', 'rosaline@example.org');
    expect(r.hears()).toEqual(['push rosaline@example.org none ask=subscribe']);
    await say(r, 'subscribe', juliet);
    expect(r.hears()).toEqual([`push ${juliet} none ask=subscribe`]);
  });

  it('to another server is routed there from the bare JID', async () => {
    const r = await enter(`${romeo}/orchard`);
    await say(r, 'subscribe', 'mercutio@example.net/street');
    expect(stage.abroad).toEqual([presence({ type: 'subscribe', from: romeo, to: 'mercutio@example.net' })]);
  });

  it('does not exist between an account and itself', async () => {
    const r = await enter(`${romeo}/orchard`);
    await say(r, 'subscribe', romeo);
    await say(r, 'subscribed', romeo);
    await stage.core.server.route(presence({ type: 'subscribe', from: romeo, to: romeo }));
    expect(r.hears()).toEqual([]);
    expect(await contact(romeo, romeo)).toBeUndefined();
  });

  it('that exists is confirmed to who asks again, with presence', async () => {
    const j = await enter(`${juliet}/balcony`);
    await seed(romeo, [{ jid: juliet, subscription: 'from' }]);
    const r = await enter(`${romeo}/orchard`);
    j.take();
    await say(j, 'subscribe', romeo);
    expect(r.hears()).toEqual([]);
    expect(j.hears()).toEqual([
      `push ${romeo} none ask=subscribe`,
      `subscribed ${romeo}`,
      `push ${romeo} to`,
      `presence ${romeo}/orchard`,
    ]);
  });

  it('is not granted by an answer that nobody asked for', async () => {
    const r = await enter(`${romeo}/orchard`);
    await stage.core.server.route(presence({ type: 'subscribed', from: 'tybalt@example.net', to: romeo }));
    await stage.core.server.route(presence({ type: 'unsubscribed', from: 'tybalt@example.net', to: romeo }));
    await stage.core.server.route(presence({ type: 'unsubscribe', from: 'tybalt@example.net', to: romeo }));
    expect(r.hears()).toEqual([]);
    expect(await contact(romeo, 'tybalt@example.net')).toBeUndefined();
  });
});

describe('the end of a subscription', () => {
  it('by who is seen: unavailable comes first (RFC 6121 §3.2)', async () => {
    const r = await enter(`${romeo}/orchard`);
    const j = await enter(`${juliet}/balcony`);
    await stage.connect(`${juliet}/hidden`);
    await befriend(r, j);
    await say(j, 'unsubscribed', romeo);
    expect(j.hears()).toEqual([`push ${romeo} to`]);
    expect(r.hears()).toEqual([
      `unavailable ${juliet}/balcony`,
      `unsubscribed ${juliet}`,
      `push ${juliet} from`,
    ]);
  });

  it('by who sees (RFC 6121 §3.3)', async () => {
    const r = await enter(`${romeo}/orchard`);
    const j = await enter(`${juliet}/balcony`);
    await befriend(r, j);
    await say(r, 'unsubscribe', juliet);
    expect(j.hears()).toEqual([`unsubscribe ${romeo}`, `push ${romeo} to`]);
    expect(r.hears().sort()).toEqual([`push ${juliet} from`, `unavailable ${juliet}/balcony`]);
    expect(await contact(romeo, juliet)).toMatchObject({ subscription: 'from' });
    expect(await contact(juliet, romeo)).toMatchObject({ subscription: 'to' });
  });

  it('withdraws a request', async () => {
    const r = await enter(`${romeo}/orchard`);
    await say(r, 'subscribe', juliet);
    await say(r, 'unsubscribe', juliet);
    expect(await contact(juliet, romeo)).toBeUndefined();
    expect(await contact(romeo, juliet)).toMatchObject({ subscription: 'none', ask: false });
  });
});

describe('pre-approval (RFC 6121 §3.4)', () => {
  it('is noted, answers the request by itself and is taken back', async () => {
    const r = await enter(`${romeo}/orchard`);
    const j = await enter(`${juliet}/balcony`);

    await say(j, 'subscribed', romeo);
    expect(j.hears()).toEqual([`push ${romeo} none approved=true`]);
    expect(r.hears()).toEqual([]);

    await say(r, 'subscribe', juliet);
    expect(j.hears()).toEqual([`push ${romeo} from approved=true`]);
    expect(r.hears()).toEqual([
      `push ${juliet} none ask=subscribe`,
      `subscribed ${juliet}`,
      `push ${juliet} to`,
      `presence ${juliet}/balcony`,
    ]);

    await say(j, 'unsubscribed', romeo);
    expect(j.hears()).toEqual([`push ${romeo} none`]);
  });
});

describe('bounds', () => {
  it('a full roster takes no new contact, but a known one may change', async () => {
    const known = Array.from({ length: accountLimits.contacts }, (_, at) => ({ jid: `c${at}@example.net` }));
    await seed(romeo, known);
    const r = await enter(`${romeo}/orchard`);
    await say(r, 'subscribe', 'new@example.net');
    expect(r.hears()).toEqual(['error new@example.net resource-constraint']);
    expect(stage.abroad).toEqual([]);
    await say(r, 'subscribe', 'c7@example.net');
    expect(r.hears()).toEqual(['push c7@example.net none ask=subscribe']);
  });

  it('requests that wait are limited, and do not fill the roster', async () => {
    const waiting = Array.from({ length: 1_000 }, (_, at) => ({
      jid: `c${at}@example.net`,
      isListed: false,
      pendingIn: "<presence xmlns='jabber:client' type='subscribe'/>",
    }));
    await seed(romeo, waiting);
    const r = await enter(`${romeo}/orchard`);
    await stage.core.server.route(presence({ type: 'subscribe', from: 'new@example.net', to: romeo }));
    expect(r.hears()).toEqual([]);
    expect(stage.abroad.map((one) => one.child('error')?.firstElement()?.name)).toEqual([
      'resource-constraint',
    ]);
    await say(r, 'subscribe', 'other@example.net');
    expect(r.hears()).toEqual(['push other@example.net none ask=subscribe']);
  });

  it('of a long request is kept that it was made', async () => {
    const r = await enter(`${romeo}/orchard`);
    const status = el('status', ns.client, {}, 'x'.repeat(5_000));
    await r.send(presence({ type: 'subscribe', to: juliet }, status));
    const kept = await contact(juliet, romeo);
    expect(kept?.pendingIn?.length).toBeLessThan(200);
  });
});

describe('modules', () => {
  let asked: string[];

  beforeEach(() => {
    asked = [];
    stage.core.server.hooks.subscriptionRequested.on((account, request) => {
      const isOnDisk = account.contacts.get(romeo)?.pendingIn !== undefined;
      asked.push(`${account.jid} ${request.attr('from')} ${request.attr('to')} ${isOnDisk}`);
      throw new Error('flaw');
    });
  });

  it('hear of a request once, and do it no harm if they fail', async () => {
    const r = await enter(`${romeo}/orchard`);
    const j = await enter(`${juliet}/balcony`);
    await say(r, 'subscribe', juliet);
    await say(r, 'subscribe', juliet);
    expect(asked).toEqual([`${juliet} ${romeo} ${juliet} true`]);
    await say(j, 'subscribed', romeo);
    expect(r.hears()).toContain(`subscribed ${juliet}`);
    await say(r, 'subscribe', juliet);
    expect(asked).toHaveLength(1);
  });

  it('do not hear of one that could not be stored', async () => {
    const r = await enter(`${romeo}/orchard`);
    await enter(`${juliet}/balcony`);
    stage.stores.tables.failure = new Error('disk full');
    await stage.core.server.route(presence({ type: 'subscribe', from: 'new@example.net', to: juliet }));
    stage.stores.tables.failure = undefined;
    expect(asked).toEqual([]);
    expect(r.hears()).toEqual([]);
  });
});

describe('a store that fails', () => {
  it('changes nothing, routes nothing, and the client is told', async () => {
    const r = await enter(`${romeo}/orchard`);
    const j = await enter(`${juliet}/balcony`);
    stage.stores.tables.failure = new Error('disk full');
    await say(r, 'subscribe', juliet);
    stage.stores.tables.failure = undefined;
    expect(r.hears()).toEqual([`error ${juliet} internal-server-error`]);
    expect(j.hears()).toEqual([]);
    expect(await contact(romeo, juliet)).toBeUndefined();
    expect(stage.recorded.some((event) => event.name === 'handlerFailed')).toBe(true);
  });
});

describe('the removal of an account', () => {
  it('ends all subscriptions, in both directions, and takes presence away once', async () => {
    const r = await enter(`${romeo}/orchard`);
    const j = await enter(`${juliet}/balcony`);
    await befriend(r, j);
    await stage.core.removeAccount(Jid.parse(juliet), 'user');
    const heard = r.hears();
    expect(heard.filter((line) => line === `unavailable ${juliet}/balcony`)).toHaveLength(1);
    expect(heard).toEqual(expect.arrayContaining([`unsubscribed ${juliet}`, `unsubscribe ${juliet}`]));
    expect(heard.at(-1)).toBe(`push ${juliet} none`);
    expect(await contact(romeo, juliet)).toMatchObject({ subscription: 'none', ask: false });
  });
});
