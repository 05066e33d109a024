import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type CoreClient, conditionOf, EmbeddedCore } from '../../../tests/harness/embedded-core.js';
import { type Element, el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';

type Kept = 'stored' | 'dropped' | 'refused';

const body = el('body', ns.client, {}, 'hi');
const message = (to: string, type?: string, attrs: Record<string, string> = {}) =>
  el('message', ns.client, { to, type, id: 'm', ...attrs }, body);

describe('the router', () => {
  let server: EmbeddedCore;
  let ana: CoreClient;
  /** What was offered to offline storage: for whom, and which message. */
  let offered: [string | undefined, string | undefined][];
  /** The ids of the same. */
  let kept: (string | undefined)[];
  let offlineAnswer: Kept | Promise<Kept> | undefined;

  const route = (stanza: Element) => server.core.server.route(stanza);
  /** Messages to ana's contact ben, who has these sessions: a name and a priority, or none if it is not available. */
  const benHas = (sessions: Record<string, number | undefined>) =>
    Promise.all(
      Object.entries(sessions).map(async ([resource, priority]) => {
        const client = await server.connect(`ben@example.org/${resource}`);
        return priority === undefined ? client : client.available(priority);
      }),
    );

  beforeEach(async () => {
    server = new EmbeddedCore();
    offered = [];
    kept = [];
    offlineAnswer = 'stored';
    server.core.server.hooks.offlineMessage.on((account, stanza) => {
      offered.push([account?.jid.toString(), stanza.attr('to')]);
      kept.push(stanza.attr('id'));
      return offlineAnswer;
    });
    await server.addAccount('ben@example.org');
    ana = await server.connect('ana@example.org/phone');
  });

  describe('of messages', () => {
    const types = ['normal', 'chat', 'groupchat', 'headline', 'error', undefined];

    it.each(types)('delivers type %s to the session of a full JID, whatever its presence', async (type) => {
      const [hidden, other] = await benHas({ hidden: undefined, other: 5 });
      await ana.say(message('ben@example.org/hidden', type));
      expect(hidden?.only().attr('type')).toBe(type);
      expect([other?.got(), ana.got(), offered]).toEqual([[], [], []]);
    });

    it.each(['normal', 'chat', 'headline', undefined])(
      'delivers type %s for an account to its sessions that take messages',
      async (type) => {
        const all = await benHas({ a: 0, b: 127, c: -1, d: undefined });
        await ana.say(message('ben@example.org', type));
        expect(all.map((client) => client.got().length)).toEqual([1, 1, 0, 0]);
        expect([ana.got(), offered]).toEqual([[], []]);
      },
    );

    it.each(['chat', 'normal', undefined])('offers type %s that no session takes', async (type) => {
      const sessions = await benHas({ c: -1, d: undefined });
      await ana.say(message('ben@example.org', type));
      expect(offered).toEqual([['ben@example.org', 'ben@example.org']]);
      expect(sessions.map((client) => client.got())).toEqual([[], []]);
      expect(ana.got()).toEqual([]);
    });

    it('delivers chats for a resource that is not there as those for the account', async () => {
      await ana.say(message('ben@example.org/gone', 'chat'));
      expect(offered).toEqual([['ben@example.org', 'ben@example.org/gone']]);
      const [phone] = await benHas({ phone: 0 });
      await ana.say(message('ben@example.org/gone', 'chat'));
      expect(phone?.only().attr('to')).toBe('ben@example.org/gone');
      expect(offered.length).toBe(1);
    });

    it.each([
      ['ben@example.org', 'groupchat', 'service-unavailable'],
      ['ben@example.org', 'headline', undefined],
      ['ben@example.org', 'error', undefined],
      ['ben@example.org/gone', 'normal', 'service-unavailable'],
      ['ben@example.org/gone', 'groupchat', 'service-unavailable'],
      ['ben@example.org/gone', 'headline', undefined],
      ['ben@example.org/gone', 'error', undefined],
    ])('neither delivers nor keeps to %s type %s: %s', async (to, type, condition) => {
      await ana.say(message(to, type));
      expect(ana.link.take().map(conditionOf)).toEqual(condition === undefined ? [] : [condition]);
      expect(offered).toEqual([]);
    });

    it.each([
      ['stored', []],
      ['dropped', []],
      ['refused', ['service-unavailable']],
      [undefined, ['service-unavailable']],
    ] as const)('answers the sender of what is %s', async (answer, conditions) => {
      offlineAnswer = answer;
      await ana.say(message('ben@example.org', 'chat'));
      expect(ana.link.take().map(conditionOf)).toEqual(conditions);
    });

    it('is done when the message is kept', async () => {
      let keep = (_: Kept) => {};
      offlineAnswer = new Promise((resolve) => (keep = resolve));
      let isDone = false;
      const done = ana.say(message('ben@example.org', 'chat')).then(() => {
        isDone = true;
      });
      for (let i = 0; i < 20; i++) await Promise.resolve();
      expect([offered.length, isDone]).toEqual([1, false]);
      keep('stored');
      await done;
    });

    it('treats nobody as an account without sessions', async () => {
      for (const type of types) {
        for (const resource of ['', '/x']) {
          await ana.say(message(`ben@example.org${resource}`, type));
          const toSomebody = ana.got();
          await ana.say(message(`nobody@example.org${resource}`, type));
          expect(ana.got()).toEqual(toSomebody);
        }
      }
      expect(offered.filter(([account]) => account === undefined).length).toBe(offered.length / 2);
    });

    it('reports a module that fails, and tells the sender', async () => {
      offlineAnswer = Promise.reject(new Error('flaw'));
      await ana.say(message('ben@example.org', 'chat'));
      expect(conditionOf(ana.only())).toBe('internal-server-error');
      expect(server.failures).toEqual(['routing message']);
    });

    it('tells the sender when the account cannot be read', async () => {
      server.stores.tables.failure = new Error('disk');
      await ana.say(message('carl@example.org', 'chat'));
      expect(conditionOf(ana.only())).toBe('internal-server-error');
      expect(server.recorded.map(({ name }) => name)).toContain('storageFailed');
    });
  });

  describe('of messages that do not arrive', () => {
    it('gives what a full session does not take to the others', async () => {
      const [full, other] = await benHas({ full: 0, other: 0 });
      if (full === undefined || other === undefined) throw new Error('two sessions');
      full.link.isFull = true;
      await ana.say(message('ben@example.org/full', 'chat'));
      expect(other.got()).toEqual(['message:chat:m']);
      await ana.say(message('ben@example.org', 'chat'));
      expect(other.got()).toEqual(['message:chat:m']);
      await ana.say(message('ben@example.org/full', 'normal'));
      expect(conditionOf(ana.only())).toBe('service-unavailable');
      other.link.isFull = true;
      await ana.say(message('ben@example.org', 'chat'));
      expect([ana.got(), offered.length]).toEqual([[], 1]);
    });

    it.each([
      ['ben@example.org/lost', 'chat', 'elsewhere'],
      ['ben@example.org', 'chat', 'elsewhere'],
      ['ben@example.org', 'headline', 'elsewhere'],
      ['ben@example.org/lost', 'normal', 'returned'],
      ['ben@example.org/lost', 'headline', 'nowhere'],
    ])('brings what a lost session had not got to %s, type %s: %s', async (to, type, where) => {
      const [lost, other] = await benHas({ lost: 0, other: -1 });
      await ana.say(message(to, type));
      const undelivered = lost?.link.take() ?? [];
      expect(undelivered.length).toBe(1);
      other?.available(0);
      await lost?.lose(...undelivered);
      expect(other?.got().length).toBe(where === 'elsewhere' ? 1 : 0);
      expect(ana.link.take().map(conditionOf)).toEqual(where === 'returned' ? ['service-unavailable'] : []);
      expect(offered).toEqual([]);
    });

    it('keeps it from an account that was made later under the name', async () => {
      const [lost] = await benHas({ lost: 0 });
      await ana.say(message('ben@example.org', 'chat'));
      await ana.say(message('ben@example.org/lost', 'chat'));
      const undelivered = lost?.link.take() ?? [];
      await server.core.removeAccount(Jid.parse('ben@example.org'), 'operator');
      const [other] = await benHas({ lost: 0 });
      await lost?.lose(...undelivered);
      expect(undelivered).toHaveLength(2);
      expect(other?.got()).toEqual([]);
      expect(offered.map(([account]) => account)).toEqual([undefined, undefined]);
    });

    it('keeps it if there is no other session', async () => {
      const [lost] = await benHas({ lost: 0 });
      await ana.say(message('ben@example.org', 'chat'));
      await ana.say(message('ben@example.org/lost', 'chat'));
      await lost?.lose(...lost.link.take());
      expect(offered.map(([, to]) => to)).toEqual(['ben@example.org', 'ben@example.org/lost']);
    });

    it('keeps it before what comes later, even if that waits already', async () => {
      const [lost] = await benHas({ lost: 0 });
      const numbered = (n: number) => message('ben@example.org', 'chat').withAttrs({ id: String(n) });
      const given = [0, 1, 2].map(numbered);
      for (const stanza of given) await ana.say(stanza);
      const taken = lost?.link.take() ?? [];
      let finish = () => {};
      const busy = server.core.server.accounts.with(
        Jid.parse('ben@example.org'),
        () =>
          new Promise<void>((resolve) => {
            finish = resolve;
          }),
      );
      const later = ana.say(numbered(3));
      const gone = lost?.lose(...taken);
      const latest = ana.say(numbered(4));
      finish();
      await Promise.all([busy, later, gone, latest]);
      expect(kept).toEqual(['0', '1', '2', '3', '4']);
    });

    it('delivers nothing twice', async () => {
      const [a, b] = await benHas({ a: 0, b: 0 });
      await ana.say(message('ben@example.org', 'chat'));
      await a?.lose(...a.link.take());
      expect([b?.got(), offered]).toEqual([['message:chat:m'], []]);
    });

    it('keeps it once if all sessions that had it are lost', async () => {
      const [a, b] = await benHas({ a: 0, b: 0 });
      await ana.say(message('ben@example.org', 'chat'));
      const [ofA, ofB] = [a?.link.take() ?? [], b?.link.take() ?? []];
      await a?.lose(...ofA);
      expect(offered).toEqual([]);
      await b?.lose(...ofB);
      expect(offered.length).toBe(1);
    });

    it('answers requests and forgets presence', async () => {
      const [lost] = await benHas({ lost: 0 });
      const to = 'ben@example.org/lost';
      await ana.say(el('iq', ns.client, { type: 'get', id: 'q', to }, el('ping', ns.ping)));
      await ana.say(el('iq', ns.client, { type: 'result', id: 'r', to }));
      await route(el('presence', ns.client, { from: 'ana@example.org/phone', to }));
      await lost?.lose(...lost.link.take());
      expect(ana.got()).toEqual(['iq:error:q']);
    });

    it('tells nobody else, whatever the address says', async () => {
      const [lost] = await benHas({ lost: 0 });
      await lost?.lose(message('ana@example.org/phone', 'chat', { from: 'eve@example.com' }));
      expect(ana.got()).toEqual([]);
      expect(offered).toEqual([['ben@example.org', 'ana@example.org/phone']]);
    });
  });

  describe('that asks the modules', () => {
    const to = 'ben@example.org';
    const stanzas: readonly (readonly [string, Element])[] = [
      ['a message for a session', message(`${to}/a`, 'chat')],
      ['a message for the account', message(to, 'chat')],
      ['presence for a session', el('presence', ns.client, { id: 'm', to: `${to}/a` })],
      ['presence for the account', el('presence', ns.client, { id: 'm', to, type: 'subscribe' })],
      ['a request to a session', el('iq', ns.client, { id: 'm', to: `${to}/a`, type: 'get' }, body)],
    ];
    const fromAna = (stanza: Element) => stanza.withAttrs({ from: 'ana@example.org/phone' });

    it.each(stanzas)('returns %s that they have something against', async (_, stanza) => {
      const [ben] = await benHas({ a: 0 });
      server.core.server.hooks.incoming.on((account, __, from) =>
        account.jid.local === 'ben' && from.local === 'ana' ? new StanzaError('not-allowed') : undefined,
      );
      await route(fromAna(stanza));
      expect(conditionOf(ana.only())).toBe('not-allowed');
      expect([ben?.got(), offered]).toEqual([[], []]);
    });

    it.each(stanzas)('drops %s', async (_, stanza) => {
      const [ben] = await benHas({ a: 0 });
      server.core.server.hooks.incoming.on(() => 'drop');
      await route(fromAna(stanza));
      expect([ana.got(), ben?.got(), offered]).toEqual([[], [], []]);
    });

    it('but not about what an account says to itself', async () => {
      const [a, b] = await benHas({ a: 0, b: 0 });
      server.core.server.hooks.incoming.on(() => 'drop');
      await a?.say(message('ben@example.org/b', 'chat'));
      await a?.say(message('ben@example.org', 'chat'));
      expect(b?.got().length).toBe(2);
    });
  });

  describe('of presence', () => {
    let inbound: [string | undefined, string, string | undefined, string, string][];

    beforeEach(() => {
      inbound = [];
      server.core.setPresenceRules({
        broadcast: () => undefined,
        outbound: () => undefined,
        inbound: (account, stanza, from, to) => {
          const { type } = stanza.attrs;
          inbound.push([account?.jid.toString(), stanza.name, type, from.toString(), to.toString()]);
        },
        gone: () => undefined,
      });
    });

    const presence = (to: string, type?: string) =>
      route(el('presence', ns.client, { from: 'eve@example.com/x', to, type }));

    it.each([undefined, 'unavailable', 'error'])('hands type %s to a session', async (type) => {
      const [ben] = await benHas({ a: undefined });
      await presence('ben@example.org/a', type);
      expect(ben?.got().length).toBe(1);
      await presence('ben@example.org/gone', type);
      await presence('nobody@example.org/gone', type);
      expect([ben?.got(), inbound, ana.got()]).toEqual([[], [], []]);
    });

    it.each(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe'])(
      'hands type %s to the account, whatever resource it names',
      async (type) => {
        const [ben] = await benHas({ a: 0 });
        await presence('ben@example.org/a', type);
        expect(ben?.got()).toEqual([]);
        expect(inbound).toEqual([
          ['ben@example.org', 'presence', type, 'eve@example.com/x', 'ben@example.org'],
        ]);
      },
    );

    it('asks the rules about nobody too', async () => {
      await presence('nobody@example.org', 'probe');
      expect(inbound).toEqual([[undefined, 'presence', 'probe', 'eve@example.com/x', 'nobody@example.org']]);
    });
  });

  describe('beyond accounts', () => {
    const ping = (to: string) => el('iq', ns.client, { type: 'get', id: 'q', to }, el('ping', ns.ping));

    it('reaches the domain and further domains', async () => {
      const push = server.core.entity(Jid.parse('push.example.org'));
      expect(server.core.entity(Jid.parse('push.example.org'))).toBe(push);
      await ana.say(ping('push.example.org'));
      await ana.say(ping('example.org'));
      expect(ana.link.take().map(({ attrs }) => [attrs['type'], attrs['from']])).toEqual([
        ['result', 'push.example.org'],
        ['result', 'example.org'],
      ]);
      expect(() => server.core.entity(Jid.parse('push@example.org'))).toThrow();
    });

    it('tells of further domains', async () => {
      server.core.entity(Jid.parse('push.example.org'));
      const query = el('query', ns.discoItems);
      await ana.say(el('iq', ns.client, { type: 'get', id: 'q', to: 'example.org' }, query));
      const item = ana.only().firstElement()?.firstElement();
      expect(item?.attrs).toEqual({ jid: 'push.example.org', name: 'Belfry' });
    });

    it('lets the handlers of its domains answer before the end, within a bound', async () => {
      const finish: (() => void)[] = [];
      const push = server.core.entity(Jid.parse('push.example.org'));
      push.onIq({ type: 'get', ns: ns.roster, name: 'query' }, () => {
        return new Promise((resolve) => finish.push(() => resolve(undefined)));
      });
      const ask = (id: string) =>
        ana.say(el('iq', ns.client, { type: 'get', id, to: 'push.example.org' }, el('query', ns.roster)));
      for (const id of ['a', 'b']) await ask(id);
      let isDrained = false;
      const drained = server.core.drain().then(() => {
        isDrained = true;
      });
      await ask('late');
      expect(conditionOf(ana.only())).toBe('service-unavailable');
      finish[0]?.();
      await new Promise(setImmediate);
      expect([ana.got(), isDrained]).toEqual([['iq:result:a'], false]);
      server.clock.advance(5_000);
      await drained;
    });

    it('has requests of a domain answered at once if the session is not there', async () => {
      const answer = await server.core
        .entity(Jid.parse('example.org'))
        .sendIq(
          { type: 'get', to: Jid.parse('ben@example.org/gone'), payload: el('ping', ns.ping) },
          { timeout: 1_000 },
        );
      expect(answer).toMatchObject({ kind: 'error', error: { condition: 'service-unavailable' } });
    });

    it('knows no other servers', async () => {
      await ana.say(message('eve@example.com', 'chat'));
      expect(conditionOf(ana.only())).toBe('remote-server-not-found');
      await ana.say(message('eve@example.com', 'error'));
      expect(ana.got()).toEqual([]);
    });

    it('hands what is for other servers to whom knows them', async () => {
      const sent: Element[] = [];
      server = new EmbeddedCore({}, { routeRemote: (stanza) => void sent.push(stanza) });
      ana = await server.connect('ana@example.org/phone');
      await ana.say(message('eve@example.com', 'chat'));
      expect(sent.map(({ attrs }) => attrs['from'])).toEqual(['ana@example.org/phone']);
      expect(ana.got()).toEqual([]);
    });

    it('drops what has no addresses', async () => {
      await route(el('message', ns.client, { to: 'ana@example.org' }));
      await route(el('message', ns.client, { from: 'ana@example.org' }));
      expect(server.recorded.filter(({ name }) => name === 'stanzaDropped').length).toBe(2);
    });
  });

  it('never brings a stanza to another account’s session', async () => {
    const names = ['ana', 'ben', 'carl'];
    const resources = ['x', 'y'];
    const addresses = [
      ...names.flatMap((name) => [name, `${name}/x`, `${name}/y`, `${name}/gone`]),
      'nobody',
      'nobody/x',
    ].map((address) => address.replace(/^[a-z]+/, '$&@example.org'));
    const anyStanza = fc.record({
      name: fc.constantFrom('message', 'iq', 'presence'),
      type: fc.constantFrom(
        'chat',
        'headline',
        'groupchat',
        'error',
        'get',
        'result',
        'subscribe',
        undefined,
      ),
      to: fc.constantFrom(...addresses, 'example.org', undefined),
      from: fc.constantFrom(...addresses),
    });
    const anyStep = fc.record({
      speaker: fc.nat(5),
      stanza: anyStanza,
      action: fc.constantFrom('say', 'say', 'say', 'fill', 'lose', 'hide'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
        const fresh = new EmbeddedCore();
        const clients: CoreClient[] = [];
        const seen: [string, Element][] = [];
        for (const name of names) {
          for (const resource of resources) {
            const client = await fresh.connect(`${name}@example.org/${resource}`);
            clients.push(client.available());
            const { link } = client;
            const taken = link.send.bind(link);
            link.send = (stanza) => {
              const isTaken = taken(stanza);
              if (isTaken) seen.push([name, stanza]);
              return isTaken;
            };
          }
        }
        for (const { speaker, stanza, action } of steps) {
          const client = clients[speaker];
          if (client === undefined) continue;
          const { name, from, ...attrs } = stanza;
          const element = el(name, ns.client, { ...attrs, id: 'i' }, body);
          if (action === 'say') await client.say(element);
          else if (action === 'fill') client.link.isFull = !client.link.isFull;
          else if (action === 'hide') client.available(-1);
          else
            await client.lose(
              element.withAttrs({ from, to: `${client.session.account.jid}` }),
              ...client.link.take(),
            );
        }
        for (const [name, stanza] of seen) expect(accountOf(stanza, name)).toBe(name);
      }),
    );
  });
});

/** Whose stanza it is by its address; replies to what had no address have none from, but one to. */
function accountOf(stanza: Element, receiver: string): string | undefined {
  const to = stanza.attr('to');
  return to === undefined ? receiver : Jid.parse(to).local;
}
