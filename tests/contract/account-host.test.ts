import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountHost, AccountSession } from '../../src/hosts/host.js';
import { createAccountHost } from '../../src/hosts/standalone/account-host.js';
import { createArchive } from '../../src/hosts/standalone/archive/archive.js';
import { offline } from '../../src/hosts/standalone/modules/offline.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { type CoreClient, conditionOf, EmbeddedCore } from '../harness/embedded-core.js';
import { RecordingLink } from '../harness/fake-server.js';
import { waitFor } from '../harness/net.js';

const ana = 'ana@example.org';
const ben = 'ben@example.org';
const anaJid = Jid.parse(ana);
const smacks = { hibernationTime: 600, maxAckDelay: 30, maxQueueSize: 4 };

let embedded: EmbeddedCore;
let host: AccountHost;
/** What happened, in few words. */
let heard: string[];

beforeEach(async () => {
  embedded = new EmbeddedCore({ smacks });
  const { core } = embedded;
  core.setArchiving(createArchive(core.server));
  offline.setup(core.server);
  host = createAccountHost(core.server, core.entity(core.server.domain));
  heard = [];
});

const connect = async (jid: string) => (await embedded.connect(jid)).available();
const chat = (to: string, id: string) =>
  message({ to, type: 'chat', id }, el('body', ns.client, {}, 'hello'));
const management = (name: string, attrs: Record<string, string> = {}) => el(name, ns.streamManagement, attrs);
const ids = (stanzas: readonly Element[]) => stanzas.map((stanza) => stanza.attr('id')).join(' ');
const nameOf = ({ jid }: AccountSession) => jid.resource;
const happened = (...events: readonly string[]) =>
  waitFor(`${events.join()} instead of ${heard.join()}`, () => heard.join() === events.join());

/** A client that can resume its session, and by what. */
async function connectManaged(jid: string): Promise<{ client: CoreClient; id: string }> {
  const client = await connect(jid);
  await client.say(management('enable', { resume: 'true' }));
  const id = client.only().attr('id') ?? '';
  return { client, id };
}

function listen(): void {
  host.ackDelayed.on((session, stanzas) => void heard.push(`late ${nameOf(session)}: ${ids(stanzas)}`));
  host.hibernationStart.on(
    (session, stanzas) => void heard.push(`sleeps ${nameOf(session)}: ${ids(stanzas)}`),
  );
  host.hibernationQueued.on(
    (session, stanza) => void heard.push(`queued ${nameOf(session)}: ${ids([stanza])}`),
  );
  host.hibernationEnd.on((session, how) => void heard.push(`${how} ${nameOf(session)}`));
}

describe('requests of accounts to themselves', () => {
  const route = { type: 'set', ns: 'urn:example:x', name: 'x' } as const;
  const request = (to?: string) => el('iq', ns.client, { type: 'set', id: 'q', to }, el('x', route.ns));

  const answerTo = async (client: CoreClient): Promise<Element> => {
    await waitFor('an answer', () => client.link.sent.length > 0);
    return client.only();
  };

  it.each([undefined, ana])('reach the handler, and its answer the session: to %s', async (to) => {
    host.onAccountIq(route, ({ account, from, id, payload }) =>
      el('y', route.ns, { account: account.toString(), from: from.toString(), id, got: payload.name }),
    );
    const client = await connect(`${ana}/phone`);
    await client.say(request(to));
    const answer = await answerTo(client);
    expect(answer.attr('type')).toBe('result');
    expect(answer.firstElement()?.attrs).toEqual({ account: ana, from: `${ana}/phone`, id: 'q', got: 'x' });
  });

  it('do not reach it if others make them', async () => {
    host.onAccountIq(route, () => void heard.push('asked'));
    await connect(`${ana}/phone`);
    const other = await connect(`${ben}/pc`);
    await other.say(request(ana));
    expect(conditionOf(await answerTo(other))).toBe('service-unavailable');
    expect(heard).toEqual([]);
  });

  it('are refused with what the handler throws', async () => {
    host.onAccountIq(route, () => Promise.reject(new StanzaError('not-acceptable')));
    const client = await connect(`${ana}/phone`);
    await client.say(request());
    expect(conditionOf(await answerTo(client))).toBe('not-acceptable');
  });

  it('have one handler for each route, and are advertised', () => {
    host.onAccountIq(route, () => undefined);
    expect(() => host.onAccountIq(route, () => undefined)).toThrow();
    host.advertiseAccount({ features: ['urn:example:x'] });
    expect(embedded.core.server.accountInfo().features).toContain('urn:example:x');
  });
});

