import { beforeEach, describe, expect, it } from 'vitest';
import { type CoreClient, EmbeddedCore } from '../../../tests/harness/embedded-core.js';
import { el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';

const jid = Jid.parse('ana@example.org');

describe('an account that is removed', () => {
  let server: EmbeddedCore;
  let phone: CoreClient;
  let steps: string[];

  beforeEach(async () => {
    server = new EmbeddedCore();
    phone = (await server.connect('ana@example.org/phone')).available();
    steps = [];
    const { hooks } = server.core.server;
    hooks.accountRemoving.on(async (account) => {
      await Promise.resolve();
      steps.push(`removing, ${account.sessions.size} sessions`);
    });
    hooks.accountRemoved.on(async (gone) => {
      const stored = await server.stores.accounts.find(gone.toString());
      steps.push(`removed, ${stored === undefined ? 'not ' : ''}stored`);
    });
    server.core.setPresenceRules({
      broadcast: () => undefined,
      outbound: () => undefined,
      inbound: () => undefined,
      gone: ({ account }) => void steps.push(`gone, ${account.sessions.size} sessions`),
    });
  });

  it('says farewell, loses its sessions and is no more', async () => {
    expect(await server.core.removeAccount(jid, 'operator')).toBe(true);
    expect(steps).toEqual(['removing, 1 sessions', 'gone, 0 sessions', 'removed, not stored']);
    expect(server.recorded).toContainEqual({
      name: 'accountRemoved',
      jid: 'ana@example.org',
      by: 'operator',
    });
    expect(server.core.server.accounts.loaded('ana@example.org')).toBeUndefined();
    expect(await server.core.removeAccount(jid, 'operator')).toBe(false);
  });

  it('is removed once', async () => {
    const twice = [server.core.removeAccount(jid, 'operator'), server.core.removeAccount(jid, 'user')];
    expect((await Promise.all(twice)).filter(Boolean).length).toBe(1);
    expect(server.recorded.filter(({ name }) => name === 'accountRemoved').length).toBe(1);
  });

  it('can still answer who asked for it, and then its streams end', async () => {
    const route = { type: 'set', ns: ns.register, name: 'query' } as const;
    server.core.server.onAccountIq(route, 'owner', async ({ account }) => {
      await server.core.removeAccount(account.jid, 'user');
      return undefined;
    });
    await phone.say(el('iq', ns.client, { type: 'set', id: 'q' }, el('query', ns.register)));
    await new Promise(setImmediate);
    expect(phone.got()).toEqual(['iq:result:q']);
    expect(phone.link.ended).toBeUndefined();
    server.clock.advance(0);
    expect(phone.link.ended?.error).toMatchObject({ condition: 'not-authorized' });
  });

  it('has no say any more and gets nothing', async () => {
    const ben = (await server.connect('ben@example.org/pc')).available();
    await server.core.removeAccount(jid, 'user');
    await phone.say(el('message', ns.client, { to: 'ben@example.org' }));
    expect(ben.got()).toEqual([]);
    await ben.say(el('message', ns.client, { to: 'ana@example.org/phone', type: 'chat' }));
    expect(phone.got()).toEqual([]);
    await phone.lose();
    expect(server.failures).toEqual([]);
  });

  it('leaves nothing to the next one of its name', async () => {
    await server.core.removeAccount(jid, 'user');
    const next = await server.connect('ana@example.org/phone');
    expect(next.session.account.id).not.toBe(phone.session.account.id);
    await phone.lose(el('message', ns.client, { from: 'ben@example.org', to: 'ana@example.org' }));
    expect(next.session.account.sessions.get('phone')).toBe(next.session);
  });

  it('is removed although a module fails afterwards', async () => {
    server.core.server.hooks.accountRemoved.on(() => Promise.reject(new Error('flaw')));
    expect(await server.core.removeAccount(jid, 'user')).toBe(true);
    expect(server.failures).toEqual(['accountRemoved']);
    expect(server.recorded.map(({ name }) => name)).toContain('accountRemoved');
  });

  it('stays if the store fails', async () => {
    server.stores.tables.failure = new Error('disk');
    await expect(server.core.removeAccount(jid, 'user')).rejects.toThrow('disk');
    server.stores.tables.failure = undefined;
    await phone.say(el('message', ns.client, { to: 'ana@example.org/phone', id: 'm' }));
    expect(phone.got()).toEqual(['message::m']);
  });
});
