import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewayRegistration, GatewayStore, Place } from '../../src/services/gateway/store.js';

/** Fresh data, and as many handles on it as a test opens. */
export interface GatewayStoreUnderTest {
  open(): Promise<GatewayStore>;
  /** Closes what was opened and removes the data. */
  dispose(): Promise<void>;
}

const romeo = 'romeo@montague.example';
const benvolio = 'benvolio@montague.example';
const noon = 1_800_000_000_000;

type Given = Omit<GatewayRegistration, 'failures'>;

/** A registration of Romeo's phone; what is not given is that of any. */
export function browser(given: Partial<Given> = {}): Given {
  return {
    node: randomBytes(32).toString('base64url'),
    account: romeo,
    device: 'phone',
    endpoint: 'https://push.example.net/s/phone',
    p256dh: new Uint8Array(randomBytes(65)),
    auth: new Uint8Array(randomBytes(16)),
    onlyImportant: false,
    renewedAt: noon,
    ...given,
  };
}

const placeOf = ({ node, endpoint }: Place): Place => ({ node, endpoint });
const at = (path: string) => `https://push.example.net/s/${path}`;
const strange = `🔔 "'; drop table gateway_registrations; -- \\ %_ \t é`;

/** As it is read back: bytes are compared by what they are, not by what holds them. */
function kept(row: Given, failures = 0): object {
  return { ...row, failures, p256dh: Buffer.from(row.p256dh), auth: Buffer.from(row.auth) };
}
const read = (row: GatewayRegistration | undefined) => row && kept(row, row.failures);

