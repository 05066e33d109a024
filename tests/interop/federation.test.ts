import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message, presence } from '../../src/xmpp/stanza.js';
import { hasEjabberd } from '../harness/ejabberd.js';
import { type FederatedServer, FederatedWorld, type Trust } from '../harness/federated.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody } from '../harness/prosody.js';
import { available, type Peer } from '../harness/xmpp-peer.js';

const home = 'home.example';
const away = 'away.example';
const users = ['ana', 'ben', 'cem', 'dan'];

/** What a peer has been sent, kept until a test asks for it. */
class Inbox {
  readonly #peer: Peer;
  readonly #kept: Element[] = [];

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  get all(): readonly Element[] {
    this.#kept.push(...this.#peer.take());
    return this.#kept;
  }

  /** Takes the first that fits, as soon as it is there. */
  async find(what: string, fits: (stanza: Element) => boolean): Promise<Element> {
    await waitFor(`${this.#peer.jid} to get ${what}`, () => this.all.some(fits), { timeout: 30_000 });
    const [found] = this.#kept.splice(this.#kept.findIndex(fits), 1);
    if (found === undefined) throw new Error('unreachable: waitFor rejects');
    return found;
  }
}

const chat = (to: string, text: string) =>
  message({ to, type: 'chat', id: randomBytes(4).toString('hex') }, el('body', ns.client, {}, text));
const bodyOf = (stanza: Element) => stanza.child('body')?.text();
const isChat = (from: Jid) => (stanza: Element) =>
  stanza.name === 'message' && stanza.attr('from') === from.toString() && bodyOf(stanza) !== undefined;
const isPresence = (from: string, type?: string) => (stanza: Element) =>
  stanza.name === 'presence' && stanza.attr('from') === from && stanza.attr('type') === type;

/** Who has asked for his roster hears of subscriptions (RFC 6121 §2.2). */
async function beInterested(peer: Peer): Promise<void> {
  await peer.client.request({ type: 'get', payload: el('query', ns.roster) });
  peer.send(available());
}

interface Kind {
  readonly name: string;
  readonly isInstalled: boolean;
  readonly start: (world: FederatedWorld) => Promise<FederatedServer>;
  /** Whether who unsubscribes is told that the contact is unavailable (RFC 6121 §3.3.3); Prosody leaves that out. */
  readonly endsPresence: boolean;
}

const kinds: readonly Kind[] = [
  {
    name: 'another Belfry',
    isInstalled: true,
    start: (world) => world.belfry(away, users),
    endsPresence: true,
  },
  {
    name: 'Prosody',
    isInstalled: hasProsody,
    start: (world) => world.prosody(away, users),
    endsPresence: false,
  },
  {
    name: 'ejabberd',
    isInstalled: hasEjabberd,
    start: (world) => world.ejabberd(away, users),
    endsPresence: true,
  },
];

const rows = kinds.flatMap((kind) =>
  (['dialback', 'certificate'] as const).map((trust) => ({ ...kind, trust })),
);

