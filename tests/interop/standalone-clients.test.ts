import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, connectClient } from '../../src/demo/client.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import type { ClientAccount, ClientStream } from '../harness/distributor.js';
import { hasGoSendxmpp, listeningByGo, sendByGo } from '../harness/go-sendxmpp.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { type Profanity, profanityPeers, startProfanity } from '../harness/profanity.js';
import { connectSlixmpp, hasSlixmpp } from '../harness/slixmpp-client.js';
import { startXmppJs } from '../harness/xmpp-js-process.js';
import { available } from '../harness/xmpp-peer.js';

type Account = ClientAccount & { readonly certificate: string };
type Connect = (account: Account, onStanza: (stanza: Element) => void) => Promise<ClientStream>;

/** Libraries of others, and the ways in that they are tried over. */
const libraries: readonly {
  readonly name: string;
  readonly user: string;
  readonly isInstalled: boolean;
  readonly transport: string;
  readonly connect: Connect;
}[] = [
  {
    ...{ name: 'slixmpp', user: 'slixmpp', isInstalled: hasSlixmpp, transport: 'starttls' },
    connect: connectSlixmpp,
  },
  {
    ...{ name: 'xmpp.js over STARTTLS', user: 'xmppjs', isInstalled: true, transport: 'starttls' },
    connect: (account, onStanza) => startXmppJs(`xmpp://127.0.0.1:${account.port}`, account, onStanza),
  },
  {
    ...{ name: 'xmpp.js over WebSocket', user: 'xmppjs-ws', isInstalled: true, transport: 'websocket' },
    connect: (account, onStanza) => {
      const url = `${server.httpBase.replace('http', 'ws')}/xmpp-websocket`;
      return startXmppJs(url, account, onStanza);
    },
  },
];

const domain = 'example.test';
const password = 'a-password';
const users = ['bob', 'profanity', 'sender', ...libraries.map(({ user }) => user)];

let server: StandaloneServer;
/** Whom the clients talk to: the project's own client. */
let bob: Client;
const bobJid = `bob@${domain}/own`;

/** Keeps what arrives, from wherever. */
class Inbox {
  readonly #stanzas: Element[] = [];

  readonly take = (stanza: Element): void => {
    this.#stanzas.push(stanza);
  };

  /** The first stanza that fits, as soon as it has arrived. */
  async find(what: string, fits: (stanza: Element) => boolean): Promise<Element> {
    await waitFor(what, () => this.#stanzas.some(fits), { timeout: 30_000 });
    const found = this.#stanzas.find(fits);
    if (found === undefined) throw new Error('unreachable: waitFor rejects');
    return found;
  }
}

const bobsInbox = new Inbox();

beforeAll(async () => {
  server = await startStandalone({
    accounts: Object.fromEntries(users.map((user) => [`${user}@${domain}`, password])),
    env: { BELFRY_LOG_LEVEL: 'debug' },
  });
  bob = await connectClient({
    connect: { host: '127.0.0.1', port: server.c2sPort },
    ...{ jid: Jid.parse(bobJid), password, onStanza: bobsInbox.take },
    certificate: await readFile(server.certificateFile, 'utf8'),
  });
  bob.send(available());
});
afterAll(async () => {
  await bob?.close();
  await server?.stop();
});

function accountOf(user: string): Account {
  const { c2sPort: port, certificateFile: certificate } = server;
  return { port, domain, user, password, resource: 'foreign', certificate };
}

const chat = (to: string, text: string) => message({ to, type: 'chat' }, el('body', ns.client, {}, text));
const presence = (to: string, type: string) => el('presence', ns.client, { to, type });
const bareOf = (jid: string) => Jid.parse(jid).bare().toString();

/** Which way a session of the account came, by the log. */
async function transportOf(user: string): Promise<string | undefined> {
  const started = () => server.log().split('\n').find(isStart);
  const isStart = (line: string) =>
    line.includes('"msg":"session started"') && line.includes(`"jid":"${user}@${domain}"`);
  await waitFor(`the log to tell of ${user}`, () => started() !== undefined);
  return /"transport":"([^"]+)"/.exec(started() ?? '')?.[1];
}

const isMessage = (from: string, text: string) => (stanza: Element) =>
  stanza.name === 'message' && stanza.attr('from') === from && stanza.child('body')?.text() === text;
const isPresence = (from: string, type?: string) => (stanza: Element) =>
  stanza.name === 'presence' && stanza.attr('from') === from && stanza.attr('type') === type;

/** Asks over a client's stream, and resolves with the answer. */
async function request(
  stream: ClientStream,
  inbox: Inbox,
  type: 'get' | 'set',
  payload: Element,
): Promise<Element> {
  const id = randomBytes(6).toString('hex');
  stream.send(el('iq', ns.client, { type, id }, payload));
  return inbox.find(
    `an answer to ${payload.name}`,
    (stanza) => stanza.name === 'iq' && stanza.attr('id') === id,
  );
}

async function bobsSubscription(jid: string): Promise<string | undefined> {
  const answer = await bob.request({ type: 'get', payload: rosterQuery() });
  return answer.kind === 'result' ? subscriptionIn(answer.payload, jid) : undefined;
}

const rosterQuery = (...items: readonly Element[]) => el('query', ns.roster, {}, ...items);
const subscriptionIn = (roster: Element | undefined, jid: string) =>
  roster
    ?.elements()
    .find((item) => item.attr('jid') === jid)
    ?.attr('subscription');

