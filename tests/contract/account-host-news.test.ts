import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountHost } from '../../src/hosts/host.js';
import { createAccountHost } from '../../src/hosts/standalone/account-host.js';
import { createArchive } from '../../src/hosts/standalone/archive/archive.js';
import { blocking } from '../../src/hosts/standalone/modules/blocking.js';
import { carbons } from '../../src/hosts/standalone/modules/carbons.js';
import { offline } from '../../src/hosts/standalone/modules/offline.js';
import { createPresence } from '../../src/hosts/standalone/presence/presence.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message, presence } from '../../src/xmpp/stanza.js';
import { type CoreClient, conditionOf, EmbeddedCore } from '../harness/embedded-core.js';
import { waitFor } from '../harness/net.js';

const ana = 'ana@example.org';
const ben = 'ben@example.org';
const room = 'room@muc.example.com';
const eve = 'eve@example.net/x';
const anaJid = Jid.parse(ana);
const smacks = { hibernationTime: 600, maxAckDelay: 30, maxQueueSize: 4 };

let embedded: EmbeddedCore;
let host: AccountHost;
/** What happened, in few words. */
let heard: string[];

beforeEach(async () => {
  embedded = new EmbeddedCore({ smacks }, { routeRemote: (stanza) => void embedded.remote.push(stanza) });
  const { core } = embedded;
  core.setPresenceRules(createPresence(core.server));
  core.setArchiving(createArchive(core.server));
  for (const module of [blocking, carbons, offline]) module.setup(core.server);
  host = createAccountHost(core.server, core.entity(core.server.domain));
  heard = [];
  await embedded.addAccount(ana);
});

const turns = async (count = 5) => {
  for (let n = 0; n < count; n++) await new Promise<void>((resolve) => void setImmediate(resolve));
};
const body = el('body', ns.client, {}, 'hello');
const chat = (to: string, id: string, type = 'chat') => message({ to, id }, body).withAttrs({ type });
const idOf = (stanza: Element) => stanza.attr('id');
const ids = (stanzas: readonly Element[]) => stanzas.map(idOf).join(' ');
/** The messages that a client was sent since it was asked last. */
const messagesOf = ({ link }: CoreClient) => ids(link.take().filter(({ name }) => name === 'message'));
/** Somebody far away sends it. */
const arrives = (stanza: Element, from = eve) => embedded.core.server.route(stanza.withAttrs({ from }));
const iq = (payload: Element) => el('iq', ns.client, { type: 'set', id: 'q' }, payload);
const blockEve = () => iq(el('block', ns.blocking, {}, el('item', ns.blocking, { jid: 'eve@example.net' })));

/** A client that is available. What it was sent because of that is forgotten. */
async function connect(jid: string): Promise<CoreClient> {
  const client = await embedded.connect(jid);
  await client.say(presence({}));
  client.link.take();
  return client;
}

async function connectManaged(jid: string): Promise<CoreClient> {
  const client = await connect(jid);
  await client.say(el('enable', ns.streamManagement, { resume: 'true' }));
  client.link.take();
  return client;
}

