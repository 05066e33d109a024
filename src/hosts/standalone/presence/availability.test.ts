import { beforeEach, describe, expect, it } from 'vitest';
import { type Actor, CoreStage } from '../../../../tests/harness/core-stage.js';
import { el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { presence } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { roster } from '../modules/roster.js';
import type { StoredContact, Subscription } from '../store.js';

const romeo = 'romeo@example.org';
const juliet = 'juliet@example.org';
const nurse = 'nurse@example.org';

let stage: CoreStage;

beforeEach(async () => {
  stage = new CoreStage([roster]);
  await stage.addAccounts(romeo, juliet, nurse);
});

const text = (name: string, value: string) => el(name, ns.client, {}, value);

async function know(owner: string, contacts: Readonly<Record<string, Subscription>>): Promise<void> {
  const account = await stage.stores.accounts.find(owner);
  for (const [jid, subscription] of Object.entries(contacts)) {
    const rest: Omit<StoredContact, 'jid' | 'subscription'> = {
      name: '',
      groups: [],
      ask: false,
      approved: false,
      isListed: true,
      pendingIn: undefined,
    };
    await stage.stores.rosters.put(account?.id ?? 0, { jid, subscription, ...rest });
  }
}

/** Romeo and Juliet see each other. */
async function befriend(): Promise<void> {
  await know(romeo, { [juliet]: 'both' });
  await know(juliet, { [romeo]: 'both' });
}

/** Connects and becomes available; what came of that is forgotten. */
async function enter(fullJid: string): Promise<Actor> {
  const actor = await stage.connect(fullJid);
  await actor.send(presence({}));
  actor.take();
  return actor;
}

describe('initial presence (RFC 6121 §4.2)', () => {
  it('goes to contacts, the own other sessions and back; the newcomer learns who is there', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const first = await enter(`${romeo}/orchard`);
    j.take();

    const r = await stage.connect(`${romeo}/street`);
    await r.send(presence({}, text('status', 'here')));
    expect(j.hears()).toEqual([`presence ${romeo}/street here`]);
    expect(first.hears()).toEqual([`presence ${romeo}/street here`]);
    expect(r.hears()).toEqual([
      `presence ${romeo}/street here`,
      `presence ${romeo}/orchard`,
      `presence ${juliet}/balcony`,
    ]);
  });

  it('has the receivers in to: contacts their bare JID, own sessions their full one', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const r = await stage.connect(`${romeo}/orchard`);
    await r.send(presence({ id: 'p1' }, text('show', 'away')));
    expect(j.take()).toEqual([
      presence({ from: `${romeo}/orchard`, to: juliet, id: 'p1' }, text('show', 'away')),
    ]);
    expect(r.take()[0]?.attr('to')).toBe(`${romeo}/orchard`);
  });

  it('goes only where the subscription leads', async () => {
    await know(romeo, { [juliet]: 'from', [nurse]: 'to' });
    await know(juliet, { [romeo]: 'to' });
    await know(nurse, { [romeo]: 'from' });
    const j = await enter(`${juliet}/balcony`);
    const n = await enter(`${nurse}/hall`);
    const r = await stage.connect(`${romeo}/orchard`);
    await r.send(presence({}));
    expect(j.hears()).toEqual([`presence ${romeo}/orchard`]);
    expect(n.hears()).toEqual([]);
    expect(r.hears()).toEqual([`presence ${romeo}/orchard`, `presence ${nurse}/hall`]);
  });

  it('is not heard by sessions that are not available', async () => {
    await befriend();
    const j = await stage.connect(`${juliet}/balcony`);
    await enter(`${romeo}/orchard`);
    expect(j.hears()).toEqual([]);
  });

  it('reads no account from the store whose sessions could hear it', async () => {
    await know(romeo, { [juliet]: 'both', 'gone@example.org': 'both' });
    await enter(`${romeo}/orchard`);
    expect(stage.core.server.accounts.loaded(juliet)).toBeUndefined();
    expect(stage.recorded.filter(({ name }) => name !== 'sessionStarted')).toEqual([]);
  });

  it('is sent to other servers, and contacts there are probed', async () => {
    await know(romeo, { 'mercutio@example.net': 'both', 'tybalt@example.net': 'from' });
    await enter(`${romeo}/orchard`);
    const from = `${romeo}/orchard`;
    expect(stage.abroad).toEqual([
      presence({ from, to: 'mercutio@example.net' }),
      presence({ from, to: 'tybalt@example.net' }),
      presence({ type: 'probe', from, to: 'mercutio@example.net' }),
    ]);
  });

  it('is followed by the hook, once, and then only after unavailable presence again', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const heardBefore: number[] = [];
    stage.core.server.hooks.sessionAvailable.on((session) => {
      if (session.jid.local === 'romeo') heardBefore.push(j.take().length);
    });
    const r = await enter(`${romeo}/orchard`);
    await r.send(presence({}, text('show', 'dnd')));
    expect(heardBefore).toEqual([1]);
    await r.send(presence({ type: 'unavailable' }));
    await r.send(presence({}));
    expect(heardBefore).toEqual([1, 3]);
  });

  it('is not sent where a module forbids it', async () => {
    await befriend();
    await know(romeo, { [nurse]: 'both' });
    await know(nurse, { [romeo]: 'both' });
    stage.core.server.hooks.outgoing.on((_session, _stanza, to) =>
      to.local === 'juliet' ? new StanzaError('not-acceptable') : undefined,
    );
    const j = await enter(`${juliet}/balcony`);
    const n = await enter(`${nurse}/hall`);
    const r = await stage.connect(`${romeo}/orchard`);
    await r.send(presence({}));
    expect(j.hears()).toEqual([]);
    expect(n.hears()).toEqual([`presence ${romeo}/orchard`]);
    expect(r.hears()).toEqual([`presence ${romeo}/orchard`, `presence ${nurse}/hall`]);
  });
});

