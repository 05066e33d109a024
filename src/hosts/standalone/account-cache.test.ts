import { beforeEach, describe, expect, it } from 'vitest';
import { RecordingLink } from '../../../tests/harness/fake-server.js';
import { memoryServerStores } from '../../../tests/harness/memory-server-stores.js';
import { recordingEvents } from '../../../tests/harness/recording-events.js';
import { Jid } from '../../xmpp/jid.js';
import type { Account } from './account.js';
import { AccountCache } from './account-cache.js';
import { Session } from './session.js';

const keys = {
  salt: new Uint8Array(),
  iterations: 1,
  storedKey: new Uint8Array(),
  serverKey: new Uint8Array(),
};
const ana = Jid.parse('ana@example.org');
const ben = Jid.parse('ben@example.org');

describe('the accounts in memory', () => {
  let stores: ReturnType<typeof memoryServerStores>;
  let events: ReturnType<typeof recordingEvents>;
  let cache: AccountCache;
  /** Accounts that were looked for in the store. */
  let lookups: string[];

  const load = (jid: Jid) => cache.with(jid, (account) => account);
  const add = (jid: Jid) => stores.accounts.create(jid.toString(), { sha1: keys, sha256: keys });
  const bind = async (jid: Jid, resource: string) => {
    const account = await load(jid);
    if (account === undefined) throw new Error('no account');
    const full = Jid.of(jid.local, jid.domain, resource);
    const session = new Session(account, full, new RecordingLink());
    cache.enter(session);
    return session;
  };

  function begin(limits: { maxIdle?: number; maxWaiting?: number } = {}): void {
    const { accounts } = stores;
    const find = (bareJid: string) => {
      lookups.push(bareJid);
      return accounts.find(bareJid);
    };
    cache = new AccountCache({
      stores: {
        accounts: Object.assign(Object.create(accounts), { find }),
        rosters: stores.rosters,
        blocks: stores.blocks,
        archive: stores.archive,
      },
      events: events.events,
      maxIdle: 1_000,
      maxWaiting: 1_000,
      ...limits,
    });
  }

  beforeEach(async () => {
    stores = memoryServerStores();
    events = recordingEvents();
    lookups = [];
    begin();
    await add(ana);
    await add(ben);
  });

  it('are read with their contacts and blocks, once', async () => {
    const { id } = (await stores.accounts.find('ana@example.org')) ?? { id: 0 };
    const contact = {
      jid: 'ben@example.org',
      name: 'Ben',
      groups: [],
      subscription: 'both' as const,
      ask: false,
      approved: false,
      isListed: true,
      pendingIn: undefined,
    };
    await stores.rosters.put(id, contact);
    await stores.blocks.add(id, ['eve@example.org']);
    expect(cache.loaded('ana@example.org')).toBeUndefined();
    const account = await load(ana);
    expect(account?.id).toBe(id);
    expect(account?.contacts.get('ben@example.org')).toEqual(contact);
    expect(account?.blocked).toEqual(new Set(['eve@example.org']));
    expect(cache.loaded('ana@example.org')).toBe(account);
    expect(load(ana)).toBe(account);
    expect(lookups).toEqual(['ana@example.org']);
  });

  it('are looked for again if they were not there', async () => {
    const carl = Jid.parse('carl@example.org');
    expect(await load(carl)).toBeUndefined();
    await add(carl);
    expect((await load(carl))?.jid.toString()).toBe('carl@example.org');
  });

  it('are worked on one after another, in order, each after the one before', async () => {
    await load(ana);
    const order: string[] = [];
    const work = (name: string) =>
      cache.with(ana, async () => {
        order.push(`${name} begins`);
        await Promise.resolve();
        order.push(`${name} ends`);
      });
    await Promise.all([work('a'), work('b'), work('c')]);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(cache.with(ana, () => 'at once')).toBe('at once');
  });

  it('do not wait for each other', async () => {
    let finish = () => {};
    const work = cache.with(ana, () => new Promise<void>((resolve) => (finish = resolve)));
    expect((await load(ben))?.jid.toString()).toBe('ben@example.org');
    finish();
    await work;
  });

  it('wait for synchronous work too, if that asks for more', async () => {
    await load(ana);
    const order: string[] = [];
    let inner: unknown;
    cache.with(ana, () => {
      inner = cache.with(ana, () => order.push('inner'));
      order.push('outer');
    });
    expect(inner).toBeInstanceOf(Promise);
    await inner;
    expect(order).toEqual(['outer', 'inner']);
  });

  it('are free again after work that failed', async () => {
    await load(ana);
    expect(() =>
      cache.with(ana, () => {
        throw new Error('first');
      }),
    ).toThrow('first');
    const second = cache.with(ana, () => Promise.reject(new Error('second')));
    const third = cache.with(ana, () => 'third');
    await expect(second).rejects.toThrow('second');
    expect(await third).toBe('third');
    expect(cache.with(ana, () => 'at once')).toBe('at once');
  });

  it('have a bound for what waits', async () => {
    begin({ maxWaiting: 2 });
    const waiting = [load(ana), load(ana), load(ana)];
    expect(() => load(ana)).toThrow(expect.objectContaining({ condition: 'resource-constraint' }));
    await Promise.all(waiting);
    expect(load(ana)).toBe(cache.loaded('ana@example.org'));
  });

  it('are worked on out of turn for what happened before the rest, in order too', async () => {
    begin({ maxWaiting: 1 });
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    const waiting = [
      cache.withFirst(ana, note('now')),
      cache.with(ana, note('rest')),
      cache.withFirst(ana, note('first')),
      cache.withFirst(ana, note('second')),
    ];
    await Promise.all(waiting);
    expect(order).toEqual(['now', 'first', 'second', 'rest']);
    expect(cache.withFirst(ana, () => 'at once')).toBe('at once');
  });

  it('report a store that fails, and ask it again', async () => {
    stores.tables.failure = new Error('disk');
    await expect(load(ana)).rejects.toMatchObject({ condition: 'internal-server-error', type: 'wait' });
    expect(events.recorded).toEqual([{ name: 'storageFailed', what: 'account', error: new Error('disk') }]);
    stores.tables.failure = undefined;
    expect(await load(ana)).toBeDefined();
  });

  describe('that have no sessions', () => {
    const names = ['a', 'b', 'c'].map((name) => Jid.parse(`${name}@example.org`));
    const inMemory = () => names.map((jid) => cache.loaded(jid.toString()) !== undefined);

    beforeEach(async () => {
      begin({ maxIdle: 2 });
      for (const jid of names) await add(jid);
    });

    it('are forgotten when there are too many, the one that was not used for longest first', async () => {
      const [a, b, c] = names;
      if (a === undefined || b === undefined || c === undefined) throw new Error('three names');
      await load(a);
      await load(b);
      await load(a);
      await load(c);
      expect(inMemory()).toEqual([true, false, true]);
    });

    it('stay while somebody works on them', async () => {
      const [a, b, c] = names;
      if (a === undefined || b === undefined || c === undefined) throw new Error('three names');
      let finish = () => {};
      const work = cache.with(a, () => new Promise<void>((resolve) => (finish = resolve)));
      await load(b);
      await load(c);
      expect(inMemory()).toEqual([true, false, true]);
      finish();
      await work;
    });

    it('stay while they have sessions, and count again when the last one has left', async () => {
      const [a, b, c] = names;
      if (a === undefined || b === undefined || c === undefined) throw new Error('three names');
      const sessions = [await bind(a, '1'), await bind(a, '2')];
      await load(b);
      await load(c);
      await load(ana);
      expect(cache.loaded(a.toString())).toBe(sessions[0]?.account);
      for (const session of sessions) expect(cache.leave(session)).toBe(true);
      await load(b);
      await load(c);
      expect(inMemory()).toEqual([false, true, true]);
    });
  });

  it('know their sessions by resource and by full JID', async () => {
    const phone = await bind(ana, 'phone');
    expect([...phone.account.sessions]).toEqual([['phone', phone]]);
    expect(cache.session('ana@example.org/phone')).toBe(phone);
    const again = await bind(ana, 'phone');
    expect(cache.leave(phone)).toBe(false);
    expect(cache.session('ana@example.org/phone')).toBe(again);
    expect(cache.leave(again)).toBe(true);
    expect(cache.session('ana@example.org/phone')).toBeUndefined();
    expect(phone.account.sessions.size).toBe(0);
  });

  it('are forgotten when they are removed', async () => {
    const before: Account | undefined = await load(ana);
    cache.forget('ana@example.org');
    expect(cache.loaded('ana@example.org')).toBeUndefined();
    expect(await load(ana)).not.toBe(before);
  });
});