describe('a message that arrives', () => {
  beforeEach(() => {
    host.received.on((account, stanza) => void heard.push(`${account}: ${idOf(stanza)}`));
  });

  it.each(['available', 'absent'])('is told of once, wherever it goes: %s', async (how) => {
    if (how === 'available') await connect(`${ana}/phone`);
    for (const to of [ana, `${ana}/phone`, `${ana}/gone`]) await arrives(chat(to, to));
    await turns();
    expect(heard).toEqual([ana, `${ana}/phone`, `${ana}/gone`].map((to) => `${ana}: ${to}`));
  });

  it('is told of to its receiver, and from oneself to oneself', async () => {
    const desk = await connect(`${ben}/desk`);
    await desk.say(chat(ana, '1'));
    await desk.say(chat(ben, '2'));
    await desk.say(chat(eve, '3'));
    expect(heard).toEqual([`${ana}: 1`, `${ben}: 2`]);
  });

  it('is told of before what becomes of it', async () => {
    const phone = await connectManaged(`${ana}/phone`);
    await phone.lose();
    host.hibernationQueued.on((_, stanza) => void heard.push(`queued ${idOf(stanza)}`));
    host.archived.on((_, { stanza }) => void heard.push(`archived ${idOf(stanza)}`));
    await arrives(chat(ana, '1'));
    await turns();
    expect(heard).toEqual([`${ana}: 1`, 'queued 1', 'archived 1']);
  });

  it('is not told of again when a session gives it back', async () => {
    const phone = await connect(`${ana}/phone`);
    await arrives(chat(ana, '1'));
    await phone.lose(...phone.link.take());
    await turns();
    await connect(`${ana}/tablet`);
    expect(heard).toEqual([`${ana}: 1`]);
  });

  it('is not told of if it is refused at the door, or there is no account', async () => {
    const phone = await connect(`${ana}/phone`);
    await phone.say(blockEve());
    await turns();
    heard = [];
    for (const to of [ana, `${ana}/phone`]) await arrives(chat(to, '1'));
    await arrives(chat(`${ana}/gone`, '2', 'normal'), 'dan@example.net/x');
    await arrives(chat(ana, '3', 'groupchat'), `${room}/dan`);
    await arrives(chat('nobody@example.org', '4'), 'dan@example.net/x');
    expect(heard).toEqual([]);
  });

  it('goes its way though who listens fails', async () => {
    host.received.on(() => Promise.reject(new Error('a mistake')));
    const phone = await connect(`${ana}/phone`);
    await arrives(chat(ana, '1'));
    expect(messagesOf(phone)).toBe('1');
    await waitFor('the report', () => embedded.failures.length > 0);
    expect(embedded.failures).toEqual(['received message']);
  });
});

describe('a message of a room', () => {
  const says = (to: string, id: string) => arrives(chat(to, id, 'groupchat'), `${room}/dan`);

  beforeEach(() => {
    host.roomMessage.on((to, stanza) => void heard.push(`${to}: ${idOf(stanza)}`));
  });

  it('is told of if nobody is there to hear it, and goes back', async () => {
    await connect(`${ana}/phone`);
    for (const to of [ana, `${ana}/gone`]) await says(to, to);
    expect(heard).toEqual([`${ana}: ${ana}`, `${ana}/gone: ${ana}/gone`]);
    expect(embedded.remote.map(conditionOf)).toEqual(['service-unavailable', 'service-unavailable']);
  });

  it('is not told of if a session hears it', async () => {
    const phone = await connect(`${ana}/phone`);
    const tablet = await connectManaged(`${ana}/tablet`);
    await tablet.lose();
    for (const to of ['phone', 'tablet']) await says(`${ana}/${to}`, to);
    expect(messagesOf(phone)).toBe('phone');
    expect(heard).toEqual([]);
    embedded.clock.advance(smacks.hibernationTime * 1_000);
    await turns();
    expect(heard).toEqual([`${ana}/tablet: tablet`]);
  });

  it('is not told of if it is refused at the door, or there is no account', async () => {
    const phone = await connect(`${ana}/phone`);
    await phone.say(blockEve());
    for (const to of [ana, `${ana}/gone`]) await arrives(chat(to, '1', 'groupchat'));
    await says('nobody@example.org', '2');
    expect(heard).toEqual([]);
  });

  it('is a message of type groupchat alone', async () => {
    for (const type of ['normal', 'chat', 'headline', 'error'])
      await arrives(chat(`${ana}/gone`, type, type), `${room}/dan`);
    await turns();
    expect(heard).toEqual([]);
  });
});

