import { beforeEach, describe, expect, it } from 'vitest';
import { type CoreClient, conditionOf, EmbeddedCore } from '../../../tests/harness/embedded-core.js';
import { type Element, el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { AccountIq, Audience } from './module.js';
import type { Subscription } from './store.js';

const route = { type: 'get', ns: 'urn:example:x', name: 'x' } as const;
const payload = el('x', 'urn:example:x');
const request = (to: string | undefined, attrs: Record<string, string> = {}, child = payload) =>
  el('iq', ns.client, { type: 'get', id: 'q', to, ...attrs }, child);

describe('IQs', () => {
  let server: EmbeddedCore;
  let ana: CoreClient;
  let ben: CoreClient;

  const serve = (
    audience: Audience,
    handler: (request: AccountIq) => Element | undefined = () => undefined,
  ) => server.core.server.onAccountIq(route, audience, handler);
  const answerTo = async (client: CoreClient, stanza: Element) => {
    await client.say(stanza);
    // Requests are not waited for: who reads an account from the store answers in a later turn.
    await new Promise(setImmediate);
    return client.only();
  };
  const subscribe = async (subscription: Subscription) => {
    const account = await server.core.server.accounts.with(Jid.parse('ana@example.org'), (one) => one);
    const contact = {
      name: '',
      groups: [],
      ask: false,
      approved: false,
      isListed: true,
      pendingIn: undefined,
    };
    account?.contacts.set('ben@example.org', { ...contact, jid: 'ben@example.org', subscription });
  };

  async function begin(limits = {}): Promise<void> {
    server = new EmbeddedCore({}, { limits });
    ana = await server.connect('ana@example.org/phone');
    ben = await server.connect('ben@example.org/pc');
  }

  beforeEach(() => begin());

  describe('to an account', () => {
    it('reach the handler of their route with account and session', async () => {
      const seen: AccountIq[] = [];
      serve('owner', (one) => {
        seen.push(one);
        return el('y', 'urn:example:y');
      });
      const answer = await answerTo(ana, request('ana@example.org'));
      expect(answer).toEqual(
        el(
          'iq',
          ns.client,
          { type: 'result', id: 'q', from: 'ana@example.org', to: 'ana@example.org/phone' },
          el('y', 'urn:example:y'),
        ),
      );
      expect(seen).toEqual([
        {
          type: 'get',
          id: 'q',
          from: ana.session.jid,
          to: ana.session.account.jid,
          payload,
          account: ana.session.account,
          session: ana.session,
        },
      ]);
    });

    it('are the own account’s without an address, and so are the answers', async () => {
      serve('owner');
      expect((await answerTo(ana, request(undefined))).attrs).toEqual({
        type: 'result',
        id: 'q',
        to: 'ana@example.org/phone',
      });
    });

    it('have one handler for each route', () => {
      serve('owner');
      expect(() => serve('anyone')).toThrow();
    });

    it('that are refused are answered in a later turn, as those to nobody, which no order of answers may tell', async () => {
      serve('subscribers');
      for (const to of ['ana@example.org', 'nobody@example.org']) {
        await ben.say(request(to));
        await ben.say(request(to, { type: 'result' }));
        expect(ben.got()).toEqual([]);
        await new Promise(setImmediate);
        expect(ben.got()).toEqual(['iq:error:q']);
      }
    });

    it.each<readonly [Audience, Subscription, boolean]>([
      ['owner', 'both', false],
      ['subscribers', 'none', false],
      ['subscribers', 'to', false],
      ['subscribers', 'from', true],
      ['subscribers', 'both', true],
      ['anyone', 'none', true],
    ])(
      'that are for the %s reach it from a contact of subscription %s: %s',
      async (audience, state, reaches) => {
        serve(audience);
        await subscribe(state);
        const answer = await answerTo(ben, request('ana@example.org'));
        expect(conditionOf(answer)).toBe(reaches ? 'no error' : 'service-unavailable');
        expect(answer.attr('from')).toBe('ana@example.org');
        expect((await answerTo(ana, request('ana@example.org'))).attr('type')).toBe('result');
      },
    );

    it.each<Audience>(['owner', 'subscribers', 'anyone'])(
      'of strangers do not tell whether there is one, for %s',
      async (audience) => {
        serve(audience, () => {
          throw new StanzaError('service-unavailable');
        });
        await server.addAccount('carl@example.org');
        const [somebody, nobody] = [
          await answerTo(ben, request('carl@example.org')),
          await answerTo(ben, request('nobody@example.org')),
        ];
        expect(nobody).toEqual(somebody.withAttrs({ from: 'nobody@example.org' }));
      },
    );

    it('have no service for what nobody handles, and no account is read for it', async () => {
      server.stores.tables.failure = new Error('disk');
      expect(conditionOf(await answerTo(ben, request('carl@example.org')))).toBe('service-unavailable');
    });

    it('end in an error when the account cannot be read', async () => {
      serve('anyone');
      server.stores.tables.failure = new Error('disk');
      expect(conditionOf(await answerTo(ben, request('carl@example.org')))).toBe('internal-server-error');
      expect(server.failures).toEqual([]);
    });

    it('end in an error when the handler fails', async () => {
      serve('owner', () => {
        throw new Error('flaw');
      });
      expect(conditionOf(await answerTo(ana, request(undefined)))).toBe('internal-server-error');
      expect(server.failures).toEqual(['IQ get x urn:example:x']);
    });

    it.each([
      ['no child', el('iq', ns.client, { type: 'get', id: 'q' })],
      ['two children', el('iq', ns.client, { type: 'get', id: 'q' }, payload, payload)],
      ['an unknown type', request(undefined, { type: 'put' })],
      ['no id', el('iq', ns.client, { type: 'get' }, payload)],
    ])('are refused with %s, wherever they go', async (_, stanza) => {
      serve('anyone');
      for (const to of [undefined, 'ana@example.org', 'ben@example.org/pc', 'example.org', 'example.com']) {
        const answer = await answerTo(ana, stanza.withAttrs({ to }));
        expect(conditionOf(answer)).toBe('bad-request');
      }
      expect(ben.got()).toEqual([]);
    });

    it('are not answered when they are answers', async () => {
      serve('anyone');
      for (const type of ['result', 'error']) {
        await ana.say(request('ben@example.org', { type }));
        await ana.say(request('nobody@example.org/x', { type }));
        await ana.say(request(undefined, { type }));
      }
      expect([ana.got(), ben.got()]).toEqual([[], []]);
    });

    it('that the modules drop are answered as if there were none', async () => {
      serve('anyone');
      server.core.server.hooks.incoming.on(() => 'drop');
      expect(conditionOf(await answerTo(ben, request('ana@example.org')))).toBe('service-unavailable');
    });

    it('run side by side, and each answer finds its way', async () => {
      const finish: (() => void)[] = [];
      server.core.server.onAccountIq(
        route,
        'owner',
        () => new Promise((done) => finish.push(() => done(undefined))),
      );
      await ana.say(request(undefined, { id: 'a' }));
      await ana.say(request(undefined, { id: 'b' }));
      expect(ana.got()).toEqual([]);
      for (const done of finish.reverse()) {
        done();
        await new Promise(setImmediate);
      }
      expect(ana.got()).toEqual(['iq:result:b', 'iq:result:a']);
    });

    it('have a bound for each session and for all', async () => {
      await begin({ handlersPerAsker: 2, handlersUnderWay: 3 });
      const finish: (() => void)[] = [];
      server.core.server.onAccountIq(
        route,
        'anyone',
        () => new Promise((done) => finish.push(() => done(undefined))),
      );
      for (const id of ['a', 'b']) await ana.say(request(undefined, { id }));
      let hasBegun = false;
      const third = ana.say(request(undefined, { id: 'c' })).then(() => {
        hasBegun = true;
      });
      await ben.say(request(undefined, { id: 'd' }));
      await ben.say(request(undefined, { id: 'e' }));
      expect(conditionOf(ben.only())).toBe('resource-constraint');
      await new Promise(setImmediate);
      expect([hasBegun, finish.length]).toEqual([false, 3]);
      await ana.say(request(undefined, { id: 'impatient' }));
      expect(conditionOf(ana.only())).toBe('resource-constraint');
      finish.shift()?.();
      await third;
      expect([hasBegun, finish.length]).toEqual([true, 3]);
      for (const done of finish) done();
      await new Promise(setImmediate);
      expect([ana.got(), ben.got()]).toEqual([
        ['iq:result:a', 'iq:result:b', 'iq:result:c'],
        ['iq:result:d'],
      ]);
      await ana.say(request(undefined, { id: 'f' }));
      expect(finish.length).toBe(4);
    });

    it('are answered although the session was replaced meanwhile', async () => {
      let finish = () => {};
      server.core.server.onAccountIq(
        route,
        'owner',
        () => new Promise((done) => (finish = () => done(undefined))),
      );
      await ana.say(request(undefined));
      const again = await server.connect('ana@example.org/phone');
      finish();
      await new Promise(setImmediate);
      expect(again.got()).toEqual([]);
    });
  });

  describe('to a full JID', () => {
    it.each(['get', 'set', 'result', 'error'])('reach its session with type %s', async (type) => {
      await ana.say(request('ben@example.org/pc', { type }));
      expect(ben.only().attrs).toMatchObject({ type, from: 'ana@example.org/phone' });
    });

    it.each(['ben@example.org/gone', 'nobody@example.org/x'])(
      'that is no session’s are answered: %s',
      async (to) => {
        const answer = await answerTo(ana, request(to));
        expect(conditionOf(answer)).toBe('service-unavailable');
        expect(answer.attr('from')).toBe(to);
      },
    );

    it('are answered if the session cannot take them', async () => {
      ben.link.isFull = true;
      expect(conditionOf(await answerTo(ana, request('ben@example.org/pc')))).toBe('service-unavailable');
      await ana.say(request('ben@example.org/pc', { type: 'result' }));
      expect(ana.got()).toEqual([]);
    });
  });

  describe('for the server', () => {
    it('says of accounts what was advertised for them', () => {
      const { server: port } = server.core;
      port.advertiseAccount({ features: ['urn:example:a'] });
      port.advertiseAccount({ identities: [{ category: 'account', type: 'registered' }] });
      expect(port.accountInfo()).toEqual({
        features: ['urn:example:a'],
        identities: [{ category: 'account', type: 'registered' }],
        forms: [],
      });
    });

    it('reach handlers of the domain', async () => {
      server.core.server.advertise({ features: ['urn:example:x'] });
      server.core.server.onDomainIq(route, () => el('y', 'urn:example:y'));
      const answer = await answerTo(ana, request('example.org'));
      expect(answer.firstElement()).toEqual(el('y', 'urn:example:y'));
      const info = await answerTo(ana, request('example.org', {}, el('query', ns.discoInfo)));
      const query = info.firstElement();
      expect(query?.child('identity')?.attrs).toMatchObject({
        category: 'server',
        type: 'im',
        name: 'Belfry',
      });
      expect(query?.elements().map((child) => child.attr('var'))).toContain('urn:example:x');
    });
  });
});
