import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { type CuttingProxy, startCuttingProxy } from '../harness/cutting-proxy.js';
import type { ClientAccount, ClientStream } from '../harness/distributor.js';
import { waitFor } from '../harness/net.js';
import {
  createNetworkNamespace,
  type NetworkNamespace,
  namespacePeers,
} from '../harness/network-namespace.js';
import { describeWithPeers } from '../harness/peer.js';
import { type Profanity, profanityPeers, startProfanity } from '../harness/profanity.js';
import { connectSlixmpp, hasSlixmpp } from '../harness/slixmpp-client.js';
import { startXmppJs } from '../harness/xmpp-js-process.js';
import { available, connectPeer, type Peer } from '../harness/xmpp-peer.js';

type Account = ClientAccount & { readonly certificate: string };

/** From where a client sees the server. */
interface Place {
  readonly host: string;
  readonly tcp: number;
  readonly http: number;
  readonly launcher?: readonly string[];
}

interface Library {
  readonly name: string;
  readonly user: string;
  readonly isInstalled: boolean;
  /** Whether it sends again what the server has not handled when it resumes, as XEP-0198 §5 has it. */
  readonly sendsAgain: boolean;
  readonly connect: (
    account: Account,
    place: Place,
    onStanza: (stanza: Element) => void,
  ) => Promise<ClientStream>;
}

const libraries: readonly Library[] = [
  {
    // Version 1.8 forgets it in the moment in which it asks to resume.
    ...{ name: 'slixmpp', user: 'slixmpp', isInstalled: hasSlixmpp, sendsAgain: false },
    connect: (account, _, onStanza) => connectSlixmpp(account, onStanza),
  },
  {
    ...{ name: 'xmpp.js over STARTTLS', user: 'xmppjs', isInstalled: true, sendsAgain: true },
    connect: (account, { host, tcp }, onStanza) => startXmppJs(`xmpp://${host}:${tcp}`, account, onStanza),
  },
  {
    ...{ name: 'xmpp.js over WebSocket', user: 'xmppjs-ws', isInstalled: true, sendsAgain: true },
    connect: (account, { host, http }, onStanza) =>
      startXmppJs(`ws://${host}:${http}/xmpp-websocket`, account, onStanza),
  },
];

/**
 * Who notices that the network is lost when nobody answers the ping that profanity sends every second. Profanity 0.13
 * resumes after the system has broken the connection. If it gives up by itself, it forgets the session and begins anew.
 */
const profanities = [
  {
    name: 'profanity resumes if the system breaks its connection',
    ...{ user: 'profanity-waits', pingTimeout: 0, retransmissions: 3, resumes: true },
  },
  {
    name: 'profanity is bound anew if it gives up its connection itself',
    ...{ user: 'profanity-gives-up', pingTimeout: 5, retransmissions: 15, resumes: false },
  },
];

const domain = 'example.test';
const password = 'a-password';
const users = ['bob', 'profanity', ...[...libraries, ...profanities].map(({ user }) => user)];
const patience = { timeout: 60_000, interval: 50 };

let server: StandaloneServer;
/** Whom the clients talk to: the project's own client, on a good line. */
let bob: Peer;
/** The ways in over a line that can be cut. */
let lines: { readonly tcp: CuttingProxy; readonly http: CuttingProxy };

beforeAll(async () => {
  server = await startStandalone({
    accounts: Object.fromEntries(users.map((user) => [`${user}@${domain}`, password])),
    address: '0.0.0.0',
    env: { BELFRY_LOG_LEVEL: 'debug' },
  });
  lines = {
    tcp: await startCuttingProxy(server.c2sPort),
    http: await startCuttingProxy(httpPort()),
  };
  bob = await connectOwn('bob', 'own');
});
afterAll(async () => {
  await bob?.close();
  await Promise.all([lines?.tcp.close(), lines?.http.close()]);
  await server?.stop();
});

const httpPort = () => Number(new URL(server.httpBase).port);
const bareOf = (user: string) => `${user}@${domain}`;

async function connectOwn(user: string, resource: string): Promise<Peer> {
  const connect = { host: '127.0.0.1', port: server.c2sPort };
  const certificate = await readFile(server.certificateFile, 'utf8');
  const peer = await connectPeer({ connect, certificate }, `${bareOf(user)}/${resource}`, password);
  peer.send(available());
  return peer;
}