/** What every implementation of the store type in `services/gateway/store.ts` does. */
export function gatewayStoreContract(prepare: () => Promise<GatewayStoreUnderTest>): void {
  let subject: GatewayStoreUnderTest;
  let store: GatewayStore;
  beforeEach(async () => {
    subject = await prepare();
    store = await subject.open();
  });
  afterEach(() => subject.dispose());

  async function save(...registrations: readonly Given[]): Promise<void> {
    for (const registration of registrations) await store.save(registration, 10);
  }
  const saved = async (account = romeo) => (await store.list(account)).map(read);
  const devices = async (account = romeo) => (await store.list(account)).map(({ device }) => device);

  describe('registrations of the gateway', () => {
    it('are kept as they were saved', async () => {
      const one = browser();
      const other = browser({
        ...{ device: strange, endpoint: at(strange), renewedAt: noon + 1 },
        onlyImportant: true,
      });
      expect(await store.save(one, 10)).toEqual({ node: one.node, gone: [] });
      expect(await store.save(other, 10)).toEqual({ node: other.node, gone: [] });
      expect(read(await store.find(one.node))).toEqual(kept(one));
      expect(read(await store.find(other.node))).toEqual(kept(other));
      expect(await store.find(browser().node)).toBeUndefined();
    });

    it('are listed for each account alone, the one that was renewed last first', async () => {
      const old = browser({ device: 'old', endpoint: at('old') });
      const middle = browser({ device: 'middle', endpoint: at('middle'), renewedAt: noon + 1 });
      const young = browser({ device: 'young', endpoint: at('young'), renewedAt: noon + 2 });
      await save(middle, young, old, browser({ account: benvolio }));
      expect(await saved()).toEqual([young, middle, old].map((row) => kept(row)));
      expect(await devices(benvolio)).toEqual(['phone']);
      expect(await saved('nobody@montague.example')).toEqual([]);
    });

    it('are found by their endpoint and their account, or its domain', async () => {
      const mine = browser();
      const byOther = browser({ account: benvolio, renewedAt: noon + 1 });
      const byStrangers = [
        'romeo@capulet.example',
        'romeo@other.montague.example',
        'romeo@xmontague.example',
      ];
      await save(mine, byOther, browser({ device: 'tablet', endpoint: at('tablet') }));
      await save(...byStrangers.map((account) => browser({ account, renewedAt: noon + 2 })));
      const found = async (owner: string, most = 10) =>
        (await store.findByEndpoint(at('phone'), owner, most)).map(read);
      expect(await found('montague.example')).toEqual([kept(byOther), kept(mine)]);
      expect(await found(mine.account)).toEqual([kept(mine)]);
      expect(await found('montague.example', 1)).toEqual([kept(byOther)]);
      for (const owner of ['example', '@montague.example', 'nobody@montague.example', '%', '']) {
        expect(await found(owner), owner).toEqual([]);
      }
      expect(await store.findByEndpoint(at('laptop'), 'montague.example', 10)).toEqual([]);
    });

    it('keep their node when their device comes again, and have no failures then', async () => {
      const first = browser();
      await save(first);
      await store.setFailures(first, 7);
      const again = browser({ onlyImportant: true, renewedAt: noon + 5 });
      expect(await store.save(again, 10)).toEqual({ node: first.node, gone: [] });
      expect(await saved()).toEqual([kept({ ...again, node: first.node })]);
      expect(await store.find(again.node)).toBeUndefined();
    });

    it('leave their place when their device has another endpoint', async () => {
      const first = browser();
      await save(first);
      const moved = browser({ endpoint: at('moved') });
      expect(await store.save(moved, 10)).toEqual({ node: first.node, gone: [placeOf(first)] });
      expect(await saved()).toEqual([kept({ ...moved, node: first.node })]);
      expect(await store.findByEndpoint(first.endpoint, first.account, 10)).toEqual([]);
    });

    it('go when another device of their account has their endpoint, and not those of other accounts', async () => {
      const first = browser();
      const ofOther = browser({ account: benvolio });
      await save(first, ofOther);
      const second = browser({ device: 'tablet' });
      expect(await store.save(second, 10)).toEqual({ node: second.node, gone: [placeOf(first)] });
      expect(await devices()).toEqual(['tablet']);
      expect(await devices(benvolio)).toEqual(['phone']);
    });

    it('go when others were renewed later, and are too many', async () => {
      const rows = [3, 1, 2].map((late) =>
        browser({ device: `d${late}`, endpoint: at(`d${late}`), renewedAt: noon + late }),
      );
      await save(...rows, browser({ account: benvolio, renewedAt: noon - 1 }));
      const another = browser({ device: 'd4', endpoint: at('d4'), renewedAt: noon + 4 });
      const { gone } = await store.save(another, 2);
      expect(gone).toHaveLength(2);
      expect(gone).toEqual(expect.arrayContaining([rows[1], rows[2]].map((row) => row && placeOf(row))));
      expect(await devices()).toEqual(['d4', 'd3']);
      expect(await devices(benvolio)).toEqual(['phone']);
    });

    it('do not go when they were saved just now, even by a clock that is late', async () => {
      await save(browser({ device: 'a', endpoint: at('a') }), browser({ device: 'b', endpoint: at('b') }));
      const late = browser({ renewedAt: noon - 1000 });
      expect((await store.save(late, 1)).gone).toHaveLength(2);
      expect(await devices()).toEqual(['phone']);
    });

    it('leave two places when their device moves to the endpoint of another', async () => {
      const one = browser({ device: 'a', endpoint: at('a') });
      const other = browser({ device: 'b', endpoint: at('b') });
      await save(one, other);
      const { node, gone } = await store.save(browser({ device: 'a', endpoint: at('b') }), 10);
      expect(node).toBe(one.node);
      expect(gone).toHaveLength(2);
      expect(gone).toEqual(expect.arrayContaining([placeOf(one), placeOf(other)]));
      expect(await devices()).toEqual(['a']);
    });

    it('may have long names and endpoints', async () => {
      const long = randomBytes(4096).toString('base64url');
      const one = browser({ device: long.slice(0, 256), endpoint: at(`${long}1`) });
      const other = browser({ device: long.slice(1, 257), endpoint: at(`${long}2`), renewedAt: noon - 1 });
      await save(one, other);
      expect(await saved()).toEqual([kept(one), kept(other)]);
      expect(await store.remove(one)).toBe(true);
      expect(await saved()).toEqual([kept(other)]);
    });

    it('keep how often their push service has refused', async () => {
      const one = browser();
      const other = browser({ device: 'tablet', endpoint: at('tablet'), renewedAt: noon - 1 });
      await save(one, other);
      await store.setFailures(one, 16);
      await store.setFailures({ ...one, endpoint: at('before') }, 3);
      await store.setFailures({ ...browser(), endpoint: one.endpoint }, 4);
      expect(await saved()).toEqual([kept(one, 16), kept(other)]);
    });

    it('are removed once, if they are still where they were', async () => {
      const one = browser();
      const ofOther = browser({ account: benvolio });
      await save(one, ofOther);
      expect(await store.remove({ ...one, endpoint: at('before') })).toBe(false);
      expect(await store.remove({ ...one, node: browser().node })).toBe(false);
      expect(await store.remove(one)).toBe(true);
      expect(await store.remove(one)).toBe(false);
      expect(await devices()).toEqual([]);
      expect(await devices(benvolio)).toEqual(['phone']);
    });

    it('are removed by their device, and no others', async () => {
      const one = browser();
      await save(one, browser({ device: 'tablet', endpoint: at('tablet') }), browser({ account: benvolio }));
      expect(await store.removeDevice(romeo, 'laptop')).toBeUndefined();
      expect(await store.removeDevice('nobody@montague.example', 'phone')).toBeUndefined();
      expect(await store.removeDevice(romeo, 'phone')).toEqual(placeOf(one));
      expect(await store.removeDevice(romeo, 'phone')).toBeUndefined();
      expect(await devices()).toEqual(['tablet']);
      expect(await devices(benvolio)).toEqual(['phone']);
    });

    it('are removed with all of an account, and no others', async () => {
      const tablet = browser({ device: 'tablet', endpoint: at('tablet') });
      await save(browser(), tablet, browser({ account: benvolio }));
      expect(await store.removeAccount(romeo)).toBe(2);
      expect(await store.removeAccount(romeo)).toBe(0);
      expect(await devices()).toEqual([]);
      expect(await devices(benvolio)).toEqual(['phone']);
    });

    it('of a device have one node, though two processes save at once', async () => {
      const other = await subject.open();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          (n % 2 === 0 ? store : other).save(browser({ endpoint: at(String(n)), renewedAt: noon + n }), 10),
        ),
      );
      const [left, ...more] = await store.list(romeo);
      expect(more).toEqual([]);
      expect(new Set(answers.map(({ node }) => node))).toEqual(new Set([left?.node]));
      // Each place but the last was left once.
      const gone = answers.flatMap((answer) => answer.gone.map(({ endpoint }) => endpoint));
      expect(gone).toHaveLength(19);
      expect(new Set([...gone, left?.endpoint]).size).toBe(20);
    });

    it('are never too many, though two processes save at once', async () => {
      const other = await subject.open();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          (n % 2 === 0 ? store : other).save(
            browser({ device: String(n), endpoint: at(String(n)), renewedAt: noon + n }),
            3,
          ),
        ),
      );
      const left = await store.list(romeo);
      expect(left).toHaveLength(3);
      const gone = answers.flatMap((answer) => answer.gone.map(({ node }) => node));
      expect(new Set([...gone, ...left.map(({ node }) => node)]).size).toBe(20);
      expect(gone).toHaveLength(17);
    });

    it('are one for a device and one for an endpoint, and not more than there may be, in whichever order they come', async () => {
      const step = fc.record({
        account: fc.constantFrom(romeo, benvolio),
        device: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        path: fc.constantFrom('1', '2', '3', '4', '5'),
        late: fc.integer({ min: -3, max: 3 }),
        most: fc.integer({ min: 1, max: 4 }),
      });
      let run = 0;
      const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        run += 1;
        for (const { account, device, path, late, most } of steps) {
          const given = browser({
            account: `${run}-${account}`,
            device,
            endpoint: at(path),
            renewedAt: noon + late,
          });
          const before = await store.list(given.account);
          const { node, gone } = await store.save(given, most);
          const after = await store.list(given.account);
          expect(after.length).toBeLessThanOrEqual(most);
          expect(new Set(after.map((row) => row.device)).size).toBe(after.length);
          expect(new Set(after.map((row) => row.endpoint)).size).toBe(after.length);
          expect(after.find((row) => row.device === device)).toMatchObject({ node, endpoint: at(path) });
          const isThere = (place: Place) =>
            after.some((row) => row.node === place.node && row.endpoint === place.endpoint);
          expect(gone.filter(isThere)).toEqual([]);
          const left = before.map(placeOf).filter((place) => !isThere(place));
          expect(gone).toHaveLength(left.length);
          expect(gone).toEqual(expect.arrayContaining(left));
        }
      });
      await fc.assert(property, { numRuns: 25 });
    });
  });
}