describe('changed presence (RFC 6121 §4.4)', () => {
  it('is broadcast and probes nobody', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const r = await enter(`${romeo}/orchard`);
    j.take();
    await r.send(presence({}, text('status', 'busy'), text('priority', '-5')));
    expect(j.hears()).toEqual([`presence ${romeo}/orchard busy`]);
    expect(r.hears()).toEqual([`presence ${romeo}/orchard busy`]);
    expect(r.session.priority).toBe(-5);
  });

  it('with a priority that is none changes nothing', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const r = await enter(`${romeo}/orchard`);
    j.take();
    await r.send(presence({}, text('priority', '128')));
    expect(r.hears()).toEqual(['error bad-request']);
    expect(j.hears()).toEqual([]);
    expect(r.session.priority).toBe(0);
  });

  it('of a type that is none is refused, with and without an address', async () => {
    const r = await enter(`${romeo}/orchard`);
    await r.send(el('presence', ns.client, { type: 'invisible' }));
    await r.send(el('presence', ns.client, { type: 'invisible', to: juliet }));
    await r.send(presence({ type: 'probe' }));
    expect(r.take().map((one) => one.child('error')?.firstElement()?.name)).toEqual([
      'bad-request',
      'bad-request',
      'bad-request',
    ]);
    expect(r.session.isAvailable).toBe(true);
  });
});

