import { beforeEach, describe, expect, it } from 'vitest';
import { type CoreClient, conditionOf, EmbeddedCore } from '../../../tests/harness/embedded-core.js';
import { RecordingLink } from '../../../tests/harness/fake-server.js';
import { type Element, el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { AccountIdentity } from './account.js';
import type { Session } from './session.js';
import { accountLimits } from './settings.js';

const ana = Jid.parse('ana@example.org');
const message = (attrs: Record<string, string>) =>
  el('message', ns.client, { type: 'chat', id: 'm', ...attrs }, el('body', ns.client, {}, 'hi'));

describe('the entrance', () => {
  let server: EmbeddedCore;
  let account: AccountIdentity;

  const bind = (resource?: string, link = new RecordingLink()) =>
    server.core.entrance.bind(account, resource, link);
  const names = (name: string) => server.recorded.filter((event) => event.name === name);

  beforeEach(async () => {
    server = new EmbeddedCore({ maxSessionsPerAccount: 2 });
    await server.addAccount('ana@example.org');
    account = await server.account('ana@example.org');
  });

  describe('binds', () => {
    it('the resource that was asked for, prepared', async () => {
      const link = new RecordingLink();
      const session = await bind('Ana’s\u00a0phone', link);
      expect(session.jid.toString()).toBe('ana@example.org/Ana’s phone');
      expect(session.link).toBe(link);
      expect(session.account.sessions.get('Ana’s phone')).toBe(session);
      expect(names('sessionStarted')).toEqual([
        { name: 'sessionStarted', jid: 'ana@example.org', transport: 'starttls' },
      ]);
    });

    it('a resource of its own making that nobody guesses', async () => {
      const [first, second] = [await bind(), await bind()];
      expect(first.jid.resource).toMatch(/^[\w-]{16}$/);
      expect(second.jid.resource).not.toBe(first.jid.resource);
    });

    it.each(['', '\u0000', 'x'.repeat(1024)])('no invalid resource: %j', async (resource) => {
      await expect(bind(resource)).rejects.toMatchObject({ condition: 'bad-request' });
    });

    it('nothing for an account that has gone', async () => {
      await server.core.removeAccount(ana, 'operator');
      await expect(bind()).rejects.toMatchObject({ condition: 'item-not-found' });
    });

    it('nothing for an account that has gone and whose name another one has', async () => {
      await server.core.removeAccount(ana, 'operator');
      await server.addAccount('ana@example.org');
      await expect(bind()).rejects.toMatchObject({ condition: 'item-not-found' });
    });

    it('as many sessions as an account may have; one that replaces another always', async () => {
      await bind('a');
      await bind('b');
      await expect(bind('c')).rejects.toMatchObject({ condition: 'resource-constraint' });
      await bind('b');
    });

    it('and tells the modules before anything else happens', async () => {
      const heard: Session[] = [];
      server.core.server.hooks.sessionBound.on(async (session) => void heard.push(session));
      const session = await bind('a');
      expect(heard).toEqual([session]);
    });

    it('although a module fails', async () => {
      server.core.server.hooks.sessionBound.on(() => Promise.reject(new Error('flaw')));
      await bind('a');
      expect(server.failures).toEqual(['sessionBound']);
    });
  });

  describe('replaces an older session of the same resource', () => {
    let gone: string[];

    beforeEach(() => {
      gone = [];
      server.core.setPresenceRules({
        broadcast: () => undefined,
        outbound: () => undefined,
        inbound: () => undefined,
        gone: (session) => void gone.push(session.jid.toString()),
      });
      server.core.server.hooks.sessionEnded.on(() => void gone.push('ended'));
    });

    it('whose stream ends with conflict, and whose presence goes before the new one comes', async () => {
      const link = new RecordingLink();
      const old = await bind('a', link);
      const session = await bind('a');
      expect(link.ended?.error?.condition).toBe('conflict');
      expect(gone).toEqual(['ana@example.org/a']);
      expect(session.account.sessions.get('a')).toBe(session);
      await server.core.entrance.unbind(old, old.link, [], false);
      expect(gone).toEqual(['ana@example.org/a', 'ended']);
      expect(session.account.sessions.get('a')).toBe(session);
    });

    it('and hears no more of what that says', async () => {
      const old = await bind('a');
      const ben = await server.connect('ben@example.org/pc');
      await bind('a');
      await server.core.entrance.receive(old, message({ to: 'ben@example.org/pc' }));
      expect(ben.got()).toEqual([]);
    });

    it('and gives the new one what the old one did not get', async () => {
      const old = await bind('a');
      const link = new RecordingLink();
      await bind('a', link);
      const stanza = message({ from: 'ben@example.org/pc', to: 'ana@example.org/a' });
      await server.core.entrance.unbind(old, old.link, [stanza], false);
      expect(link.take()).toEqual([stanza]);
    });
  });

  describe('receives from clients', () => {
    let client: CoreClient;
    let peer: CoreClient;

    beforeEach(async () => {
      client = await server.connect('ana@example.org/phone');
      peer = await server.connect('ben@example.org/pc');
    });

    it('stanzas that it says who sent', async () => {
      const stanza = message({ to: 'ben@example.org/pc', 'xml:lang': 'de' });
      await client.say(stanza);
      expect(peer.only()).toEqual(stanza.withAttrs({ from: 'ana@example.org/phone' }));
      await client.say(stanza.withAttrs({ from: 'ana@example.org' }));
      expect(peer.only().attr('from')).toBe('ana@example.org/phone');
      const complete = stanza.withAttrs({ from: 'ana@example.org/phone' });
      await client.say(complete);
      expect(peer.only()).toBe(complete);
    });

    it('stanzas in the language of their stream', async () => {
      const link = Object.assign(new RecordingLink(), { lang: 'fr' });
      const session = await bind('tablet', link);
      await server.core.entrance.receive(session, message({ to: 'ben@example.org/pc' }));
      expect(peer.only().attr('xml:lang')).toBe('fr');
      await server.core.entrance.receive(session, message({ to: 'ben@example.org/pc', 'xml:lang': 'de' }));
      expect(peer.only().attr('xml:lang')).toBe('de');
    });

    it('addresses that are to be prepared', async () => {
      await client.say(message({ to: 'BEN@Example.ORG/pc', from: 'ANA@example.org/phone' }));
      const stanza = peer.only();
      expect(stanza.attrs).toMatchObject({ to: 'ben@example.org/pc', from: 'ana@example.org/phone' });
    });

    it.each(['eve@example.org', 'ana@example.org/tablet', 'example.org', 'ana@example.com', 'a@b@c', ''])(
      'nothing in the name of %j',
      async (from) => {
        const stanza = message({ from, to: 'ben@example.org/pc' });
        await expect(client.say(stanza)).rejects.toMatchObject({ condition: 'invalid-from' });
        expect(peer.got()).toEqual([]);
      },
    );

    it.each([
      ['of another name', el('whisper', ns.client)],
      ['of another namespace', el('message', 'urn:example:x', { to: 'ben@example.org' })],
      ['of the server namespace', el('message', ns.server, { to: 'ben@example.org' })],
    ])('no elements %s', async (_, element: Element) => {
      await expect(client.say(element)).rejects.toMatchObject({ condition: 'unsupported-stanza-type' });
    });

    it.each(['', 'a@b@c', '@', 'x@example.org/', 'ben@-/'])(
      'nothing to %j, which is no address',
      async (to) => {
        await client.say(message({ to }));
        const reply = client.only();
        expect(conditionOf(reply)).toBe('jid-malformed');
        expect(reply.attrs).toMatchObject({ from: 'example.org', to: 'ana@example.org/phone', id: 'm' });
        await client.say(message({ to, type: 'error' }));
        expect(client.got()).toEqual([]);
      },
    );

    it('messages to nobody as to itself', async () => {
      client.available();
      const tablet = (await server.connect('ana@example.org/tablet')).available();
      await client.say(message({}));
      expect(tablet.only().attrs).toMatchObject({ from: 'ana@example.org/phone', to: 'ana@example.org' });
      expect(client.got()).toEqual(['message:chat:m']);
    });

    it('presence, for the rules', async () => {
      const calls: unknown[] = [];
      server.core.setPresenceRules({
        broadcast: (session, stanza) => void calls.push(['broadcast', session, stanza.attrs]),
        outbound: (session, stanza, to) =>
          void calls.push(['outbound', session, stanza.attrs, to.toString()]),
        inbound: () => undefined,
        gone: () => undefined,
      });
      const from = 'ana@example.org/phone';
      const to = 'ben@example.org';
      await client.say(el('presence', ns.client));
      await client.say(el('presence', ns.client, { type: 'unavailable' }));
      await client.say(el('presence', ns.client, { to, type: 'subscribe' }));
      expect(calls).toEqual([
        ['broadcast', client.session, { from }],
        ['broadcast', client.session, { from, type: 'unavailable' }],
        ['outbound', client.session, { from, to, type: 'subscribe' }, to],
      ]);
      await client.say(el('presence', ns.client, { type: 'subscribe', id: 'p' }));
      expect(conditionOf(client.only())).toBe('bad-request');
      await client.say(el('presence', ns.client, { type: 'error' }));
      expect([client.got(), calls.length]).toEqual([[], 3]);
    });

    it('no presence that is very large, wherever it is for', async () => {
      const broadcast: unknown[] = [];
      server.core.setPresenceRules({
        broadcast: (_session, stanza) => void broadcast.push(stanza),
        outbound: (_session, stanza) => void broadcast.push(stanza),
        inbound: () => undefined,
        gone: () => undefined,
      });
      const large = el('status', ns.client, {}, 'x'.repeat(accountLimits.presenceBytes));
      for (const to of [undefined, 'ben@example.org']) {
        await client.say(el('presence', ns.client, { to, id: 'p' }, large));
        expect(conditionOf(client.only())).toBe('policy-violation');
      }
      expect(broadcast).toEqual([]);
    });

    it('and survives rules of presence that fail', async () => {
      server.core.setPresenceRules({
        broadcast: () => Promise.reject(new StanzaError('bad-request')),
        outbound: () => {
          throw new Error('flaw');
        },
        inbound: () => undefined,
        gone: () => Promise.reject(new Error('flaw')),
      });
      await client.say(el('presence', ns.client, { id: 'p' }));
      expect(conditionOf(client.only())).toBe('bad-request');
      await client.say(el('presence', ns.client, { to: 'ben@example.org' }));
      expect(conditionOf(client.only())).toBe('internal-server-error');
      await client.lose();
      expect(server.failures).toEqual(['routing presence', 'presence of a session that has gone']);
    });

    it('nothing that a module has something against, unless it is the account’s own business', async () => {
      server.core.server.hooks.outgoing.on((session, _, to) =>
        session === client.session && to.local !== 'carl' ? new StanzaError('not-acceptable') : undefined,
      );
      await client.say(message({ to: 'ben@example.org/pc' }));
      expect(conditionOf(client.only())).toBe('not-acceptable');
      expect(peer.got()).toEqual([]);
      const tablet = await server.connect('ana@example.org/tablet');
      await client.say(message({ to: 'ana@example.org/tablet' }));
      expect(tablet.got()).toEqual(['message:chat:m']);
    });

    it('synchronously, what is for a session', () => {
      const done = server.core.entrance.receive(client.session, message({ to: 'ben@example.org/pc' }));
      expect(done).toBeUndefined();
      peer.available();
      expect(
        server.core.entrance.receive(client.session, message({ to: 'ben@example.org' })),
      ).toBeUndefined();
      expect(peer.got().length).toBe(2);
    });
  });

  describe('loses sessions', () => {
    it('once each, and tells modules and operator', async () => {
      const heard: [Session, number][] = [];
      server.core.server.hooks.sessionEnded.on((session) => {
        heard.push([session, session.account.sessions.size]);
      });
      const client = await server.connect('ana@example.org/phone');
      await client.lose(message({ to: 'ana@example.org/phone', from: 'ben@example.org' }));
      await client.lose(message({ to: 'ana@example.org/phone', from: 'ben@example.org' }));
      expect(heard).toEqual([[client.session, 0]]);
      expect(names('sessionEnded')).toEqual([
        { name: 'sessionEnded', jid: 'ana@example.org', transport: 'starttls', lost: 1 },
      ]);
    });
  });

  describe('when it is closed', () => {
    it('ends all sessions, and is done when the last one has gone', async () => {
      const clients = [
        await server.connect('ana@example.org/phone'),
        await server.connect('ben@example.org/pc'),
      ];
      let isStopped = false;
      const stopped = server.core.stop().then(() => {
        isStopped = true;
      });
      expect(clients.map(({ link }) => link.ended?.error?.condition)).toEqual([
        'system-shutdown',
        'system-shutdown',
      ]);
      await clients[0]?.lose();
      await Promise.resolve();
      expect(isStopped).toBe(false);
      await clients[1]?.lose();
      await stopped;
      expect(server.clock.pending).toEqual([]);
    });

    it('does not wait for ever', async () => {
      await server.connect('ana@example.org/phone');
      const stopped = server.core.stop();
      server.clock.advance(5_000);
      await stopped;
    });

    it('keeps what had not arrived', async () => {
      const kept: Element[] = [];
      server.core.server.hooks.offlineMessage.on(async (_, stanza) => {
        await Promise.resolve();
        kept.push(stanza);
        return 'stored' as const;
      });
      const client = (await server.connect('ana@example.org/phone')).available();
      const stanza = message({ from: 'ben@example.org/pc', to: 'ana@example.org' });
      const stopped = server.core.stop();
      const lost = client.lose(stanza);
      await stopped;
      expect(kept).toEqual([stanza]);
      await lost;
    });

    it('lets nobody in', async () => {
      await server.core.stop();
      await expect(bind('a')).rejects.toMatchObject({ condition: 'service-unavailable' });
    });
  });
});