function accountOf(user: string, { host, tcp: port, launcher }: Place): Account {
  const { certificateFile: certificate } = server;
  const account = { port, host, domain, user, password, resource: 'foreign', certificate, comesBack: true };
  return launcher === undefined ? account : { ...account, launcher };
}

const body = (text: string) => el('body', ns.client, {}, text);
const chat = (to: string, text: string) => message({ to, type: 'chat' }, body(text));
const textOf = (stanza: Element) => stanza.child('body')?.text();

/** What a client has been told, in order. */
class Inbox {
  readonly stanzas: Element[] = [];

  readonly take = (...stanzas: readonly Element[]): void => {
    this.stanzas.push(...stanzas);
  };

  get texts(): string[] {
    return this.stanzas.flatMap((stanza) => textOf(stanza) ?? []);
  }

  async has(what: string, fits: (stanza: Element) => boolean): Promise<void> {
    await waitFor(what, () => this.stanzas.some(fits), patience).catch((error: unknown) => {
      throw new Error(JSON.stringify(this.stanzas), { cause: error });
    });
  }

  async hasText(text: string): Promise<void> {
    await this.has(`the message ${text}`, (stanza) => textOf(stanza) === text);
  }
}

/** How often the server has told of an account's sessions that they were lost or resumed. */
function count(what: 'session hibernates' | 'session resumed', user: string): number {
  const told = new RegExp(`"jid":"${bareOf(user)}[/"].*"msg":"${what}"`);
  return server
    .log()
    .split('\n')
    .filter((line) => told.test(line)).length;
}

async function told(what: 'session hibernates' | 'session resumed', user: string, times: number) {
  await waitFor(`"${what}" of ${user}`, () => count(what, user) >= times, patience);
}

/** What bob hears of somebody from now on. */
class BobsInbox extends Inbox {
  readonly #user: string;

  constructor(user: string) {
    super();
    this.#user = user;
    bob.take();
  }

  listen(): this {
    const isTheirs = (stanza: Element) => stanza.attr('from')?.startsWith(`${bareOf(this.#user)}/`) === true;
    this.take(...bob.take().filter(isTheirs));
    return this;
  }

  override async has(what: string, fits: (stanza: Element) => boolean): Promise<void> {
    await waitFor(what, () => this.listen().stanzas.some(fits), patience);
  }
}

/** Sends an IQ over a client's stream and waits for its answer: what was sent before has been worked on. */
async function ask(stream: ClientStream, inbox: Inbox, type: 'get' | 'set', payload: Element, to?: string) {
  const id = `ask-${inbox.stanzas.length}`;
  stream.send(el('iq', ns.client, { type, id, to }, payload));
  await inbox.has(`an answer to ${payload.name}`, (stanza) => stanza.attr('id') === id);
}