describe('unavailable presence (RFC 6121 §4.5)', () => {
  it('reaches contacts, own sessions and who sent it, with what it says; then nothing more', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const r = await enter(`${romeo}/orchard`);
    const other = await enter(`${romeo}/street`);
    for (const actor of [j, r]) actor.take();

    await r.send(presence({ type: 'unavailable' }, text('status', 'asleep')));
    const line = `unavailable ${romeo}/orchard asleep`;
    expect([j.hears(), r.hears(), other.hears()]).toEqual([[line], [line], [line]]);
    expect(r.session.isAvailable).toBe(false);

    await other.send(presence({}));
    await r.send(presence({ type: 'unavailable' }));
    expect(r.hears()).toEqual([]);
    expect(j.hears()).toEqual([`presence ${romeo}/street`]);
  });

  it('is sent for a session whose connection was lost', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const r = await enter(`${romeo}/orchard`);
    j.take();
    await r.vanish();
    expect(j.hears()).toEqual([`unavailable ${romeo}/orchard`]);
  });

  it('is not sent for a session that never was available', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const r = await stage.connect(`${romeo}/orchard`);
    await r.vanish();
    expect(j.hears()).toEqual([]);
  });

  it('is sent for a session that another one replaces, before the other is available', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    await enter(`${romeo}/orchard`);
    j.take();
    await enter(`${romeo}/orchard`);
    expect(j.hears()).toEqual([`unavailable ${romeo}/orchard`, `presence ${romeo}/orchard`]);
  });
});

describe('directed presence (RFC 6121 §4.6)', () => {
  it('reaches full and bare JIDs here and elsewhere, and so does the end of it', async () => {
    const j = await enter(`${juliet}/balcony`);
    const n = await stage.connect(`${nurse}/hall`);
    const r = await enter(`${romeo}/orchard`);
    for (const to of [juliet, `${nurse}/hall`, 'room@muc.example.net/romeo']) await r.send(presence({ to }));
    expect(j.hears()).toEqual([`presence ${romeo}/orchard`]);
    expect(n.hears()).toEqual([`presence ${romeo}/orchard`]);

    await r.vanish();
    expect(j.hears()).toEqual([`unavailable ${romeo}/orchard`]);
    expect(n.hears()).toEqual([`unavailable ${romeo}/orchard`]);
    expect(stage.abroad.map((one) => [one.attr('type'), one.attr('to')])).toEqual([
      [undefined, 'room@muc.example.net/romeo'],
      ['unavailable', 'room@muc.example.net/romeo'],
    ]);
  });

  it('reaches a further domain of the same server, which hears when the session has gone', async () => {
    const push = stage.core.entity(Jid.parse('push.example.org'));
    const heard: string[] = [];
    push.onPresence(({ from, available }) => heard.push(`${from} ${available}`));
    const r = await stage.connect(`${romeo}/orchard`);
    await r.send(presence({ to: 'push.example.org' }));
    await r.vanish();
    expect(heard).toEqual([`${romeo}/orchard true`, `${romeo}/orchard false`]);
  });

  it('is over when unavailable presence was directed there', async () => {
    const j = await enter(`${juliet}/balcony`);
    const r = await enter(`${romeo}/orchard`);
    await r.send(presence({ to: juliet }));
    await r.send(presence({ type: 'unavailable', to: juliet }));
    j.take();
    await r.vanish();
    expect(j.hears()).toEqual([]);
  });

  it('ends once', async () => {
    const j = await enter(`${juliet}/balcony`);
    const r = await enter(`${romeo}/orchard`);
    await r.send(presence({ to: juliet }));
    await r.send(presence({ type: 'unavailable' }));
    j.take();
    await r.send(presence({ type: 'unavailable' }));
    await r.vanish();
    expect(j.hears()).toEqual([]);
  });

  it('is not remembered of whom a broadcast reaches', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const r = await enter(`${romeo}/orchard`);
    await r.send(presence({ to: juliet }));
    await r.send(presence({ to: `${juliet}/balcony` }));
    await r.send(presence({ to: `${romeo}/street` }));
    expect(r.session.directed.size).toBe(0);
    j.take();
    await r.vanish();
    expect(j.hears()).toEqual([`unavailable ${romeo}/orchard`]);
  });

  it('of a session that is not available is remembered of contacts too, and ended once', async () => {
    await befriend();
    const j = await enter(`${juliet}/balcony`);
    const r = await stage.connect(`${romeo}/orchard`);
    await r.send(presence({ to: juliet }));
    expect(r.session.directed).toEqual(new Set([juliet]));
    await r.send(presence({ type: 'unavailable' }));
    expect(j.hears()).toEqual([`presence ${romeo}/orchard`, `unavailable ${romeo}/orchard`]);

    await r.send(presence({ to: juliet }));
    await r.send(presence({}));
    j.take();
    await r.vanish();
    expect(j.hears()).toEqual([`unavailable ${romeo}/orchard`]);
  });

  it('goes to no more than 1,000 addresses', async () => {
    const r = await stage.connect(`${romeo}/orchard`);
    for (let at = 0; at < 1_000; at++) await r.send(presence({ to: `room${at}@muc.example.net/r` }));
    expect(r.take()).toEqual([]);
    await r.send(presence({ to: 'one-more@muc.example.net/r' }));
    expect(r.hears()).toEqual(['error one-more@muc.example.net/r resource-constraint']);
    await r.send(presence({ to: 'room7@muc.example.net/r' }));
    expect(r.take()).toEqual([]);
    expect(stage.abroad).toHaveLength(1_001);
  });
});