describe.each(libraries)(
  '$name and the embedded server',
  ({ user, isInstalled, transport, connect, ...kind }) => {
    describeWithPeers(kind.name, { [kind.name]: isInstalled }, () => {
      const inbox = new Inbox();
      const own = `${user}@${domain}`;
      let stream: ClientStream;

      beforeAll(async () => {
        stream = await connect(accountOf(user), inbox.take);
        stream.send(available());
      });
      afterAll(() => stream?.close());

      it('logs in', async () => {
        expect(stream.jid).toBe(`${own}/foreign`);
        expect(await transportOf(user)).toBe(transport);
      });

      it('sends and receives messages', async () => {
        stream.send(chat(bobJid, 'to bob: <ü> & 🦉'));
        await bobsInbox.find('a message of the library', isMessage(stream.jid, 'to bob: <ü> & 🦉'));
        bob.send(chat(own, 'from bob: <ü> & 🦉'));
        await inbox.find('a message of bob', isMessage(bobJid, 'from bob: <ü> & 🦉'));
      });

      it('subscribes to presence both ways, and has the contact in its roster', async () => {
        const bareBob = bareOf(bobJid);
        const item = el('item', ns.roster, { jid: bareBob, name: 'Bob' });
        expect((await request(stream, inbox, 'set', rosterQuery(item))).attr('type')).toBe('result');
        stream.send(presence(bareBob, 'subscribe'));
        await bobsInbox.find('a request of the library', isPresence(own, 'subscribe'));
        bob.send(presence(own, 'subscribed'));
        await inbox.find('presence of bob', isPresence(bobJid));
        bob.send(presence(own, 'subscribe'));
        await inbox.find('a request of bob', isPresence(bareBob, 'subscribe'));
        stream.send(presence(bareBob, 'subscribed'));
        await bobsInbox.find('presence of the library', isPresence(stream.jid));
        const roster = await request(stream, inbox, 'get', rosterQuery());
        expect(subscriptionIn(roster.child('query', ns.roster), bareBob)).toBe('both');
        expect(await bobsSubscription(own)).toBe('both');
      });

      it('is unavailable to its contacts when it has gone', async () => {
        await stream.close();
        await bobsInbox.find('that the library has gone', isPresence(stream.jid, 'unavailable'));
      });
    });
  },
);

describeWithPeers('profanity and the embedded server', profanityPeers, () => {
  const own = `profanity@${domain}`;
  const full = `${own}/foreign`;
  let profanity: Profanity;

  beforeAll(async () => {
    profanity = await startProfanity(accountOf('profanity'));
    await profanity.shows('logged in successfully');
  });
  afterAll(() => profanity?.stop());

  it('logs in with TLS', async () => {
    expect(await transportOf('profanity')).toBe('starttls');
  });

  it('subscribes to presence both ways, and has the contact in its roster', async () => {
    const bareBob = bareOf(bobJid);
    await profanity.type(`/roster add ${bareBob} Bobby`);
    await profanity.shows(`Roster item added: ${bareBob}`);
    await profanity.type(`/sub request ${bareBob}`);
    await bobsInbox.find('a request of profanity', isPresence(own, 'subscribe'));
    bob.send(presence(own, 'subscribed'));
    await profanity.shows('Bobby (own) is online');
    bob.send(presence(own, 'subscribe'));
    await profanity.shows('Received authorization request');
    await profanity.type(`/sub allow ${bareBob}`);
    await bobsInbox.find('presence of profanity', isPresence(full));
    await profanity.shows(`${bareBob} (Bobby) - both`, '/roster');
    expect(await bobsSubscription(own)).toBe('both');
  });

  it('sends and receives messages', async () => {
    await profanity.type(`/msg ${bareOf(bobJid)} from profanity: <ü> & so on`);
    await bobsInbox.find('a message of profanity', isMessage(full, 'from profanity: <ü> & so on'));
    bob.send(chat(own, 'to profanity: <ü> & so on'));
    await profanity.shows('to profanity: <ü> & so on');
  });

  it('says when it goes', async () => {
    await profanity.type('/quit');
    await bobsInbox.find('that profanity has gone', isPresence(full, 'unavailable'));
  });
});

describeWithPeers('go-sendxmpp and the embedded server', { 'go-sendxmpp': hasGoSendxmpp }, () => {
  it('sends a message', async () => {
    await sendByGo(accountOf('sender'), bareOf(bobJid), 'from go: <ü> & 🦉');
    const { attrs } = await bobsInbox.find(
      'a message of go-sendxmpp',
      (stanza) => stanza.child('body')?.text().trim() === 'from go: <ü> & 🦉',
    );
    expect(bareOf(attrs['from'] ?? '')).toBe(`sender@${domain}`);
    expect(await transportOf('sender')).toBe('starttls');
  });

  it('receives a message, one that waited for it too', async () => {
    bob.send(chat(`sender@${domain}`, 'to go, before: <ü> & 🦉'));
    await listeningByGo(accountOf('sender'), async ({ output }) => {
      const hasGot = (text: string) => waitFor(text, () => output().includes(text), { timeout: 30_000 });
      await hasGot('to go, before: <ü> & 🦉');
      bob.send(chat(`sender@${domain}`, 'to go: <ü> & 🦉'));
      await hasGot('to go: <ü> & 🦉');
    });
  });
});