describe.each(libraries)('$name on a line that is cut', ({ name, user, isInstalled, connect }) => {
  describeWithPeers(name, { [name]: isInstalled }, () => {
    const inbox = new Inbox();
    let bobs: BobsInbox;
    let stream: ClientStream;

    beforeAll(async () => {
      const place = { host: '127.0.0.1', tcp: lines.tcp.port, http: lines.http.port };
      bobs = new BobsInbox(user);
      stream = await connect(accountOf(user, place), place, inbox.take);
      stream.send(available());
      stream.send(el('presence', ns.client, { to: bob.jid.toString() }));
      await bobs.has('presence', (stanza) => stanza.name === 'presence');
    });
    afterAll(() => stream?.close());

    it('resumes again and again, and gets what came meanwhile once and in order', async () => {
      const rounds = [1, 2, 3];
      for (const round of rounds) {
        for (const line of Object.values(lines)) line.cut();
        await told('session hibernates', user, round);
        for (const n of [1, 2, 3, 4, 5]) bob.send(chat(bareOf(user), `${round}.${n}`));
        await bob.settle();
        for (const line of Object.values(lines)) line.mend();
        await told('session resumed', user, round);
        await inbox.hasText(`${round}.5`);
        stream.send(chat(bob.jid.toString(), `round ${round}`));
        await bobs.hasText(`round ${round}`);
      }
      bob.send(chat(bareOf(user), 'the end'));
      await inbox.hasText('the end');
      const sent = rounds.flatMap((round) => [1, 2, 3, 4, 5].map((n) => `${round}.${n}`));
      expect(inbox.texts).toEqual([...sent, 'the end']);
      expect(bobs.texts).toEqual(rounds.map((round) => `round ${round}`));
    });

    it('was there all the time, for others', () => {
      const types = bobs
        .listen()
        .stanzas.flatMap(({ name, attrs }) => (name === 'presence' ? [attrs['type']] : []));
      expect(types).toEqual([undefined]);
    });

    it('is spared what can wait while it is inactive', async () => {
      stream.send(el('inactive', ns.clientState));
      await ask(stream, inbox, 'get', el('ping', ns.ping), domain);
      const from = inbox.stanzas.length;
      for (const state of ['composing', 'paused', 'composing', 'active']) {
        bob.send(message({ to: bareOf(user), type: 'chat' }, el(state, ns.chatStates)));
      }
      bob.send(chat(bareOf(user), 'important'));
      await inbox.hasText('important');
      const names = inbox.stanzas
        .slice(from)
        .flatMap((stanza) => stanza.elements().map((child) => child.name));
      expect(names.filter((child) => child !== 'delay' && child !== 'stanza-id')).toEqual(['active', 'body']);
      stream.send(el('active', ns.clientState));
    });

    it('hears what other devices of its account say and are told', async () => {
      await ask(stream, inbox, 'set', el('enable', ns.carbons));
      const second = await connectOwn(user, 'second');
      second.send(chat(bob.jid.toString(), 'said elsewhere'));
      bob.send(chat(second.jid.toString(), 'told elsewhere'));
      const isCopy = (direction: string, text: string) => (stanza: Element) => {
        const copied = stanza
          .child(direction, ns.carbons)
          ?.child('forwarded', ns.forward)
          ?.child('message', ns.client);
        return copied !== undefined && textOf(copied) === text;
      };
      await inbox.has('a copy of what was said', isCopy('sent', 'said elsewhere'));
      await inbox.has('a copy of what was told', isCopy('received', 'told elsewhere'));
      await second.close();
    });

    it('says when it goes', async () => {
      await stream.close();
      await bobs.has('that it has gone', (stanza) => stanza.attr('type') === 'unavailable');
      expect(count('session hibernates', user)).toBe(3);
    });
  });
});

describe.each(libraries)('$name in a network that is lost', (library) => {
  const { name, user, isInstalled, sendsAgain, connect } = library;
  describeWithPeers(name, { [name]: isInstalled, ...namespacePeers }, () => {
    const inbox = new Inbox();
    let bobs: BobsInbox;
    let network: NetworkNamespace;
    let stream: ClientStream;

    beforeAll(async () => {
      network = createNetworkNamespace();
      const { hostAddress: host, launcher } = network;
      const place = { host, tcp: server.c2sPort, http: httpPort(), launcher };
      bobs = new BobsInbox(user);
      stream = await connect(accountOf(user, place), place, inbox.take);
      stream.send(available());
      await inbox.has('its own presence', (stanza) => stanza.name === 'presence');
    });
    afterAll(async () => {
      await stream?.close();
      network?.remove();
    });

    it('takes up the session that the server takes for alive, and gets what was sent meanwhile', async () => {
      const resumed = count('session resumed', user);
      bob.send(chat(bareOf(user), 'before'));
      await inbox.hasText('before');
      network.unplug();
      for (const n of [1, 2, 3]) bob.send(chat(bareOf(user), `tunnel ${n}`));
      stream.send(chat(bob.jid.toString(), 'from the tunnel'));
      await waitFor('the client to give up', () => !network.hasConnections(), patience);
      bob.send(chat(bareOf(user), 'tunnel 4'));
      await bob.settle();
      network.plugIn();
      await told('session resumed', user, resumed + 1);
      await inbox.hasText('tunnel 4');
      if (sendsAgain) await bobs.hasText('from the tunnel');
      bob.send(chat(bareOf(user), 'after'));
      stream.send(chat(bob.jid.toString(), 'out of it'));
      await inbox.hasText('after');
      await bobs.hasText('out of it');
      expect(inbox.texts).toEqual(['before', 'tunnel 1', 'tunnel 2', 'tunnel 3', 'tunnel 4', 'after']);
      const kept = bobs.texts.filter((text) => sendsAgain || text !== 'from the tunnel');
      expect(kept).toEqual(sendsAgain ? ['from the tunnel', 'out of it'] : ['out of it']);
    });
  });
});