describe('presence that arrives', () => {
  it('for the bare JID reaches all available sessions, whoever sent it (RFC 6121 §8.5.2.1.2)', async () => {
    const one = await enter(`${romeo}/orchard`);
    const two = await enter(`${romeo}/street`);
    const silent = await stage.connect(`${romeo}/hidden`);
    one.take();
    await stage.core.server.route(presence({ from: 'tybalt@example.net/x', to: romeo }));
    await stage.core.server.route(presence({ type: 'unavailable', from: 'tybalt@example.net/x', to: romeo }));
    const both = ['presence tybalt@example.net/x', 'unavailable tybalt@example.net/x'];
    expect([one.hears(), two.hears(), silent.hears()]).toEqual([both, both, []]);
  });

  it('as an error from a contact ends what is sent to it until the session begins anew', async () => {
    await know(romeo, { 'mercutio@example.net': 'both' });
    const r = await enter(`${romeo}/orchard`);
    const error = new StanzaError('remote-server-timeout').toElement();
    await stage.core.server.route(
      presence({ type: 'error', from: 'mercutio@example.net', to: `${romeo}/orchard` }, error),
    );
    expect(r.hears()).toEqual(['error mercutio@example.net remote-server-timeout']);
    stage.abroad.splice(0);

    await r.send(presence({}, text('show', 'away')));
    await r.send(presence({ type: 'unavailable' }));
    expect(stage.abroad).toEqual([]);
    await r.send(presence({}));
    expect(stage.abroad.map((one) => one.attr('type'))).toEqual([undefined, 'probe']);
  });

  it('as an error from who is no contact, or for another session, ends nothing', async () => {
    await know(romeo, { 'mercutio@example.net': 'both' });
    const r = await enter(`${romeo}/orchard`);
    await enter(`${romeo}/street`);
    stage.abroad.splice(0);
    const error = new StanzaError('service-unavailable').toElement();
    for (const [from, to] of [
      ['tybalt@example.net', `${romeo}/orchard`],
      ['mercutio@example.net/phone', `${romeo}/orchard`],
      ['mercutio@example.net', `${romeo}/street`],
      ['mercutio@example.net', romeo],
    ]) {
      await stage.core.server.route(presence({ type: 'error', from, to }, error));
    }
    await r.send(presence({}, text('show', 'away')));
    expect(stage.abroad).toHaveLength(1);
  });

  it('as an error is told once where there are no other servers', async () => {
    stage = new CoreStage([roster], 'nowhere');
    await stage.addAccounts(romeo);
    await know(romeo, { 'mercutio@example.net': 'both' });
    const r = await enter(`${romeo}/orchard`);
    await r.send(presence({}, text('show', 'away')));
    expect(r.hears()).toEqual([`presence ${romeo}/orchard`]);
  });
});

