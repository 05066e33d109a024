import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { type CoreClient, conditionOf, EmbeddedCore } from '../../../../tests/harness/embedded-core.js';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { createAccountAdmin } from '../account-admin.js';
import { registerQuery } from './register-form.js';
import { createRegistration } from './registration.js';

describe('registration of an account of one’s own', () => {
  let stage: EmbeddedCore;
  let ana: CoreClient;

  beforeEach(async () => {
    stage = new EmbeddedCore({}, { routeRemote: (stanza) => void stage.remote.push(stanza) });
    const { server } = stage.core;
    const admin = createAccountAdmin({
      domain: server.domain,
      accounts: stage.stores.accounts,
      randomBytes: (size) => randomBytes(size),
      events: server.events,
      remove: (jid, by) => stage.core.removeAccount(jid, by),
    });
    createRegistration(admin).setup(server);
    ana = await stage.connect('ana@example.org/phone');
  });

  /** The one answer to a request, when it has come. */
  async function ask(client: CoreClient, type: 'get' | 'set', query: Element, to?: string): Promise<Element> {
    await client.say(el('iq', ns.client, { type, id: 'r1', to }, query));
    await expect.poll(() => client.link.sent.length).toBeGreaterThan(0);
    return client.only();
  }

  const credentials = async () => (await stage.stores.accounts.find('ana@example.org'))?.credentials;
  const password = (text: string, username = 'ana') => registerQuery({ username, password: text });
  const remove = registerQuery({ remove: '' });

  describe.each([
    ['of nobody in particular', undefined],
    ['of the account', 'ana@example.org'],
    ['of the domain', 'example.org'],
  ])('asked %s', (_, to) => {
    it('shows that there is one', async () => {
      const answer = await ask(ana, 'get', registerQuery({}), to);
      expect(answer.attrs).toMatchObject({ type: 'result', id: 'r1' });
      const fields = answer.child('query', ns.register)?.elements();
      expect(fields?.map((field) => field.name)).toEqual([
        'registered',
        'instructions',
        'username',
        'password',
      ]);
      expect(fields?.[2]?.text()).toBe('ana');
      expect(fields?.[3]?.text()).toBe('');
    });

    it('changes the password', async () => {
      const before = await credentials();
      const answer = await ask(ana, 'set', password('another one'), to);
      expect(answer.attrs).toMatchObject({ type: 'result', id: 'r1' });
      expect(answer.children).toEqual([]);
      expect(await credentials()).not.toEqual(before);
      expect(stage.recorded).toContainEqual({ name: 'passwordChanged', jid: 'ana@example.org', by: 'user' });
    });

    it('removes the account, says so, and then ends its sessions', async () => {
      const tablet = await stage.connect('ana@example.org/tablet');
      stage.core.server.hooks.accountRemoved.on(() => new Promise(() => {}));
      const answer = await ask(ana, 'set', remove, to);
      expect(answer.attrs).toMatchObject({ type: 'result', id: 'r1', to: 'ana@example.org/phone' });
      expect(await stage.stores.accounts.find('ana@example.org')).toBeUndefined();
      expect(ana.link.ended).toBeUndefined();
      stage.clock.advance(0);
      for (const actor of [ana, tablet]) expect(actor.link.ended?.error?.condition).toBe('not-authorized');
      expect(ana.link.take()).toEqual([]);
    });

    it.each([
      ['an empty password', password(''), 'not-acceptable'],
      ['a password that cannot be one', password('\u0007'), 'not-acceptable'],
      ['no password', registerQuery({ username: 'ana' }), 'bad-request'],
      ['nothing', registerQuery({}), 'bad-request'],
      ['the name of another', password('x', 'ben'), 'not-acceptable'],
      ['a name that is none', password('x', '@'), 'not-acceptable'],
      ['a removal with more beside it', registerQuery({ remove: '', username: 'ana' }), 'bad-request'],
    ])('refuses %s', async (_name, query, condition) => {
      const before = await credentials();
      const answer = await ask(ana, 'set', query, to);
      expect(conditionOf(answer)).toBe(condition);
      expect(answer.elements()).toHaveLength(1);
      expect(await credentials()).toEqual(before);
      expect(await stage.stores.accounts.find('ana@example.org')).toBeDefined();
    });

    it('answers that the account stays if it could not be removed', async () => {
      stage.stores.tables.failure = new Error('disk full');
      expect(conditionOf(await ask(ana, 'set', remove, to))).toBe('internal-server-error');
      stage.stores.tables.failure = undefined;
      expect(await stage.stores.accounts.find('ana@example.org')).toBeDefined();
      expect((await ask(ana, 'get', registerQuery({}), to)).attr('type')).toBe('result');
    });
  });

  it('changes the password where no name is given, and however it is written', async () => {
    expect((await ask(ana, 'set', registerQuery({ password: 'x y' }))).attr('type')).toBe('result');
    expect((await ask(ana, 'set', password('x z', 'ANA'))).attr('type')).toBe('result');
  });

  it('changes it only so often', async () => {
    for (let at = 0; at < 10; at++) await ask(ana, 'set', password(`p${at}`));
    expect(conditionOf(await ask(ana, 'set', password('p')))).toBe('resource-constraint');
    const ben = await stage.connect('ben@example.org/pc');
    expect((await ask(ben, 'set', password('p', 'ben'))).attr('type')).toBe('result');
  });

  it('is no business of others', async () => {
    const ben = await stage.connect('ben@example.org/pc');
    expect(conditionOf(await ask(ben, 'set', remove, 'ana@example.org'))).toBe('service-unavailable');
    await stage.core.server.route(
      el('iq', ns.client, { type: 'set', id: 'x', from: 'eve@example.com/x', to: 'example.org' }, remove),
    );
    expect(stage.remote.map(conditionOf)).toEqual(['service-unavailable']);
  });

  it('is advertised', async () => {
    await ana.say(
      el('iq', ns.client, { type: 'get', id: 'd', to: 'example.org' }, el('query', ns.discoInfo)),
    );
    const features = ana.link.take()[0]?.child('query', ns.discoInfo)?.elements() ?? [];
    expect(features.map((feature) => feature.attr('var'))).toContain(ns.register);
  });
});