describe('sessions', () => {
  const sessions = () => host.sessionsOf(anaJid).map(nameOf).toSorted();

  it('are those that are connected, and those that hibernate', async () => {
    expect(sessions()).toEqual([]);
    const { client } = await connectManaged(`${ana}/phone`);
    const pc = await connect(`${ana}/pc`);
    await connect(`${ben}/pc`);
    expect(sessions()).toEqual(['pc', 'phone']);
    await client.lose();
    await pc.lose();
    expect(sessions()).toEqual(['phone']);
    expect(host.sessionsOf(Jid.parse(`${ana}/phone`)).map(nameOf)).toEqual(['phone']);
    embedded.clock.advance(smacks.hibernationTime * 1_000);
    await waitFor('the end', () => sessions().length === 0);
  });

  it('are known to hibernate, from the start to the end', async () => {
    const { client, id } = await connectManaged(`${ana}/phone`);
    const [session] = host.sessionsOf(anaJid);
    if (session === undefined) throw new Error('there is no session');
    expect(host.isHibernating(session)).toBe(false);
    await client.lose();
    expect(host.isHibernating(session)).toBe(true);
    await resume(id);
    expect(host.isHibernating(session)).toBe(false);
  });

  it('show how they are available', async () => {
    const { client } = await connectManaged(`${ana}/phone`);
    const presence = () => host.sessionsOf(anaJid).map((session) => session.presence);
    expect(presence()).toEqual([client.session.presence]);
    expect(presence()[0]?.name).toBe('presence');
    await client.lose();
    expect(presence()).toEqual([client.session.presence]);
    await embedded.connect(`${ana}/phone`);
    expect(presence()).toEqual([undefined]);
  });

  it('hibernate longer if somebody wishes', async () => {
    listen();
    const { client } = await connectManaged(`${ana}/phone`);
    const [session] = host.sessionsOf(anaJid);
    if (session === undefined) throw new Error('there is no session');
    expect(host.extendHibernation(session, 1_000)).toBe(false);
    await client.lose();
    expect(host.extendHibernation(session, 1_000)).toBe(true);
    expect(host.extendHibernation({ jid: session.jid, presence: undefined }, 9_000)).toBe(false);
    embedded.clock.advance(999_999);
    await happened('sleeps phone: ');
    embedded.clock.advance(1);
    await happened('sleeps phone: ', 'expired phone');
    expect(host.extendHibernation(session, 1_000)).toBe(false);
  });
});

describe('sessions that hibernate longer', () => {
  const seconds = (n: number) => embedded.clock.advance(n * 1_000);
  const phone = () => {
    const [session] = host.sessionsOf(anaJid);
    if (session === undefined) throw new Error('there is no session');
    return session;
  };

  it('wait no longer than others when that ends, from then on', async () => {
    listen();
    const { client } = await connectManaged(`${ana}/phone`);
    const session = phone();
    expect(host.endExtension(session)).toBe(false);
    await client.lose();
    host.extendHibernation(session, 100_000);
    seconds(2_000);
    expect(host.endExtension({ jid: session.jid, presence: undefined })).toBe(false);
    expect(host.endExtension(session)).toBe(true);
    seconds(smacks.hibernationTime - 1);
    await happened('sleeps phone: ');
    seconds(1);
    await happened('sleeps phone: ', 'expired phone');
    expect(host.endExtension(session)).toBe(false);
  });

  it('wait as long as their clients wish when that ends', async () => {
    const client = await connect(`${ana}/phone`);
    await client.say(management('enable', { resume: 'true', max: '5' }));
    const session = phone();
    await client.lose();
    host.extendHibernation(session, 100_000);
    expect(host.endExtension(session)).toBe(true);
    seconds(5);
    await waitFor('the end', () => host.sessionsOf(anaJid).length === 0);
  });
});

describe('clients that are silent', () => {
  const wait = async (milliseconds: number) => {
    // The question leaves at the end of the turn.
    for (let n = 0; n < 3; n++) await new Promise<void>((resolve) => void setImmediate(resolve));
    embedded.clock.advance(milliseconds);
  };

  it('are late when nobody can wait for them, once they had time to answer', async () => {
    listen();
    await connectManaged(`${ana}/phone`);
    const b = await connect(`${ben}/pc`);
    await b.say(chat(ana, '1'));
    await wait(900);
    host.takeSilentForLate();
    expect(heard).toEqual([]);
    await wait(100);
    host.takeSilentForLate();
    await happened('late phone: 1');
  });

  it('are not late if there is nothing to acknowledge, or without connection', async () => {
    listen();
    const { client } = await connectManaged(`${ana}/phone`);
    await wait(2_000);
    host.takeSilentForLate();
    const b = await connect(`${ben}/pc`);
    await b.say(chat(ana, '1'));
    await client.lose();
    await wait(2_000);
    host.takeSilentForLate();
    await happened('sleeps phone: 1');
  });
});

async function resume(id: string, h = 0): Promise<RecordingLink> {
  const link = new RecordingLink();
  const request = management('resume', { previd: id, h: String(h) });
  await embedded.core.entrance.resume(await embedded.account(ana), request, link);
  return link;
}