describe('a probe (RFC 6121 §4.3)', () => {
  const probe = async (from: string, to: string) => {
    await stage.core.server.route(presence({ type: 'probe', from, to }));
    return stage.abroad.splice(0).map((one) => `${one.attr('type')} ${one.attr('from')} ${one.attr('to')}`);
  };

  it('by a contact that may see it is answered with the presence of each available session', async () => {
    await know(romeo, { 'mercutio@example.net': 'from' });
    const r = await stage.connect(`${romeo}/orchard`);
    await stage.connect(`${romeo}/hidden`);
    await r.send(presence({}, text('status', 'here')));
    stage.abroad.splice(0);
    await stage.core.server.route(presence({ type: 'probe', from: 'mercutio@example.net/phone', to: romeo }));
    expect(stage.abroad).toEqual([
      presence({ from: `${romeo}/orchard`, to: 'mercutio@example.net/phone' }, text('status', 'here')),
    ]);
  });

  it('is answered with unavailable if nobody is there', async () => {
    await know(romeo, { 'mercutio@example.net': 'both' });
    expect(await probe('mercutio@example.net', romeo)).toEqual([`unavailable ${romeo} mercutio@example.net`]);
  });

  it.each(['none', 'to'] as const)(
    'by a contact with subscription %s learns that it has none',
    async (state) => {
      await know(romeo, { 'mercutio@example.net': state });
      await enter(`${romeo}/orchard`);
      stage.abroad.splice(0);
      expect(await probe('mercutio@example.net/phone', romeo)).toEqual([
        `unsubscribed ${romeo} mercutio@example.net`,
      ]);
    },
  );

  it('by a stranger, or for nobody, is answered alike', async () => {
    const nobody = 'rosaline@example.org';
    expect(await probe('x@example.net', romeo)).toEqual([`unsubscribed ${romeo} x@example.net`]);
    expect(await probe('x@example.net', nobody)).toEqual([`unsubscribed ${nobody} x@example.net`]);
  });

  it('by who got directed presence is answered for that session, without what it says', async () => {
    const r = await stage.connect(`${romeo}/orchard`);
    await enter(`${romeo}/street`);
    await r.send(presence({}, text('status', 'private')));
    await r.send(presence({ to: 'room@muc.example.net/romeo' }));
    stage.abroad.splice(0);
    await stage.core.server.route(
      presence({ type: 'probe', from: 'room@muc.example.net/romeo', to: `${romeo}/orchard` }),
    );
    expect(stage.abroad).toEqual([presence({ from: `${romeo}/orchard`, to: 'room@muc.example.net/romeo' })]);
  });

  it('of a client goes out from its full JID; of its own account all is seen', async () => {
    await befriend();
    await enter(`${juliet}/balcony`);
    const r = await enter(`${romeo}/orchard`);
    await r.send(presence({ type: 'probe', to: `${juliet}/nowhere` }));
    await r.send(presence({ type: 'probe', to: romeo }));
    expect(r.hears()).toEqual([`presence ${juliet}/balcony`, `presence ${romeo}/orchard`]);
  });
});

it('a session with a thousand contacts writes to those who are there', async () => {
  const names = Array.from({ length: 1_000 }, (_, at) => `c${at}@example.org`);
  await stage.addAccounts(...names);
  await know(romeo, Object.fromEntries(names.map((name) => [name, 'both'])));
  const present: Actor[] = [];
  for (const name of names.slice(0, 20)) {
    await know(name, { [romeo]: 'both' });
    present.push(await enter(`${name}/x`));
  }
  const r = await stage.connect(`${romeo}/orchard`);
  await r.send(presence({}));
  expect(present.map((actor) => actor.hears())).toEqual(present.map(() => [`presence ${romeo}/orchard`]));
  expect(r.hears()).toHaveLength(21);
  expect(names.filter((name) => stage.core.server.accounts.loaded(name) !== undefined)).toHaveLength(20);
});