describeWithPeers('profanity on a line that is cut', profanityPeers, () => {
  const user = 'profanity';
  let bobs: BobsInbox;
  let profanity: Profanity;

  beforeAll(async () => {
    const place = { host: '127.0.0.1', tcp: lines.tcp.port, http: lines.http.port };
    bobs = new BobsInbox(user);
    profanity = await startProfanity(accountOf(user, place));
    await profanity.shows('logged in successfully');
    await profanity.type(`/msg ${bareOf('bob')} hello`);
    await bobs.hasText('hello');
  });
  afterAll(() => profanity?.stop());

  it('resumes again and again, and shows what came meanwhile once and in order', async () => {
    const texts: string[] = [];
    for (const round of [1, 2, 3]) {
      lines.tcp.cut();
      await told('session hibernates', user, round);
      for (const n of ['a', 'b', 'c']) {
        texts.push(`line ${round}${n}`);
        bob.send(chat(bareOf(user), `line ${round}${n}`));
      }
      await bob.settle();
      lines.tcp.mend();
      await told('session resumed', user, round);
      await profanity.shows(`line ${round}c`);
      await profanity.type(`round ${round}`);
      await bobs.hasText(`round ${round}`);
    }
    const shown = [...(await profanity.screen()).matchAll(/line \d[abc]/g)].map(([text]) => text);
    expect(shown).toEqual(texts);
    expect(bobs.texts).toEqual(['hello', 'round 1', 'round 2', 'round 3']);
  });

  it('shows what another device of its account says', async () => {
    await profanity.type('/carbons on');
    // By the same stream: the server has switched them on when it passes this on.
    await profanity.type('copies, please');
    await bobs.hasText('copies, please');
    const second = await connectOwn(user, 'second');
    second.send(chat(bob.jid.bare().toString(), 'said elsewhere'));
    await profanity.shows('said elsewhere');
    await second.close();
  });
});

describe.each(profanities)('$name', ({ name, user, pingTimeout, retransmissions, resumes }) => {
  describeWithPeers(`${name}, in a network that is lost`, { ...profanityPeers, ...namespacePeers }, () => {
    let bobs: BobsInbox;
    let network: NetworkNamespace;
    let profanity: Profanity;

    beforeAll(async () => {
      network = createNetworkNamespace({ retransmissions });
      const { hostAddress: host, launcher } = network;
      const place = { host, tcp: server.c2sPort, http: httpPort(), launcher };
      bobs = new BobsInbox(user);
      profanity = await startProfanity(accountOf(user, place));
      await profanity.shows('logged in successfully');
      await profanity.type(`/msg ${bareOf('bob')} hello`);
      await bobs.hasText('hello');
      // Only now: it pings no more if it does not know yet that the server answers pings.
      await profanity.type(`/autoping timeout ${pingTimeout}`);
      await profanity.type('/autoping set 1');
    });
    afterAll(async () => {
      await profanity?.stop();
      network?.remove();
    });

    // Nothing is said from the tunnel: libstrophe 0.12 does not number what it sends before it knows that the session can
    // be resumed, and then takes what comes last for acknowledged.
    it('comes back by itself, and shows what was sent meanwhile once and in order', async () => {
      network.unplug();
      for (const n of [1, 2, 3]) bob.send(chat(bareOf(user), `tunnel ${n}`));
      await waitFor('profanity to give up', () => !network.hasConnections(), patience);
      bob.send(chat(bareOf(user), 'tunnel 4'));
      await bob.settle();
      network.plugIn();
      await profanity.shows('tunnel 4');
      bob.send(chat(bareOf(user), 'tunnel left'));
      await profanity.shows('tunnel left');
      await profanity.type('out of it');
      await bobs.hasText('out of it');
      const shown = [...(await profanity.screen()).matchAll(/tunnel \w+/g)].map(([text]) => text);
      expect(shown).toEqual(['tunnel 1', 'tunnel 2', 'tunnel 3', 'tunnel 4', 'tunnel left']);
      expect(bobs.texts).toEqual(['hello', 'out of it']);
      expect(count('session resumed', user)).toBe(resumes ? 1 : 0);
    });
  });
});
