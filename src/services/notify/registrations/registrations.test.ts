import { describe, expect, it } from 'vitest';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { scriptedNotifyStore } from '../../../../tests/harness/scripted-notify-store.js';
import { Jid } from '../../../xmpp/jid.js';
import { changeLimit } from '../../change-limit.js';
import type { Channel } from '../channel.js';
import type { NotifyStore } from '../store.js';
import type { Wish } from './device-list.js';
import type { Registration } from './registration.js';
import { Registrations } from './registrations.js';

const ana = Jid.parse('ana@example.org');
const ben = Jid.parse('ben@example.org');
const noon = Date.UTC(2026, 7, 1, 12);
const day = 24 * 60 * 60 * 1000;
const rules = { whileAway: false, ignoresUnknown: false, muted: new Set<string>(), rooms: undefined };

/** Reads all but what is damaged. */
function channel(name: string, maxDevices: () => number): Channel {
  return {
    name,
    maxDevices,
    open: ({ address, details }) =>
      details === 'damaged'
        ? undefined
        : { service: `service of ${address}`, rules, deliver: async () => ({ kind: 'delivered' }) },
  };
}

function wish(given: Partial<Wish> = {}): Wish {
  return { channel: 'cloud-notify', client: 'phone', address: 'node-1', details: '', ...given };
}

interface SetUp {
  readonly before?: (method: keyof NotifyStore) => Promise<unknown>;
  readonly after?: (method: keyof NotifyStore) => Promise<unknown>;
  readonly maxAccounts?: number;
}

function setUp({ maxAccounts = 100, ...script }: SetUp = {}) {
  const { store, memory } = scriptedNotifyStore(script);
  const { events, recorded } = recordingEvents();
  const time = { now: noon, maxDevices: 3 };
  const registrations = new Registrations({
    ...{ store, events, maxAccounts },
    now: () => time.now,
  });
  for (const name of ['cloud-notify', 'web-push']) {
    registrations.addChannel(channel(name, () => time.maxDevices));
  }
  const removed: string[] = [];
  registrations.onRemoved(({ address }, why) => void removed.push(`${address} ${why}`));
  const addresses = async (account = ana) => (await registrations.of(account)).map(({ address }) => address);
  const names = () => recorded.map(({ name }) => name);
  async function only(account = ana): Promise<Registration> {
    const [one, ...more] = await registrations.of(account);
    if (one === undefined || more.length > 0) throw new Error('there is not one registration');
    return one;
  }
  /** Enables these addresses, each of another client and a minute after the one before. */
  async function enableAll(...all: readonly string[]): Promise<void> {
    for (const address of all) {
      await registrations.enable(ana, wish({ address, client: `client of ${address}` }));
      time.now += 60_000;
    }
  }
  return { registrations, memory, time, removed, recorded, names, addresses, only, enableAll };
}