describe('what happens to accounts', () => {
  beforeEach(listen);

  it('a message is stored for an account that is not there', async () => {
    host.offlineMessage.on((account, stanza) => void heard.push(`${account}: ${ids([stanza])}`));
    await embedded.addAccount(ana);
    const b = await connect(`${ben}/pc`);
    await b.say(chat(ana, '1'));
    await happened(`${ana}: 1`);
    await connect(`${ana}/phone`);
    await b.say(chat(ana, '2'));
    await happened(`${ana}: 1`);
  });

  it('messages are archived, of both sides, under their ids', async () => {
    const archiveIds: (string | undefined)[] = [];
    host.archived.on((account, { id, direction, stanza }) => {
      heard.push(`${direction} ${account}: ${ids([stanza])}`);
      const stanzaId = stanza.child('stanza-id', ns.stanzaIds);
      archiveIds.push(id, stanzaId?.attr('id'));
      expect(stanzaId?.attr('by')).toBe(account.toString());
    });
    const a = await connect(`${ana}/phone`);
    const b = await connect(`${ben}/pc`);
    await b.say(chat(ana, '1'));
    await waitFor('two events', () => heard.length === 2);
    expect(heard.toSorted()).toEqual([`incoming ${ana}: 1`, `outgoing ${ben}: 1`]);
    expect(archiveIds[0]).toBe(archiveIds[1]);
    expect(archiveIds[2]).toBe(archiveIds[3]);
    expect(a.only().child('stanza-id', ns.stanzaIds)?.attr('id')).toBeDefined();
  });

  it('a client does not acknowledge', async () => {
    const { client } = await connectManaged(`${ana}/phone`);
    const b = await connect(`${ben}/pc`);
    await b.say(chat(ana, '1'));
    await waitFor('the question', () => client.link.sent.some(({ name }) => name === 'r'));
    embedded.clock.advance(smacks.maxAckDelay * 1_000);
    await happened('late phone: 1');
    await b.say(chat(ana, '2'));
    await happened('late phone: 1', 'queued phone: 2');
    await client.say(management('a', { h: '2' }));
    await b.say(chat(ana, '3'));
    await happened('late phone: 1', 'queued phone: 2');
  });

  it('a session hibernates, is sent more, and is resumed', async () => {
    const { client, id } = await connectManaged(`${ana}/phone`);
    const b = await connect(`${ben}/pc`);
    await b.say(chat(ana, '1'));
    await client.lose();
    await b.say(chat(ana, '2'));
    await happened('sleeps phone: 1', 'queued phone: 2');
    const link = await resume(id);
    await happened('sleeps phone: 1', 'queued phone: 2', 'resumed phone');
    expect(ids(link.sent.filter(({ name }) => name === 'message'))).toBe('1 2');
  });

  it('a session is sent more than it keeps', async () => {
    const { client } = await connectManaged(`${ana}/phone`);
    const b = await connect(`${ben}/pc`);
    await client.lose();
    for (const id of ['1', '2', '3', '4', '5']) await b.say(chat(ana, id));
    const queued = ['1', '2', '3', '4', '5'].map((id) => `queued phone: ${id}`);
    await happened('sleeps phone: ', ...queued, 'overflow phone');
  });

  it('another session takes the place of one that hibernates', async () => {
    const { client } = await connectManaged(`${ana}/phone`);
    await client.lose();
    await connect(`${ana}/phone`);
    await happened('sleeps phone: ', 'ended phone');
  });

  it('an account is removed, which waits for who listens', async () => {
    host.accountRemoved.on(async (jid) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      heard.push(`removed ${jid}`);
    });
    host.accountRemoved.on(() => Promise.reject(new Error('a mistake')));
    await embedded.addAccount(ana);
    expect(await embedded.core.removeAccount(anaJid, 'operator')).toBe(true);
    expect(heard).toEqual([`removed ${ana}`]);
    expect(embedded.failures).toEqual(['removed account']);
  });
});

describe('who listens', () => {
  it.each([
    ['throws', () => failing()],
    ['rejects', () => Promise.reject(new Error('a mistake'))],
  ])('harms nobody when it %s', async (_, listener) => {
    host.archived.on(listener);
    host.archived.on((account) => void heard.push(account.toString()));
    const a = await connect(`${ana}/phone`);
    const b = await connect(`${ben}/pc`);
    await b.say(chat(ana, '1'));
    expect(ids(a.link.take())).toBe('1');
    await waitFor('both events', () => heard.length === 2);
    expect(embedded.failures).toEqual(['archived message', 'archived message']);
  });

  it('is not waited for', async () => {
    const never = () => new Promise<void>(() => undefined);
    host.archived.on(never);
    host.offlineMessage.on(never);
    await embedded.addAccount(ana);
    const b = await connect(`${ben}/pc`);
    await b.say(chat(ana, '1'));
    await b.say(chat(ana, '2'));
    expect(b.got()).toEqual([]);
  });
});

function failing(): never {
  throw new Error('a mistake');
}
