import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { scriptedNotifyStore } from '../../../../tests/harness/scripted-notify-store.js';
import { Jid } from '../../../xmpp/jid.js';
import type { NotifyStore } from '../store.js';
import type { Registration } from './registration.js';
import { Registrations } from './registrations.js';

const accounts = ['ana', 'ben', 'cem'].map((name) => Jid.parse(`${name}@example.org`));
const rules = { whileAway: false, ignoresUnknown: false, muted: new Set<string>(), rooms: undefined };
const maxDevices = 3;

function open(store: NotifyStore, now: () => number, maxAccounts: number): Registrations {
  const registrations = new Registrations({ store, now, maxAccounts, events: recordingEvents().events });
  for (const name of ['cloud-notify', 'web-push']) {
    registrations.addChannel({
      name,
      maxDevices: () => maxDevices,
      open: ({ address }) => ({ service: address, rules, deliver: async () => ({ kind: 'delivered' }) }),
    });
  }
  return registrations;
}

/** In an order that does not depend on times that are the same. */
function plain(list: readonly Registration[]) {
  return list
    .map(({ account, target, ...rest }) => ({ ...rest, account: account.toString() }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

const account = fc.constantFrom(...accounts);
const device = fc.record({
  channel: fc.constantFrom('cloud-notify', 'cloud-notify', 'web-push'),
  client: fc.constantFrom('phone', 'tablet', 'laptop', 'watch', 'browser'),
  address: fc.constantFrom('1', '2', '3', '4', '5', '6'),
  details: fc.constantFrom('', 'options'),
});
const health = fc.record({
  failures: fc.nat({ max: 2 }),
  restsSince: fc.option(fc.constant(1), { nil: undefined }),
});

/** Something that happens: it begins at once and may last. */
type Step = (registrations: Registrations, time: { now: number }) => Promise<unknown>;

const enable = fc.tuple(account, device).map(
  ([who, wish]): Step =>
    (registrations) =>
      registrations.enable(who, wish),
);
const disable = fc.tuple(account, device).map(([who, { channel, client, address }]): Step => {
  const which = (one: Registration) => one.client === client || one.address === address;
  return (registrations) => registrations.disable(who, channel, which, 'client');
});
const change = fc.tuple(account, fc.nat({ max: 5 }), fc.option(health, { nil: undefined })).map(
  ([who, at, how]): Step =>
    async (registrations) => {
      const one = (await registrations.of(who))[at];
      if (one === undefined) return;
      await (how === undefined ? registrations.remove(one, 'gone') : registrations.setHealth(one, how));
    },
);
const removeAccount = account.map(
  (who): Step =>
    (registrations) =>
      registrations.removeAccount(who),
);
const read = account.map(
  (who): Step =>
    async (registrations) =>
      registrations.of(who),
);
const wait = fc.constantFrom(1, 24 * 60 * 60 * 1000).map(
  (passed): Step =>
    async (_, time) => {
      time.now += passed;
    },
);
const happening = fc.record({
  step: fc.oneof(
    { weight: 6, arbitrary: enable },
    { weight: 2, arbitrary: disable },
    { weight: 3, arbitrary: change },
    { weight: 1, arbitrary: removeAccount },
    { weight: 2, arbitrary: read },
    { weight: 2, arbitrary: wait },
  ),
  /** Whether the next begins only when this one is over. */
  isAwaited: fc.boolean(),
});

/** What each call of the store does, one after the other and again from the start. */
const behaviours = fc.array(
  fc.constantFrom('at once', 'at once', 'late', 'fails', 'fails when it has written'),
  { minLength: 1, maxLength: 20 },
);

const later = () => new Promise((resolve) => setImmediate(resolve));

/** Makes calls behave like that; `end` lets them all succeed at once. */
function script(all: readonly string[]) {
  let calls = 0;
  let current: readonly string[] = all;
  const fail = () => Promise.reject(new Error('disk full'));
  return {
    before: async () => {
      const behaviour = current[calls++ % current.length];
      if (behaviour === 'late') await later();
      if (behaviour === 'fails') await fail();
    },
    after: async () => {
      if (current[(calls - 1) % current.length] === 'fails when it has written') await fail();
    },
    end: () => {
      current = ['at once'];
    },
  };
}

describe('registrations, whatever happens', () => {
  it('are in memory what they are on disk, also when the store fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { maxLength: 60 }),
        behaviours,
        fc.constantFrom(1, 2, 100),
        async (happenings, all, maxAccounts) => {
          const { end, ...around } = script(all);
          const { store } = scriptedNotifyStore(around);
          const time = { now: 1_000_000_000_000 };
          const registrations = open(store, () => time.now, maxAccounts);
          const underWay: Promise<unknown>[] = [];
          for (const { step, isAwaited } of happenings) {
            const done = step(registrations, time).catch(() => undefined);
            underWay.push(done);
            if (isAwaited) await done;
          }
          await Promise.all(underWay);
          end();
          const reopened = open(store, () => time.now, 100);
          for (const who of accounts) {
            expect(plain(await registrations.of(who))).toEqual(plain(await reopened.of(who)));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are one for a client and one for an address, not too many, and listeners know of all that went', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 60 }), behaviours, async (happenings, all) => {
        const { store } = scriptedNotifyStore(
          script(all.filter((behaviour) => !behaviour.startsWith('fails')).concat('at once')),
        );
        const time = { now: 1_000_000_000_000 };
        const registrations = open(store, () => time.now, 100);
        const gone = new Set<Registration>();
        registrations.onRemoved((one) => gone.add(one));
        const seen = new Set<Registration>();
        const look = async () => {
          for (const who of accounts) for (const one of await registrations.of(who)) seen.add(one);
        };
        const underWay: Promise<unknown>[] = [];
        for (const { step, isAwaited } of happenings) {
          underWay.push(step(registrations, time));
          if (isAwaited) await Promise.all(underWay);
          await look();
        }
        await Promise.all(underWay);
        await look();
        const left = (await Promise.all(accounts.map(async (who) => registrations.of(who)))).flat();
        expect(new Set([...seen].filter((one) => !gone.has(one)))).toEqual(new Set(left));
        expect(left.filter((one) => gone.has(one))).toEqual([]);
        const count = (name: (one: Registration) => string) => new Set(left.map(name)).size;
        expect(count(({ key }) => key)).toBe(left.length);
        expect(count((one) => `${one.account} ${one.channel} ${one.client}`)).toBe(left.length);
        const ofChannel = ({ account, channel }: Registration) =>
          left.filter((one) => one.account.equals(account) && one.channel === channel).length;
        for (const one of left) expect(ofChannel(one)).toBeLessThanOrEqual(maxDevices);
      }),
      { numRuns: 300 },
    );
  });
});
