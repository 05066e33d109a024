import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountStore } from '../../src/hosts/standalone/store.js';
import type { NotifyStore, StoredRegistration } from '../../src/services/notify/store.js';
import { credentials } from './standalone-stores.contract.js';

interface NotifyStores {
  readonly notify: NotifyStore;
  readonly accounts: Pick<AccountStore, 'create' | 'remove'>;
}

/** Fresh data, and as many handles on it as a test opens. */
export interface NotifyStoresUnderTest {
  open(): Promise<NotifyStores>;
  /** Closes what was opened and removes the data. */
  dispose(): Promise<void>;
}

const romeo = 'romeo@montague.example';
const benvolio = 'benvolio@montague.example';
const noon = 1_800_000_000_000;

/** A registration of Romeo's phone; what is not given is that of any. */
export function device(given: Partial<StoredRegistration> = {}): StoredRegistration {
  return {
    account: romeo,
    channel: 'cloud-notify',
    client: 'phone',
    address: 'push.example.net node-1',
    details: '<enable/>',
    enabledAt: noon,
    failures: 0,
    restsSince: undefined,
    ...given,
  };
}

/** Text of that many bytes that an index cannot store in fewer. */
function incompressible(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}

const strange = `🔔 "'; drop table accounts; -- \\ %_ \t é`;

/** What every implementation of the store type in `services/notify/store.ts` does. */
export function notifyStoreContract(prepare: () => Promise<NotifyStoresUnderTest>): void {
  let subject: NotifyStoresUnderTest;
  let notify: NotifyStore;
  let accounts: NotifyStores['accounts'];
  beforeEach(async () => {
    subject = await prepare();
    ({ notify, accounts } = await subject.open());
    for (const jid of [romeo, benvolio]) await accounts.create(jid, credentials());
  });
  afterEach(() => subject.dispose());

  async function save(...registrations: readonly StoredRegistration[]): Promise<void> {
    for (const registration of registrations) await notify.save(registration);
  }
  const saved = () => notify.list(romeo);

  describe('registrations of devices', () => {
    it('are listed as they were saved, the oldest first, for each account alone', async () => {
      const young = device({ enabledAt: noon + 2, address: strange, client: strange, details: strange });
      const old = device({ enabledAt: noon, address: 'b', client: 'b', failures: 3, restsSince: noon + 9 });
      const middle = device({ enabledAt: noon + 1, address: 'c', client: 'c', failures: 1, details: '' });
      await save(young, old, middle);
      expect(await saved()).toEqual([old, middle, young]);
      expect(await notify.list(benvolio)).toEqual([]);
      expect(await notify.list('nobody@montague.example')).toEqual([]);
    });

    it('are replaced by others with their address', async () => {
      await save(device({ failures: 5, restsSince: noon }));
      const again = device({ client: 'tablet', details: '<enable away="true"/>', enabledAt: noon + 1 });
      await save(again);
      expect(await saved()).toEqual([again]);
    });

    it('are replaced by others of their client', async () => {
      const moved = device({ address: 'push.example.net node-2', enabledAt: noon + 1 });
      await save(device(), moved);
      expect(await saved()).toEqual([moved]);
    });

    it('are replaced two at once, if one has the address and another the client', async () => {
      const other = device({ client: 'laptop', address: 'laptop', enabledAt: noon + 3 });
      await save(device({ client: 'a', address: '1' }), device({ client: 'b', address: '2' }), other);
      const both = device({ client: 'a', address: '2', enabledAt: noon + 2 });
      await save(both);
      expect(await saved()).toEqual([both, other]);
    });

    it('are apart by account and channel', async () => {
      const mine = device();
      const byOther = device({ channel: 'web-push', enabledAt: noon + 1 });
      await save(mine, byOther, device({ account: benvolio }));
      expect(await saved()).toEqual([mine, byOther]);
      expect(await notify.list(benvolio)).toEqual([device({ account: benvolio })]);
      await notify.setHealth(device({ account: benvolio }), { failures: 1, restsSince: noon });
      expect(await notify.remove(device({ channel: 'web-push' }))).toBe(true);
      expect(await saved()).toEqual([mine]);
    });

    it('may have the longest addresses and details', async () => {
      const address = incompressible(4095);
      const long = { client: incompressible(1023), details: incompressible(65_536) };
      const one = device({ ...long, address: `${address}1` });
      const other = device({ client: 'tablet', address: `${address}2`, enabledAt: noon + 1 });
      await save(one, other);
      expect(await saved()).toEqual([one, other]);
      expect(await notify.remove(one)).toBe(true);
      expect(await saved()).toEqual([other]);
    });

    it('keep how deliveries went, until they are saved again', async () => {
      const other = device({ client: 'tablet', address: '2', enabledAt: noon + 1 });
      await save(device(), other);
      await notify.setHealth(device(), { failures: 16, restsSince: noon + 5 });
      expect(await saved()).toEqual([device({ failures: 16, restsSince: noon + 5 }), other]);
      await notify.setHealth(device(), { failures: 1, restsSince: undefined });
      expect(await saved()).toEqual([device({ failures: 1 }), other]);
      await save(device());
      expect(await saved()).toEqual([device(), other]);
    });

    it('that are not there have no health', async () => {
      await save(device());
      await notify.setHealth(device({ address: 'another' }), { failures: 1, restsSince: noon });
      await notify.setHealth(device({ account: 'nobody@montague.example' }), {
        failures: 1,
        restsSince: noon,
      });
      expect(await saved()).toEqual([device()]);
    });

    it('are removed once, and no others', async () => {
      const other = device({ client: 'tablet', address: '2' });
      await save(device(), other, device({ account: benvolio }));
      expect(await notify.remove(device())).toBe(true);
      expect(await notify.remove(device())).toBe(false);
      expect(await notify.remove(device({ account: 'nobody@montague.example' }))).toBe(false);
      expect(await saved()).toEqual([other]);
      expect(await notify.list(benvolio)).toHaveLength(1);
    });

    it('are removed with all of an account, and no others', async () => {
      await save(device(), device({ client: 'tablet', address: '2' }), device({ account: benvolio }));
      expect(await notify.removeAccount(romeo)).toBe(2);
      expect(await notify.removeAccount(romeo)).toBe(0);
      expect(await saved()).toEqual([]);
      expect(await notify.list(benvolio)).toHaveLength(1);
    });

    it('go with their account, and a new one of that name has none', async () => {
      await save(device(), device({ account: benvolio }));
      await accounts.remove(romeo);
      expect(await saved()).toEqual([]);
      await accounts.create(romeo, credentials());
      expect(await saved()).toEqual([]);
      expect(await notify.list(benvolio)).toHaveLength(1);
    });

    it('are not saved for an account that is no more', async () => {
      await accounts.remove(romeo);
      await expect(notify.save(device())).rejects.toThrow('no such account');
      await accounts.create(romeo, credentials());
      expect(await saved()).toEqual([]);
    });

    it('are not two for a client, though two processes save at once', async () => {
      const other = (await subject.open()).notify;
      await save(device());
      const attempts = Array.from({ length: 20 }, (_, at) =>
        (at % 2 === 0 ? notify : other).save(device({ address: String(at), enabledAt: noon + at })),
      );
      const ends = await Promise.allSettled(attempts);
      const [left, ...more] = await saved();
      expect(more).toEqual([]);
      expect(ends[Number(left?.address)]?.status).toBe('fulfilled');
    });
  });
}