describe('a request for a subscription', () => {
  const asks = (type = 'subscribe', from = eve) => arrives(presence({ to: ana }).withAttrs({ type }), from);

  beforeEach(() => {
    host.subscriptionRequested.on((account, stanza) => {
      heard.push(`${account}: ${stanza.attr('type')} ${stanza.attr('from')}`);
    });
  });

  it.each(['there', 'away'])('is told of once, though it is repeated, to one who is %s', async (where) => {
    if (where === 'there') await connect(`${ana}/phone`);
    await asks();
    await asks();
    expect(heard).toEqual([`${ana}: subscribe eve@example.net`]);
    await connect(`${ana}/tablet`);
    expect(heard).toHaveLength(1);
  });

  it('is told of again when it was answered, or taken back', async () => {
    const phone = await connect(`${ana}/phone`);
    await asks();
    await phone.say(presence({ to: 'eve@example.net', type: 'unsubscribed' }));
    await asks();
    await asks('unsubscribe');
    await asks();
    expect(heard).toHaveLength(3);
  });

  it('is not told of if it is answered at once, or refused', async () => {
    const phone = await connect(`${ana}/phone`);
    await phone.say(presence({ to: 'dan@example.net', type: 'subscribed' }));
    await asks('subscribe', 'dan@example.net');
    await asks('subscribe', 'dan@example.net');
    await phone.say(blockEve());
    await asks();
    for (const type of ['subscribed', 'unsubscribed', 'unsubscribe', 'probe'])
      await asks(type, 'x@example.net');
    expect(heard).toEqual([]);
  });

  it('waits for an answer, of accounts in memory and others', async () => {
    await asks();
    await asks('subscribe', 'dan@example.net');
    expect(host.pendingSubscriptions(anaJid)).toBe(2);
    const phone = await connect(`${ana}/phone`);
    await phone.say(presence({ to: 'dan@example.net', type: 'subscribed' }));
    expect(host.pendingSubscriptions(anaJid)).toBe(1);
    expect(await host.pendingSubscriptions(Jid.parse('nobody@example.org'))).toBe(0);
  });
});

describe('contacts', () => {
  const jids = ['none', 'to', 'from', 'both', 'asked', 'pending', 'approved'] as const;
  const isContact = (name: string, user = anaJid) => host.isContact(user, Jid.parse(`${name}@example.net/x`));

  beforeEach(async () => {
    const { id } = await embedded.account(ana);
    for (const name of jids) {
      await embedded.stores.rosters.put(id, {
        jid: `${name}@example.net`,
        name: '',
        groups: [],
        subscription: name === 'to' || name === 'from' || name === 'both' ? name : 'none',
        ask: name === 'asked',
        approved: name === 'approved',
        isListed: name !== 'pending',
        pendingIn: name === 'pending' ? '<presence/>' : undefined,
      });
    }
  });

  it('are those with a subscription, or that were asked for one', async () => {
    const found = await Promise.all(jids.map(async (name) => ((await isContact(name)) ? name : '')));
    expect(found.filter((name) => name !== '')).toEqual(['to', 'from', 'both', 'asked']);
    expect(await isContact('stranger')).toBe(false);
    expect(await isContact('to', Jid.parse('nobody@example.org'))).toBe(false);
  });

  it('are known at once if the account is in memory', async () => {
    await embedded.connect(`${ana}/phone`);
    expect(isContact('to')).toBe(true);
    expect(isContact('none')).toBe(false);
  });

  it('are asked for of a store that fails', async () => {
    embedded.stores.rosters.load = () => Promise.reject(new Error('a broken disk'));
    expect(await isContact('none')).toBe(true);
    expect(await host.pendingSubscriptions(anaJid)).toBe(0);
    expect(embedded.recorded.map(({ name }) => name)).toEqual(['storageFailed', 'storageFailed']);
  });
});

describe('rooms', () => {
  const nick = `${room}/Ana`;
  const isThere = (occupant = nick) => host.isOccupant(Jid.parse(`${ana}/x`), occupant);

  it('know a session by the name under which it entered, until it leaves', async () => {
    expect(isThere()).toBe(false);
    const phone = await connectManaged(`${ana}/phone`);
    await phone.say(presence({ to: nick }));
    expect(isThere()).toBe(true);
    for (const other of [room, `${room}/ana`, `${room}/Ben`]) expect(isThere(other)).toBe(false);
    expect(host.isOccupant(Jid.parse(ben), nick)).toBe(false);
    await phone.lose();
    expect(isThere()).toBe(true);
    const tablet = await connect(`${ana}/tablet`);
    await tablet.say(presence({ to: nick }));
    await tablet.say(presence({ to: nick, type: 'unavailable' }));
    expect(isThere()).toBe(true);
    embedded.clock.advance(smacks.hibernationTime * 1_000);
    await turns();
    expect(isThere()).toBe(false);
  });
});