describe.each(rows)('$name, by $trust', ({ name, isInstalled, trust, start, endsPresence }) => {
  describeWithPeers(name, { [name]: isInstalled }, () => {
    let world: FederatedWorld;
    const servers = new Map<string, FederatedServer>();

    beforeAll(async () => {
      world = await FederatedWorld.create(trust, [home, away]);
      servers.set(home, await world.belfry(home, users));
      servers.set(away, await start(world));
    });
    afterAll(() => world?.close());

    const serverOf = (domain: string): FederatedServer => {
      const server = servers.get(domain);
      if (server === undefined) throw new Error(`${domain} does not run`);
      return server;
    };

    describe.each([
      [home, away],
      [away, home],
    ])('from %s to %s', (from, to) => {
      it('messages arrive, in order, and answers to them', async () => {
        const [ana, ben] = [await serverOf(from).login('ana'), await serverOf(to).login('ben')];
        const [anas, bens] = [new Inbox(ana), new Inbox(ben)];
        for (const peer of [ana, ben]) peer.send(available());
        const texts = Array.from({ length: 20 }, (_, index) => `${index} ☃ <&>`);
        for (const text of texts) ana.send(chat(ben.jid.toString(), text));
        const got: (string | undefined)[] = [];
        for (const _ of texts) got.push(bodyOf(await bens.find('a message', isChat(ana.jid))));
        expect(got).toEqual(texts);
        ben.send(chat(ana.jid.toString(), 'thank you'));
        expect(bodyOf(await anas.find('an answer', isChat(ben.jid)))).toBe('thank you');
        await ana.close();
        await ben.close();
      });

      it('a message for nobody comes back as an error', async () => {
        const ana = await serverOf(from).login('ana');
        const inbox = new Inbox(ana);
        ana.send(
          message(
            { to: `nobody@${to}/gone`, type: 'normal', id: 'lost' },
            el('body', ns.client, {}, 'hello'),
          ),
        );
        const error = await inbox.find('an error', (stanza) => stanza.attr('id') === 'lost');
        expect([error.attr('type'), error.attr('from')]).toEqual(['error', `nobody@${to}/gone`]);
        await ana.close();
      });

      it.each([
        ['ping', el('ping', ns.ping), undefined],
        ['disco#info', el('query', ns.discoInfo), 'query'],
        ['version', el('query', 'jabber:iq:version'), 'query'],
      ])('the server answers %s', async (_, payload, answer) => {
        const ana = await serverOf(from).login('ana');
        const result = await ana.client.request({ type: 'get', to: Jid.parse(to), payload });
        expect(result.kind).toBe('result');
        if (result.kind === 'result') expect(result.payload?.name).toBe(answer);
        await ana.close();
      });

      it('accounts show their vCards', async () => {
        const [ana, ben] = [await serverOf(from).login('ana'), await serverOf(to).login('ben')];
        const vcard = el('vCard', ns.vcardTemp, {}, el('FN', ns.vcardTemp, {}, 'Ben'));
        expect((await ben.client.request({ type: 'set', payload: vcard })).kind).toBe('result');
        const answer = await ana.client.request({
          type: 'get',
          to: ben.jid.bare(),
          payload: el('vCard', ns.vcardTemp),
        });
        expect(answer.kind === 'result' && answer.payload?.child('FN')?.text()).toBe('Ben');
        await ana.close();
        await ben.close();
      });

      it('presence is subscribed to, seen, probed for, and ends', async () => {
        const [cem, dan] = [await serverOf(from).login('cem'), await serverOf(to).login('dan')];
        const [cems, dans] = [new Inbox(cem), new Inbox(dan)];
        const [cemBare, danBare] = [cem.jid.bare().toString(), dan.jid.bare().toString()];
        for (const peer of [cem, dan]) await beInterested(peer);

        cem.send(presence({ to: danBare, type: 'subscribe' }));
        await dans.find('a request', isPresence(cemBare, 'subscribe'));
        dan.send(presence({ to: cemBare, type: 'subscribed' }));
        await cems.find('an approval', isPresence(danBare, 'subscribed'));
        await cems.find('presence', isPresence(dan.jid.toString()));

        const later = await serverOf(from).login('cem', 'later');
        later.send(available());
        await new Inbox(later).find('presence by a probe', isPresence(dan.jid.toString()));
        await later.close();

        await dan.close();
        await cems.find('the end of presence', isPresence(dan.jid.toString(), 'unavailable'));

        const again = await serverOf(to).login('dan', 'again');
        const agains = new Inbox(again);
        await beInterested(again);
        await cems.find('presence anew', isPresence(again.jid.toString()));
        cem.send(presence({ to: danBare, type: 'unsubscribe' }));
        await agains.find('the end of the subscription', isPresence(cemBare, 'unsubscribe'));
        if (to === home || endsPresence)
          await cems.find('the last of presence', isPresence(again.jid.toString(), 'unavailable'));
        await cem.close();
        await again.close();
      });
    });

    it('says in the log how they know each other', async () => {
      const log = serverOf(home).server.log();
      expect(connections(log).map(({ authentication }) => authentication)).toContain(trust);
      expect(connections(log).every(({ encrypted }) => encrypted)).toBe(true);
    });
  });
});

interface Connection {
  readonly domain: string;
  readonly direction: string;
  readonly authentication: Trust;
  readonly encrypted: boolean;
}

/** The connections that a Belfry's log tells of. */
function connections(log: string): Connection[] {
  return log
    .split('\n')
    .filter((line) => line.includes('"msg":"server connected"'))
    .map((line) => JSON.parse(line));
}