/** Lets all that can go on go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Calls of one method wait until they are let go; others pass. */
function hold(held: keyof NotifyStore) {
  const waiting: (() => void)[] = [];
  let isOpen = false;
  return {
    before: async (method: keyof NotifyStore) => {
      if (method === held && !isOpen) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    waiting,
    open() {
      isOpen = true;
      for (const go of waiting) go();
    },
  };
}

describe('enabling', () => {
  it('is refused when an account changes too often; what changes nothing is not', async () => {
    const { registrations, time, addresses } = setUp();
    const enable = (address: string) => registrations.enable(ana, wish({ address }));
    for (let count = 0; count < changeLimit.each; count++) await enable(`node-${count}`);
    await expect(enable('one-more')).rejects.toMatchObject({
      condition: 'resource-constraint',
      type: 'wait',
    });
    const last = `node-${changeLimit.each - 1}`;
    expect(await addresses()).toEqual([last]);
    expect(await enable(last)).toBe('unchanged');
    await registrations.enable(ben, wish());
    time.now += changeLimit.duration;
    await enable('one-more');
    expect(await addresses()).toEqual(['one-more']);
  });

  it('adds a registration, which is on disk and in memory, and reports it', async () => {
    const { registrations, memory, recorded, only } = setUp();
    expect(await registrations.enable(ana, wish({ details: 'options' }))).toBe('added');
    const row = { account: 'ana@example.org', ...wish({ details: 'options' }), enabledAt: noon };
    expect(memory.rows).toEqual([{ ...row, failures: 0, restsSince: undefined }]);
    const one = await only();
    expect(one).toMatchObject({ ...wish({ details: 'options' }), enabledAt: noon, failures: 0 });
    expect(one.account).toBe(ana);
    expect(one.target.service).toBe('service of node-1');
    const device = { jid: 'ana@example.org', channel: 'cloud-notify', service: 'service of node-1' };
    expect(recorded).toEqual([{ name: 'deviceEnabled', ...device, result: 'added' }]);
    expect(await registrations.of(ben)).toEqual([]);
  });

  it('again without change writes nothing, for a day', async () => {
    const { registrations, memory, time, recorded } = setUp();
    await registrations.enable(ana, wish());
    for (const passed of [1, day - 1]) {
      time.now += passed;
      expect(await registrations.enable(ana, wish())).toBe('unchanged');
    }
    expect(memory.calls.filter((call) => call === 'save')).toHaveLength(1);
    time.now += 1;
    expect(await registrations.enable(ana, wish())).toBe('unchanged');
    expect(memory.rows).toMatchObject([{ enabledAt: noon + day + 1 }]);
    expect(recorded.slice(1)).toMatchObject(Array(3).fill({ name: 'deviceEnabled', result: 'unchanged' }));
  });

  it('again writes the time if the clock was far ahead before', async () => {
    const { registrations, memory, time } = setUp();
    await registrations.enable(ana, wish());
    time.now = noon - 2 * day;
    await registrations.enable(ana, wish());
    expect(memory.rows).toMatchObject([{ enabledAt: noon - 2 * day }]);
  });

  it('again ends the rest and forgets failures', async () => {
    const { registrations, memory, only, names } = setUp();
    await registrations.enable(ana, wish());
    const one = await only();
    await registrations.setHealth(one, { failures: 2, restsSince: undefined });
    expect(await registrations.enable(ana, wish())).toBe('unchanged');
    expect(names()).not.toContain('deviceActiveAgain');
    expect(memory.rows).toMatchObject([{ failures: 0, restsSince: undefined }]);
    await registrations.setHealth(one, { failures: 16, restsSince: noon });
    expect(await registrations.enable(ana, wish())).toBe('unchanged');
    expect(names()).toContain('deviceActiveAgain');
    expect(memory.rows).toMatchObject([{ failures: 0, restsSince: undefined }]);
    expect(one).toMatchObject({ failures: 0, restsSince: undefined });
  });

  it.each([{ details: 'options' }, { client: 'tablet' }])(
    'with %o changes the registration of that address, which stays the same object',
    async (change) => {
      const { registrations, memory, only, removed } = setUp();
      await registrations.enable(ana, wish());
      const before = await only();
      const key = before.key;
      expect(await registrations.enable(ana, wish(change))).toBe('changed');
      expect(await only()).toBe(before);
      expect(before).toMatchObject({ ...wish(change), key });
      expect(memory.rows).toMatchObject([wish(change)]);
      expect(removed).toEqual([]);
    },
  );

  it('again with a change is another enabling, in the same millisecond too', async () => {
    const { registrations, memory, only } = setUp();
    await registrations.enable(ana, wish());
    await registrations.enable(ana, wish({ details: 'options' }));
    expect(await only()).toMatchObject({ enabledAt: noon + 1 });
    expect(memory.rows).toMatchObject([{ enabledAt: noon + 1 }]);
  });

  it('with another address replaces the one of the client', async () => {
    const { registrations, memory, addresses, removed, recorded } = setUp();
    await registrations.enable(ana, wish());
    expect(await registrations.enable(ana, wish({ address: 'node-2' }))).toBe('added');
    expect(await addresses()).toEqual(['node-2']);
    expect(memory.rows).toHaveLength(1);
    expect(removed).toEqual(['node-1 replaced']);
    expect(recorded).toContainEqual(
      expect.objectContaining({ name: 'deviceRemoved', service: 'service of node-1', why: 'replaced' }),
    );
  });

  it('leaves other channels and accounts alone', async () => {
    const { registrations, memory, removed } = setUp();
    await registrations.enable(ana, wish());
    expect(await registrations.enable(ana, wish({ channel: 'web-push' }))).toBe('added');
    expect(await registrations.enable(ben, wish())).toBe('added');
    const all = [...(await registrations.of(ana)), ...(await registrations.of(ben))];
    expect(new Set(all.map(({ key }) => key)).size).toBe(3);
    expect(memory.rows).toHaveLength(3);
    expect(removed).toEqual([]);
  });

  it('is in the list that the next one asks for, and not in one that was handed out', async () => {
    const { registrations } = setUp();
    await registrations.enable(ana, wish());
    const before = await registrations.of(ana);
    await registrations.enable(ana, wish({ client: 'tablet', address: 'node-2' }));
    expect(before).toHaveLength(1);
    expect(registrations.of(ana)).toHaveLength(2);
  });

  it('refuses what its channel cannot read, and what has no channel', async () => {
    const { registrations, memory, names } = setUp();
    await expect(registrations.enable(ana, wish({ details: 'damaged' }))).rejects.toThrow('cannot read');
    await expect(registrations.enable(ana, wish({ channel: 'smoke' }))).rejects.toThrow('cannot read');
    expect(memory.rows).toEqual([]);
    expect(names()).toEqual([]);
  });

  it('refuses more than can wait for the store, of one account', async () => {
    const { before, open } = hold('save');
    const { registrations } = setUp({ before });
    const attempts = Array.from({ length: 101 }, () => registrations.enable(ana, wish()));
    await expect(attempts[100]).rejects.toMatchObject({ condition: 'resource-constraint' });
    await expect(registrations.disable(ana, 'cloud-notify', () => true, 'client')).rejects.toThrow(
      'resource-constraint',
    );
    const other = registrations.enable(ben, wish());
    open();
    expect(await other).toBe('added');
    expect(await Promise.all(attempts.slice(0, 100))).toContain('unchanged');
    expect(await registrations.enable(ana, wish())).toBe('unchanged');
  });
});

describe('too many', () => {
  it('lose the oldest', async () => {
    const { addresses, enableAll, removed, memory } = setUp();
    await enableAll('1', '2', '3', '4', '5');
    expect(await addresses()).toEqual(['3', '4', '5']);
    expect(memory.rows).toHaveLength(3);
    expect(removed).toEqual(['1 too-many', '2 too-many']);
  });

  it('lose those that rest before', async () => {
    const { registrations, addresses, enableAll } = setUp();
    await enableAll('1', '2', '3');
    const third = (await registrations.of(ana))[2];
    if (third !== undefined) await registrations.setHealth(third, { failures: 16, restsSince: noon });
    await enableAll('4');
    expect(await addresses()).toEqual(['1', '2', '4']);
  });

  it('keep one that is old but in use', async () => {
    const { registrations, time, addresses, enableAll } = setUp();
    await enableAll('1', '2', '3');
    time.now += day;
    await registrations.enable(ana, wish({ address: '1', client: 'client of 1' }));
    await enableAll('4');
    expect(await addresses()).toEqual(['3', '1', '4']);
  });

  it('are counted by channel', async () => {
    const { registrations, enableAll, addresses } = setUp();
    await enableAll('1', '2', '3');
    await registrations.enable(ana, wish({ channel: 'web-push' }));
    expect(await addresses()).toHaveLength(4);
  });

  it('go also when fewer are allowed than before, but never the one that was enabled', async () => {
    const { registrations, time, addresses, enableAll } = setUp();
    await enableAll('1', '2', '3');
    time.maxDevices = 1;
    expect(await registrations.enable(ana, wish({ address: '1', client: 'client of 1' }))).toBe('unchanged');
    expect(await addresses()).toEqual(['1']);
  });

  it('is of each channel what that says', async () => {
    const { registrations, addresses, enableAll } = setUp();
    registrations.addChannel(channel('of one', () => 1));
    await enableAll('1', '2', '3');
    for (const address of ['4', '5']) {
      await registrations.enable(ana, wish({ channel: 'of one', client: address, address }));
    }
    expect(await addresses()).toEqual(['1', '2', '3', '5']);
  });

  it.each([
    ['before', ['1', '2', '3', '4']],
    ['after', ['2', '3', '4']],
  ] as const)('do not hinder when the store fails %s it removed one', async (when, left) => {
    let isBroken = true;
    const script = async (method: string) => {
      if (method === 'remove' && isBroken) throw new Error('disk full');
    };
    const { addresses, enableAll, names } = setUp({ [when]: script });
    await enableAll('1', '2', '3', '4');
    expect(names()).toContain('storageFailed');
    expect(await addresses()).toEqual(left);
    isBroken = false;
    await enableAll('5');
    expect(await addresses()).toEqual(['3', '4', '5']);
  });
});

describe('disabling', () => {
  it('removes those of the channel that are meant, and says how many', async () => {
    const { registrations, memory, addresses, enableAll, removed } = setUp();
    await enableAll('1', '2', '3');
    await registrations.enable(ana, wish({ channel: 'web-push', address: '1' }));
    const which = ({ address }: Registration) => address !== '2';
    expect(await registrations.disable(ana, 'cloud-notify', which, 'client')).toBe(2);
    expect(await registrations.disable(ana, 'cloud-notify', which, 'client')).toBe(0);
    expect(await addresses()).toEqual(['2', '1']);
    expect(memory.rows).toHaveLength(2);
    expect(removed).toEqual(['1 client', '3 client']);
  });

  it('that fails in the middle has removed what it has removed, and no more', async () => {
    let removals = 0;
    const before = async (method: string) => {
      if (method === 'remove' && ++removals === 2) throw new Error('disk full');
    };
    const { registrations, addresses, enableAll, removed } = setUp({ before });
    await enableAll('1', '2', '3');
    const attempt = registrations.disable(ana, 'cloud-notify', () => true, 'client');
    await expect(attempt).rejects.toThrow('disk full');
    expect(await addresses()).toEqual(['2', '3']);
    expect(removed).toEqual(['1 client']);
    expect(await registrations.disable(ana, 'cloud-notify', () => true, 'client')).toBe(2);
  });
});

describe('health', () => {
  it('is kept on disk and in memory, and written only if it is another', async () => {
    const { registrations, memory, only } = setUp();
    await registrations.enable(ana, wish());
    const one = await only();
    await registrations.setHealth(one, { failures: 0, restsSince: undefined });
    expect(memory.calls).not.toContain('setHealth');
    await registrations.setHealth(one, { failures: 3, restsSince: noon });
    expect(memory.rows).toMatchObject([{ failures: 3, restsSince: noon }]);
    expect(one).toMatchObject({ failures: 3, restsSince: noon });
  });

  it('is as before if the store fails, which is reported', async () => {
    const { registrations, memory, only, recorded } = setUp();
    await registrations.enable(ana, wish());
    const one = await only();
    memory.failure = new Error('disk full');
    await registrations.setHealth(one, { failures: 3, restsSince: noon });
    await registrations.remove(one, 'gone');
    memory.failure = undefined;
    expect(one.failures).toBe(0);
    expect(await only()).toMatchObject({ failures: 0, key: one.key });
    const failure = { name: 'storageFailed', what: 'a device', error: new Error('disk full') };
    expect(recorded.slice(1)).toEqual([failure, failure]);
  });

  it('reaches what was handed out and what is in memory now', async () => {
    const { registrations, only } = setUp({ maxAccounts: 1 });
    await registrations.enable(ana, wish());
    const one = await only();
    await registrations.of(ben);
    const again = await only();
    expect(again).not.toBe(one);
    expect(again.key).toBe(one.key);
    await registrations.setHealth(one, { failures: 3, restsSince: noon });
    expect([one.failures, again.failures]).toEqual([3, 3]);
  });

  it('of what was enabled anew meanwhile, or is gone, is of no interest', async () => {
    const { registrations, memory, time, only } = setUp({ maxAccounts: 1 });
    await registrations.enable(ana, wish());
    const stale = await only();
    await registrations.of(ben);
    time.now += 1;
    await registrations.enable(ana, wish({ details: 'new' }));
    await registrations.setHealth(stale, { failures: 16, restsSince: noon });
    await registrations.remove(stale, 'gone');
    expect(memory.rows).toMatchObject([{ details: 'new', failures: 0 }]);
    const fresh = await only();
    await registrations.remove(fresh, 'gone');
    await registrations.remove(fresh, 'gone');
    await registrations.setHealth(fresh, { failures: 16, restsSince: noon });
    expect(memory.rows).toEqual([]);
    expect(memory.calls.filter((call) => call === 'remove')).toHaveLength(1);
  });
});

describe('reading', () => {
  it('is done once for all that ask at once, and then answered at once', async () => {
    const { before, open } = hold('list');
    const { registrations, memory } = setUp({ before });
    await memory.save({ account: 'ana@example.org', ...wish(), enabledAt: 1, failures: 0, restsSince: 2 });
    const readings = Array.from({ length: 50 }, () => registrations.of(ana));
    open();
    const lists = await Promise.all(readings);
    expect(new Set(lists).size).toBe(1);
    expect(lists[0]).toMatchObject([{ ...wish(), enabledAt: 1, failures: 0, restsSince: 2 }]);
    expect(registrations.of(ana)).toBe(lists[0]);
    expect(memory.calls).toEqual(['save', 'list']);
  });

  it('remembers also that there is nothing', async () => {
    const { registrations, memory } = setUp();
    expect(await registrations.of(ana)).toEqual([]);
    expect(registrations.of(ana)).toEqual([]);
    expect(memory.calls).toEqual(['list']);
  });

  it('means none when the store fails, which is reported once and not remembered', async () => {
    const { registrations, memory, names, addresses } = setUp();
    await memory.save({ account: 'ana@example.org', ...wish(), enabledAt: 1, failures: 0, restsSince: 2 });
    memory.failure = new Error('disk full');
    expect(await Promise.all([registrations.of(ana), registrations.of(ana)])).toEqual([[], []]);
    expect(names()).toEqual(['storageFailed']);
    memory.failure = undefined;
    expect(await addresses()).toEqual(['node-1']);
  });

  it('leaves out what its channel cannot read, which is reported, and what has no channel', async () => {
    const { memory, addresses, names } = setUp();
    const row = { account: 'ana@example.org', ...wish(), enabledAt: 1, failures: 0, restsSince: 2 };
    await memory.save({ ...row, channel: 'smoke' });
    await memory.save(row);
    expect(await addresses()).toEqual(['node-1']);
    expect(names()).toEqual([]);
    await memory.save({ ...row, account: 'ben@example.org', details: 'damaged' });
    expect(await addresses(ben)).toEqual([]);
    expect(names()).toEqual(['storageFailed']);
  });

  it('forgets accounts that nobody asked for the longest', async () => {
    const { registrations, memory } = setUp({ maxAccounts: 2 });
    for (const account of [ana, ben, Jid.parse('cem@example.org')]) await registrations.of(account);
    expect(registrations.of(ben)).toEqual([]);
    expect(memory.calls).toHaveLength(3);
    await registrations.of(ana);
    expect(memory.calls).toHaveLength(4);
  });

  it('counts an account with much to remember for several', async () => {
    const { registrations, memory } = setUp({ maxAccounts: 3 });
    await registrations.of(ben);
    await registrations.enable(ana, wish({ details: 'x'.repeat(2048) }));
    memory.calls.length = 0;
    expect(registrations.of(ana)).toHaveLength(1);
    await registrations.of(ben);
    expect(memory.calls).toEqual(['list']);
  });

  it('counts tags for what they take when they are read', async () => {
    const { registrations, memory } = setUp({ maxAccounts: 3 });
    await registrations.of(ben);
    await registrations.enable(ana, wish({ details: '<a/>'.repeat(100) }));
    memory.calls.length = 0;
    await registrations.of(ben);
    expect(memory.calls).toEqual(['list']);
  });
});

describe('changes at once', () => {
  it('of one account are done one after the other', async () => {
    const { before, waiting, open } = hold('save');
    const { registrations, memory, addresses, removed } = setUp({ before });
    const ends = [
      registrations.enable(ana, wish({ address: '1' })),
      registrations.enable(ana, wish({ address: '2' })),
      registrations.disable(ana, 'cloud-notify', ({ address }) => address === '2', 'client'),
      registrations.enable(ana, wish({ address: '3' })),
    ];
    await settle();
    expect(waiting).toHaveLength(1);
    open();
    expect(await Promise.all(ends)).toEqual(['added', 'added', 1, 'added']);
    expect(removed).toEqual(['1 replaced', '2 client']);
    expect(await addresses()).toEqual(['3']);
    expect(memory.rows).toHaveLength(1);
  });

  it('of different accounts do not wait for each other', async () => {
    const { before, waiting, open } = hold('save');
    const { registrations } = setUp({ before });
    const ends = [registrations.enable(ana, wish()), registrations.enable(ben, wish())];
    await settle();
    expect(waiting).toHaveLength(2);
    open();
    await Promise.all(ends);
  });

  it('are remembered though the account fell out of memory meanwhile', async () => {
    const { before, open } = hold('save');
    const { registrations, memory, addresses } = setUp({ before, maxAccounts: 1 });
    const enabling = registrations.enable(ana, wish());
    await registrations.of(ben);
    const reading = registrations.of(ana);
    open();
    expect(await enabling).toBe('added');
    expect(await reading).toMatchObject([wish()]);
    expect(await addresses()).toEqual(['node-1']);
    expect(memory.rows).toHaveLength(1);
  });

  it.each(['before', 'after'] as const)(
    'agree with the disk when the store fails %s it wrote',
    async (when) => {
      let isBroken = false;
      const script = async (method: string) => {
        if (isBroken && method !== 'list') throw new Error('disk full');
      };
      const { registrations, memory, addresses } = setUp({ [when]: script });
      await registrations.enable(ana, wish());
      isBroken = true;
      await expect(registrations.enable(ana, wish({ address: 'node-2' }))).rejects.toThrow('disk full');
      expect(await addresses()).toEqual(memory.rows.map(({ address }) => address));
      await expect(registrations.disable(ana, 'cloud-notify', () => true, 'client')).rejects.toThrow();
      expect(await addresses()).toEqual(memory.rows.map(({ address }) => address));
      isBroken = false;
      await registrations.enable(ana, wish());
      expect(await addresses()).toEqual(['node-1']);
    },
  );
});

describe('a removed account', () => {
  it('has nothing on disk and in memory, and listeners hear of what it had', async () => {
    const { registrations, memory, addresses, enableAll, removed, recorded } = setUp();
    await enableAll('1', '2');
    await registrations.enable(ben, wish());
    await registrations.removeAccount(ana);
    expect(await addresses()).toEqual([]);
    expect(await addresses(ben)).toHaveLength(1);
    expect(memory.rows).toHaveLength(1);
    expect(removed).toEqual(['1 account', '2 account']);
    expect(recorded.filter(({ name }) => name === 'deviceRemoved')).toHaveLength(2);
  });

  it('loses also what was being enabled', async () => {
    const { before, open } = hold('save');
    const { registrations, memory, addresses } = setUp({ before });
    const enabling = registrations.enable(ana, wish());
    await settle();
    const removal = registrations.removeAccount(ana);
    open();
    await Promise.all([enabling, removal]);
    expect(memory.rows).toEqual([]);
    expect(await addresses()).toEqual([]);
  });

  it('does not come back by what was being read', async () => {
    const { before, open } = hold('list');
    const { registrations, memory, addresses } = setUp({ before });
    await memory.save({ account: 'ana@example.org', ...wish(), enabledAt: 1, failures: 0, restsSince: 2 });
    const early = registrations.of(ana);
    const removal = registrations.removeAccount(ana);
    const late = registrations.of(ana);
    open();
    expect(await early).toHaveLength(1);
    expect(await late).toEqual([]);
    await removal;
    expect(await addresses()).toEqual([]);
  });

  it('is forgotten though the store fails, which is reported', async () => {
    const { registrations, memory, removed, names } = setUp();
    await registrations.enable(ana, wish());
    memory.failure = new Error('disk full');
    await registrations.removeAccount(ana);
    expect(names()).toContain('storageFailed');
    expect(removed).toEqual(['node-1 account']);
    memory.failure = undefined;
    memory.rows = [];
    expect(await registrations.of(ana)).toEqual([]);
  });
});

describe('channels', () => {
  it('have names of their own', () => {
    const { registrations } = setUp();
    expect(() => registrations.addChannel(channel('web-push', () => 1))).toThrow('web-push already');
  });
});