describe('sessions that begin', () => {
  it('are told of, before they are available', async () => {
    host.sessionBegun.on(({ jid, presence: shown }) => void heard.push(`${jid} ${shown?.name}`));
    const phone = await connect(`${ana}/phone`);
    expect(heard).toEqual([`${ana}/phone undefined`]);
    await phone.say(presence({}));
    await connect(`${ana}/phone`);
    expect(heard).toEqual([`${ana}/phone undefined`, `${ana}/phone undefined`]);
  });
});

describe('what was handed out of the store', () => {
  beforeEach(() => {
    host.offlineMessage.on((_, stanza) => void heard.push(`stored ${idOf(stanza)}`));
    host.ackDelayed.on((_, stanzas) => void heard.push(`late: ${ids(stanzas)}`));
    host.hibernationStart.on((_, stanzas) => void heard.push(`sleeps: ${ids(stanzas)}`));
    host.hibernationQueued.on((_, stanza) => void heard.push(`queued ${idOf(stanza)}`));
  });

  /** A client that was handed a message which it does not acknowledge. */
  async function begin(): Promise<CoreClient> {
    await arrives(chat(ana, 'kept'));
    await turns();
    const client = await embedded.connect(`${ana}/phone`);
    await client.say(el('enable', ns.streamManagement, { resume: 'true' }));
    await client.say(presence({}));
    await turns();
    expect(messagesOf(client)).toBe('kept');
    heard = [];
    await arrives(chat(ana, 'new'));
    return client;
  }

  it('is left out when a client does not answer, or is lost', async () => {
    const client = await begin();
    embedded.clock.advance(smacks.maxAckDelay * 1_000);
    await client.lose();
    expect(heard.filter((event) => event.includes('kept'))).toEqual([]);
    expect(heard.filter((event) => event.includes('new'))).toHaveLength(2);
  });

  it('is left out, too, if it is a request for presence that waits for an answer', async () => {
    const asks = presence({ to: ana, id: 'asked' }).withAttrs({ type: 'subscribe' });
    await arrives(asks);
    await turns();
    const client = await embedded.connect(`${ana}/phone`);
    await client.say(el('enable', ns.streamManagement, { resume: 'true' }));
    await client.say(presence({}));
    await turns();
    expect(client.link.take().map(idOf)).toContain('asked');
    embedded.clock.advance(smacks.maxAckDelay * 1_000);
    await client.lose();
    expect(heard).toHaveLength(2);
    expect(heard.join()).not.toContain('asked');
  });

  it('is stored again without a word', async () => {
    const client = await begin();
    await client.lose();
    embedded.clock.advance(smacks.hibernationTime * 1_000);
    await turns();
    expect(heard.filter((event) => event.startsWith('stored'))).toEqual(['stored new']);
    const tablet = await embedded.connect(`${ana}/tablet`);
    await tablet.say(presence({}));
    await turns();
    expect(messagesOf(tablet)).toBe('kept new');
    expect(heard.join()).not.toContain('kept');
  });
});

describe('one message', () => {
  it('is itself if it is no copy', () => {
    const stanza = chat(ana, '1');
    expect(host.originalOf(stanza)).toBe(stanza);
    const request = iq(body);
    expect(host.originalOf(request)).toBe(request);
  });

  it('is found in its copies, of what was received and of what was sent', async () => {
    const originals = new Map<string | undefined, Element>();
    host.archived.on((account, { stanza }) => {
      if (account.equals(anaJid)) originals.set(idOf(stanza), stanza);
    });
    const tablet = await connect(`${ana}/tablet`);
    const phone = await connect(`${ana}/phone`);
    await phone.say(iq(el('enable', ns.carbons)));
    await turns();
    phone.link.take();
    await arrives(chat(`${ana}/tablet`, 'in'));
    await tablet.say(chat(eve, 'out'));
    await turns();
    const copies = phone.link.take();
    expect(copies.map((copy) => idOf(host.originalOf(copy)))).toEqual(['in', 'out']);
    for (const copy of copies) {
      const original = host.originalOf(copy);
      expect(original).not.toBe(copy);
      expect(original).toBe(originals.get(idOf(original)));
    }
  });

  it('is not what somebody else says to be a copy', () => {
    const inside = el('forwarded', ns.forward, {}, chat(ana, '1'));
    const forged = message({ to: `${ana}/phone`, from: eve }, el('received', ns.carbons, {}, inside));
    expect(host.originalOf(forged)).toBe(forged);
  });
});
