import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  KeyStore,
  NewRegistration,
  RegistrationStore,
  RevocationStore,
} from '../../src/services/unified-push/store.js';

interface UnifiedPushStores {
  readonly registrations: RegistrationStore;
  readonly revocations: RevocationStore;
  readonly keys: KeyStore;
}

/** Fresh data, and as many handles on it as a test opens. */
export interface StoresUnderTest {
  open(): Promise<UnifiedPushStores>;
  /** Closes what was opened and removes the data. */
  dispose(): Promise<void>;
}

const hash = () => Uint8Array.from(randomBytes(32));
const base64Hash = () => randomBytes(32).toString('base64');
const bytes = (value: Uint8Array) => Uint8Array.from(value);

/** A registration of a device; what is not given is random or the same for all. */
export function registration(given: Partial<NewRegistration> = {}): NewRegistration {
  return {
    idHash: hash(),
    seed: Uint8Array.from(randomBytes(20)),
    bareJid: 'romeo@montague.example',
    resource: 'orchard',
    application: base64Hash(),
    instance: base64Hash(),
    expiresAt: 2_000_000_000,
    ...given,
  };
}

/** What every implementation of the store types in `services/unified-push/store.ts` does. */
export function unifiedPushStoresContract(prepare: () => Promise<StoresUnderTest>): void {
  let subject: StoresUnderTest;
  let stores: UnifiedPushStores;
  beforeEach(async () => {
    subject = await prepare();
    stores = await subject.open();
  });
  afterEach(() => subject.dispose());
  const others = () => subject.open();

  describe('registrations', () => {
    it('find what was saved, and nothing else', async () => {
      const { idHash, seed, ...rest } = registration();
      expect(bytes(await stores.registrations.save({ idHash, seed, ...rest }))).toEqual(seed);
      expect(await stores.registrations.find(idHash)).toMatchObject(rest);
      expect(await stores.registrations.find(hash())).toBeUndefined();
    });

    it('keep seed and id of a registration that is renewed; only resource and expiry move', async () => {
      const first = registration({ resource: 'orchard', expiresAt: 2_000_000_000 });
      const second = { ...first, ...fresh(), resource: 'balcony', expiresAt: 2_000_000_900 };
      await stores.registrations.save(first);
      expect(bytes(await stores.registrations.save(second))).toEqual(first.seed);
      expect(await stores.registrations.find(first.idHash)).toMatchObject({
        bareJid: first.bareJid,
        application: first.application,
        instance: first.instance,
        resource: 'balcony',
        expiresAt: 2_000_000_900,
      });
      expect(await stores.registrations.find(second.idHash)).toBeUndefined();
    });

    it.each(['bareJid', 'application', 'instance'] as const)('are apart if %s differs', async (part) => {
      const first = registration();
      const second = { ...first, ...fresh(), [part]: `${first[part]}2` };
      await stores.registrations.save(first);
      expect(bytes(await stores.registrations.save(second))).toEqual(second.seed);
      expect(await stores.registrations.find(first.idHash)).toMatchObject({ [part]: first[part] });
      expect(await stores.registrations.find(second.idHash)).toMatchObject({ [part]: second[part] });
    });

    it('get one seed when saved twenty times at once, by two processes', async () => {
      const other = await others();
      const saved = registration();
      const attempts = Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? stores : other).registrations.save({ ...saved, ...fresh() }),
      );
      const seeds = await Promise.all(attempts);
      expect(new Set(seeds.map((seed) => Buffer.from(seed).toString('hex'))).size).toBe(1);
    });

    it('may hold the longest and the strangest JIDs', async () => {
      const long = registration({
        bareJid: `${incompressible(1023)}@${incompressible(1023)}`,
        resource: `🔔 "'; drop table keys; -- ${incompressible(990)}`,
      });
      await stores.registrations.save(long);
      expect(await stores.registrations.find(long.idHash)).toMatchObject({
        bareJid: long.bareJid,
        resource: long.resource,
      });
    });

    const revisionOf = async ({ idHash }: NewRegistration) =>
      (await stores.registrations.find(idHash))?.revision ?? Number.NaN;

    it('are removed only if they were not renewed since they were read, even to the same values', async () => {
      const saved = registration({ expiresAt: 1000 });
      await stores.registrations.save(saved);
      const read = await revisionOf(saved);
      await stores.registrations.save(saved);
      expect(await stores.registrations.remove(saved.idHash, read)).toBe(false);
      expect(await stores.registrations.remove(saved.idHash, await revisionOf(saved))).toBe(true);
      expect(await stores.registrations.find(saved.idHash)).toBeUndefined();
      expect(await stores.registrations.remove(saved.idHash, read)).toBe(false);
    });

    it('are counted by account, without the one that is asked for', async () => {
      const saved = registration();
      const others = [registration(), registration({ application: saved.application })];
      for (const one of [saved, ...others])
        await stores.registrations.save({ ...one, bareJid: 'count@example.org' });
      await stores.registrations.save(registration({ bareJid: 'another@example.org' }));
      const count = (one: NewRegistration) =>
        stores.registrations.countOthers({ ...one, bareJid: 'count@example.org' });
      expect(await count(saved)).toBe(2);
      expect(await count(registration())).toBe(3);
      expect(await stores.registrations.countOthers(registration({ bareJid: 'nobody@example.org' }))).toBe(0);
    });

    it('go all together with their account, whatever its other rows are', async () => {
      const of = (bareJid: string) => registration({ bareJid });
      const gone = [of('a@example.org'), of('a@example.org')];
      const kept = [of('aa@example.org'), of('a@example.net')];
      for (const each of [...gone, ...kept]) await stores.registrations.save(each);
      expect(await stores.registrations.removeAccount('a@example.org')).toBe(2);
      expect(await stores.registrations.removeAccount('a@example.org')).toBe(0);
      for (const { idHash } of gone) expect(await stores.registrations.find(idHash)).toBeUndefined();
      for (const { idHash } of kept) expect(await stores.registrations.find(idHash)).toBeDefined();
    });

    it('can be made anew, with a new seed, after they were removed', async () => {
      const saved = registration();
      await stores.registrations.save(saved);
      await stores.registrations.remove(saved.idHash, await revisionOf(saved));
      const again = { ...saved, ...fresh() };
      expect(bytes(await stores.registrations.save(again))).toEqual(again.seed);
    });

    it('are found until they are swept, and swept only when expired', async () => {
      const old = registration({ expiresAt: 999 });
      const edge = registration({ expiresAt: 1000 });
      await stores.registrations.save(old);
      await stores.registrations.save(edge);
      expect(await stores.registrations.find(old.idHash)).toMatchObject({ expiresAt: 999 });
      expect(await stores.registrations.sweep(1000, 100)).toBe(1);
      expect(await stores.registrations.find(old.idHash)).toBeUndefined();
      expect(await stores.registrations.find(edge.idHash)).toBeDefined();
      expect(await stores.registrations.sweep(1000.5, 100)).toBe(1);
    });

    it('are swept at most `limit` at a time', async () => {
      for (let index = 0; index < 5; index += 1) {
        await stores.registrations.save(registration({ expiresAt: 10 + index }));
      }
      expect(await stores.registrations.sweep(1000, 3)).toBe(3);
      expect(await stores.registrations.sweep(1000, 3)).toBe(2);
      expect(await stores.registrations.sweep(1000, 3)).toBe(0);
    });

    it('are each swept once when two processes sweep', async () => {
      const other = await others();
      for (let index = 0; index < 30; index += 1) {
        await stores.registrations.save(registration({ expiresAt: 10 }));
      }
      const sweeps = [stores, other, stores, other].map((each) => each.registrations.sweep(1000, 30));
      const counts = await Promise.all(sweeps);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30);
    });
  });

  describe('revocations', () => {
    it('know what was revoked, and nothing else', async () => {
      const token = hash();
      expect(await stores.revocations.isRevoked(token)).toBe(false);
      await stores.revocations.revoke(token, 2_000_000_000);
      expect(await stores.revocations.isRevoked(token)).toBe(true);
      expect(await stores.revocations.isRevoked(hash())).toBe(false);
    });

    it('take the same token again, at once and from another process', async () => {
      const other = await others();
      const token = hash();
      const attempts = Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? stores : other).revocations.revoke(token, 1000),
      );
      await Promise.all(attempts);
      await stores.revocations.revoke(token, 1000);
      expect(await other.revocations.isRevoked(token)).toBe(true);
      expect(await stores.revocations.sweep(2000, 10)).toBe(1);
    });

    it('are forgotten only when expired, at most `limit` at a time', async () => {
      const lasting = hash();
      await stores.revocations.revoke(lasting, 1000);
      for (let index = 0; index < 5; index += 1) await stores.revocations.revoke(hash(), 999);
      expect(await stores.revocations.sweep(1000, 3)).toBe(3);
      expect(await stores.revocations.sweep(1000, 3)).toBe(2);
      expect(await stores.revocations.sweep(1000, 3)).toBe(0);
      expect(await stores.revocations.isRevoked(lasting)).toBe(true);
      expect(await stores.revocations.sweep(1000.5, 3)).toBe(1);
    });
  });

  describe('keys', () => {
    it('are made once', async () => {
      let made = 0;
      const make = () => `key ${++made}`;
      expect(await stores.keys.getOrCreate('paseto', make)).toBe('key 1');
      expect(await stores.keys.getOrCreate('paseto', make)).toBe('key 1');
      expect(made).toBe(1);
      expect(await stores.keys.getOrCreate('id', make)).toBe('key 2');
    });

    it('are the same for all that ask at once, in two processes', async () => {
      const other = await others();
      const attempts = Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? stores : other).keys.getOrCreate('paseto', base64Hash),
      );
      expect(new Set(await Promise.all(attempts)).size).toBe(1);
    });
  });
}

/** Text of that many bytes that an index cannot store in fewer. */
function incompressible(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}

/** Id and seed that a new registration would bring. */
function fresh(): Pick<NewRegistration, 'idHash' | 'seed'> {
  const { idHash, seed } = registration();
  return { idHash, seed };
}
