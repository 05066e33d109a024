import { beforeEach, describe, expect, it } from 'vitest';
import { type FakeClient, FakeServer } from '../../../../tests/harness/fake-server.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { presence } from '../../../xmpp/stanza.js';
import type { Account } from '../account.js';
import { accountLimits } from '../settings.js';
import type { Subscription } from '../store.js';
import { blocking } from './blocking.js';

const item = (jid: string) => el('item', ns.blocking, { jid });
const command = (name: string, ...jids: string[]) => el(name, ns.blocking, {}, ...jids.map(item));

describe('blocking', () => {
  let server: FakeServer;
  let account: Account;
  let phone: FakeClient;

  const list = (client = phone) => server.askAccount(client, 'get', el('blocklist', ns.blocking));
  const block = (...jids: string[]) => server.askAccount(phone, 'set', command('block', ...jids));
  const unblock = (...jids: string[]) => server.askAccount(phone, 'set', command('unblock', ...jids));
  const listed = async () => (await list())?.elements().map((child) => child.attr('jid'));
  const stored = () => server.stores.blocks.load(account.id);
  const routed = () =>
    server.routed.splice(0).map(({ attrs }) => [attrs['type'], attrs['from'], attrs['to']]);

  function befriend(jid: string, subscription: Subscription): void {
    const contact = {
      jid,
      name: '',
      groups: [],
      subscription,
      ask: false,
      approved: false,
      isListed: true,
      pendingIn: undefined,
    };
    account.contacts.set(jid, contact);
  }

  function appear({ session }: FakeClient): Element {
    session.presence = presence({ from: session.jid.toString() }, el('show', ns.client, {}, 'away'));
    return session.presence;
  }

  beforeEach(async () => {
    server = new FakeServer();
    blocking.setup(server);
    account = await server.addAccount('ana@example.org');
    phone = await server.connect('ana@example.org/phone');
  });

  it('is the affair of the owner, and advertised', () => {
    for (const [type, name] of [
      ['get', 'blocklist'],
      ['set', 'block'],
      ['set', 'unblock'],
    ] as const) {
      expect(server.audienceOf({ type, ns: ns.blocking, name })).toBe('owner');
    }
    expect(server.advertised).toEqual([{ features: [ns.blocking] }]);
  });

  it('begins with an empty list', async () => {
    expect(await list()).toEqual(el('blocklist', ns.blocking));
  });

  it('keeps what is blocked, prepared and each once', async () => {
    expect(await block('Eve@Example.com', 'eve@example.com', 'example.net', 'room@muc/Nick')).toBeUndefined();
    expect(await block('eve@example.com')).toBeUndefined();
    const expected = ['eve@example.com', 'example.net', 'room@muc/Nick'];
    expect(await listed()).toEqual(expected);
    expect(await stored()).toEqual(expected);
  });

  it('forgets what is unblocked, one by one or all', async () => {
    await block('a@example.com', 'b@example.com', 'c@example.com');
    expect(await unblock('B@example.com', 'unknown@example.com')).toBeUndefined();
    expect(await listed()).toEqual(['a@example.com', 'c@example.com']);
    expect(await unblock()).toBeUndefined();
    expect(await listed()).toEqual([]);
    expect(await stored()).toEqual([]);
  });

  it('judges stanzas from then on', async () => {
    await block('eve@example.com');
    const stanza = el('message', ns.client, { from: 'eve@example.com/x', to: 'ana@example.org' });
    const eve = Jid.parse('eve@example.com/x');
    expect(server.hooks.incoming.ask(account, stanza, eve)).toMatchObject({
      condition: 'service-unavailable',
    });
    expect(server.hooks.outgoing.ask(phone.session, stanza, eve)).toMatchObject({
      condition: 'not-acceptable',
    });
  });

  it('refuses to block nothing, and addresses that are none', async () => {
    await expect(block()).rejects.toMatchObject({ condition: 'bad-request' });
    await expect(block('eve@example.com', '@')).rejects.toMatchObject({ condition: 'jid-malformed' });
    await expect(unblock('@')).rejects.toMatchObject({ condition: 'jid-malformed' });
    const nameless = el('block', ns.blocking, {}, el('item', ns.blocking));
    await expect(server.askAccount(phone, 'set', nameless)).rejects.toMatchObject({
      condition: 'jid-malformed',
    });
    expect(await listed()).toEqual([]);
  });

  it('has a bound', async () => {
    for (let at = 0; at < accountLimits.blocked; at++) account.blocked.add(`${at}@example.com`);
    await expect(block('one@more.example')).rejects.toMatchObject({ condition: 'resource-constraint' });
    await block('0@example.com');
    expect(account.blocked.size).toBe(accountLimits.blocked);
  });

  it('changes nothing that could not be stored', async () => {
    await block('a@example.com');
    server.stores.tables.failure = new Error('disk full');
    await expect(block('b@example.com')).rejects.toThrow('disk full');
    await expect(unblock()).rejects.toThrow('disk full');
    expect([...account.blocked]).toEqual(['a@example.com']);
  });

  it('makes changes one after another', async () => {
    await Promise.all([block('a@example.com'), unblock(), block('b@example.com')]);
    expect(await listed()).toEqual(['b@example.com']);
    expect(await stored()).toEqual(['b@example.com']);
  });

  it('tells the sessions that have asked for the list', async () => {
    const laptop = await server.connect('ana@example.org/laptop');
    await list(laptop);
    await block('Eve@example.com');
    await unblock('eve@example.com');
    await unblock();
    expect(phone.link.sent).toEqual([]);
    const pushes = laptop.link.take();
    expect(pushes.map((push) => push.elements())).toEqual([
      [command('block', 'eve@example.com')],
      [command('unblock', 'eve@example.com')],
      [command('unblock')],
    ]);
    for (const push of pushes) {
      expect(push.attrs).toMatchObject({
        type: 'set',
        from: 'ana@example.org',
        to: 'ana@example.org/laptop',
      });
    }
    expect(new Set(pushes.map((push) => push.attr('id'))).size).toBe(3);
  });

  describe('with presence', () => {
    beforeEach(async () => {
      befriend('both@example.com', 'both');
      befriend('from@example.com', 'from');
      befriend('to@example.com', 'to');
      befriend('none@example.com', 'none');
      befriend('far@example.net', 'both');
      appear(phone);
      await server.connect('ana@example.org/silent');
    });

    it('goes for those who may see it, once', async () => {
      await block('both@example.com', 'to@example.com', 'none@example.com', 'stranger@example.com');
      expect(routed()).toEqual([['unavailable', 'ana@example.org/phone', 'both@example.com']]);
      await block('both@example.com');
      expect(routed()).toEqual([]);
      await block('example.com');
      expect(routed()).toEqual([['unavailable', 'ana@example.org/phone', 'from@example.com']]);
    });

    it('goes for single resources, and for whom it was directed at', async () => {
      phone.session.directed.add('room@example.com/ana');
      phone.session.directed.add('other@example.net/x');
      await block('both@example.com/pc', 'to@example.com/pc', 'room@example.com');
      expect(routed()).toEqual([
        ['unavailable', 'ana@example.org/phone', 'both@example.com/pc'],
        ['unavailable', 'ana@example.org/phone', 'room@example.com/ana'],
      ]);
      expect([...phone.session.directed]).toEqual(['other@example.net/x']);
    });

    it('never goes between own sessions', async () => {
      phone.session.directed.add('ana@example.org/silent');
      await block('example.org', 'ana@example.org');
      expect(routed()).toEqual([]);
    });

    it('comes back, in both directions', async () => {
      const last = appear(phone);
      await block('example.com');
      server.routed.length = 0;
      await unblock('example.com');
      expect(server.routed[0]).toEqual(last.withAttrs({ to: 'both@example.com' }));
      expect(routed()).toEqual([
        [undefined, 'ana@example.org/phone', 'both@example.com'],
        [undefined, 'ana@example.org/phone', 'from@example.com'],
        ['probe', 'ana@example.org', 'both@example.com'],
        ['probe', 'ana@example.org', 'to@example.com'],
      ]);
    });

    it('does not come back for those whom another entry still blocks, or who were not blocked', async () => {
      await block('example.com', 'both@example.com');
      server.routed.length = 0;
      await unblock('example.com', 'far@example.net');
      expect(routed().map(([, , to]) => to)).toEqual(['from@example.com', 'to@example.com']);
    });

    it('is not spoken of while no session is available', async () => {
      phone.session.presence = undefined;
      await block('example.com');
      await unblock();
      expect(routed()).toEqual([]);
    });
  });
});
