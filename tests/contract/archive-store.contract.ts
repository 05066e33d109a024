import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ArchiveFilter, StandaloneStores, StoredMessage } from '../../src/hosts/standalone/store.js';

/** What the stores' contract hands to its parts. */
export interface StoresForContract {
  readonly stores: StandaloneStores;
  /** Another handle on the same data. */
  open(): Promise<StandaloneStores>;
  /** Makes an account; answers its id. */
  account(bareJid?: string): Promise<number>;
}

/** A time in the unit of ids. */
const noon = 1_800_000_000_000_000;

/** A message of Juliet's; what is not given is that of any. */
export function archived(id: number, given: Partial<StoredMessage> = {}): StoredMessage {
  return {
    id,
    withBare: 'juliet@capulet.example',
    withResource: 'balcony',
    message: `<message id='${id}'/>`,
    ...given,
  };
}

const idsOf = (page: readonly StoredMessage[]) => page.map(({ id }) => id);

/** What every archive does. */
export function archiveStoreContract(subject: () => StoresForContract): void {
  const store = () => subject().stores.archive;

  /** Fills the archive of a new account with messages of these ids. */
  async function filled(ids: readonly number[], given: Partial<StoredMessage> = {}): Promise<number> {
    const account = await subject().account();
    await Promise.all(ids.map((id) => store().add(account, archived(id, given))));
    return account;
  }
  const everything = (account: number) => store().page(account, {}, 1_000, false);

  describe('archives', () => {
    it('keep each message as it is, for its account alone', async () => {
      const [romeo, benvolio] = [
        await subject().account(),
        await subject().account('benvolio@montague.example'),
      ];
      const strange = archived(noon, {
        withBare: `🔔'"\\%_\té@x.example`,
        withResource: `🔔 '"; drop table archive; -- \\ {} é`,
        message: `<message><body>\n\t🔔 '"\\ </body></message>`,
      });
      const plain = archived(noon + 1, { withResource: '' });
      await store().add(romeo, strange);
      await store().add(romeo, plain);
      expect(await everything(romeo)).toEqual([strange, plain]);
      expect(await everything(benvolio)).toEqual([]);
    });

    it('take what comes at once in order, from two processes too', async () => {
      const other = (await subject().open()).archive;
      const account = await subject().account();
      const ids = Array.from({ length: 1_200 }, (_, index) => noon + index);
      await Promise.all(ids.map((id) => (id % 2 === 0 ? store() : other).add(account, archived(id))));
      expect(idsOf(await store().page(account, {}, 2_000, false))).toEqual(ids);
    });

    it('take nothing for an account that is gone, and what else comes in that moment', async () => {
      const account = await subject().account();
      const ends = await Promise.allSettled([
        store().add(account, archived(noon)),
        store().add(4711, archived(noon + 1)),
        store().add(account, archived(noon + 2)),
      ]);
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(idsOf(await everything(account))).toEqual([noon, noon + 2]);
    });

    it('never have two messages of one id', async () => {
      const account = await filled([noon]);
      await expect(store().add(account, archived(noon, { message: '<another/>' }))).rejects.toThrow();
      expect(await everything(account)).toEqual([archived(noon)]);
    });

    it('have messages as large as a stanza, of the longest addresses', async () => {
      const account = await subject().account();
      const part = () => randomBytes(800).toString('base64url').slice(0, 1023);
      const large = archived(noon, {
        withBare: `${part()}@${part()}`,
        withResource: part(),
        message: 'x'.repeat(300_000),
      });
      await store().add(account, large);
      const { withBare, withResource } = large;
      expect(await store().page(account, { withBare, withResource }, 10, false)).toEqual([large]);
    });

    it('are read in pages from both ends, each message once and in order', async () => {
      const ids = Array.from({ length: 25 }, (_, index) => noon + 10 * index);
      const account = await filled(ids);
      const forwards: number[] = [];
      for (let page = await store().page(account, {}, 10, false); page.length > 0; ) {
        forwards.push(...idsOf(page));
        page = await store().page(account, { after: forwards.at(-1) }, 10, false);
      }
      expect(forwards).toEqual(ids);
      let backwards: number[] = [];
      for (let page = await store().page(account, {}, 10, true); page.length > 0; ) {
        backwards = [...idsOf(page), ...backwards];
        page = await store().page(account, { before: backwards[0] }, 10, true);
      }
      expect(backwards).toEqual(ids);
    });

    it('are read between ids, neither of them included', async () => {
      const account = await filled([1, 2, 3, 4, 5, 6].map((n) => noon + n));
      const between = { after: noon + 1, before: noon + 6 };
      const relative = (page: readonly StoredMessage[]) => idsOf(page).map((id) => id - noon);
      expect(relative(await store().page(account, between, 10, false))).toEqual([2, 3, 4, 5]);
      expect(relative(await store().page(account, between, 2, false))).toEqual([2, 3]);
      expect(relative(await store().page(account, between, 2, true))).toEqual([4, 5]);
      expect(relative(await store().page(account, { after: noon + 6 }, 2, true))).toEqual([]);
      expect(await store().count(account, between)).toBe(4);
    });

    it('know with whom a message was exchanged, resource or not', async () => {
      const account = await filled([noon, noon + 1], { withResource: 'balcony' });
      const { add } = store();
      await add(account, archived(noon + 2, { withResource: 'garden' }));
      await add(account, archived(noon + 3, { withBare: 'nurse@capulet.example', withResource: 'balcony' }));
      await add(account, archived(noon + 4, { withResource: '' }));
      const found = async (filter: ArchiveFilter, isBackwards = false) => {
        const page = await store().page(account, filter, 2, isBackwards);
        return [idsOf(page).map((id) => id - noon), await store().count(account, filter)];
      };
      const withBare = 'juliet@capulet.example';
      expect(await found({ withBare })).toEqual([[0, 1], 4]);
      expect(await found({ withBare }, true)).toEqual([[2, 4], 4]);
      expect(await found({ withBare, withResource: 'balcony' })).toEqual([[0, 1], 2]);
      expect(await found({ withBare, withResource: 'garden' }, true)).toEqual([[2], 1]);
      expect(await found({ withBare, withResource: '' })).toEqual([[4], 1]);
      expect(await found({ withBare, after: noon + 1 })).toEqual([[2, 4], 2]);
      expect(await found({ withBare: 'capulet.example' })).toEqual([[], 0]);
      expect(await found({})).toEqual([[0, 1], 5]);
    });

    it('find a rare resource among thousands of messages, and count thousands', async () => {
      const common = Array.from({ length: 2_500 }, (_, index) => noon + index);
      const account = await filled(common);
      const rare = { withBare: 'juliet@capulet.example', withResource: 'garden' };
      for (const id of [noon + 3_000, noon + 3_002]) await store().add(account, archived(id, rare));
      await store().add(account, archived(noon + 3_001));
      expect(idsOf(await store().page(account, rare, 10, false))).toEqual([noon + 3_000, noon + 3_002]);
      expect(idsOf(await store().page(account, rare, 1, false))).toEqual([noon + 3_000]);
      expect(idsOf(await store().page(account, rare, 1, true))).toEqual([noon + 3_002]);
      const backwards = { ...rare, withResource: 'balcony', before: noon + 1 };
      expect(idsOf(await store().page(account, backwards, 10, true))).toEqual([noon]);
      expect(await store().count(account, {})).toBe(2_503);
      expect(await store().count(account, { withBare: rare.withBare })).toBe(2_503);
      expect(await store().count(account, rare)).toBe(2);
      expect(await store().count(account, { after: noon + 499 })).toBe(2_003);
    });

    it('find messages by their ids, those that the account has', async () => {
      const account = await filled([noon + 2, noon + 1, noon]);
      const other = await subject().account('benvolio@montague.example');
      await store().add(other, archived(noon + 3));
      const asked = [noon + 2, 5, noon + 3, noon, noon];
      expect(idsOf(await store().find(account, asked))).toEqual([noon, noon + 2]);
      expect(await store().find(account, [])).toEqual([]);
    });

    it('know their ends, and the newest id of all', async () => {
      expect(await store().newestId()).toBe(0);
      const account = await filled([noon + 5, noon + 1, noon + 3]);
      const other = await subject().account('benvolio@montague.example');
      await store().add(other, archived(noon + 7));
      expect(await store().ends(account)).toEqual({ first: noon + 1, last: noon + 5 });
      expect(await store().ends(other)).toEqual({ first: noon + 7, last: noon + 7 });
      expect(await store().ends(4711)).toBeUndefined();
      expect(await store().newestId()).toBe(noon + 7);
    });

    it('lose the oldest messages first, some at a time, whosever they are', async () => {
      const account = await filled([noon, noon + 1, noon + 4, noon + 5]);
      const other = await subject().account('benvolio@montague.example');
      for (const id of [noon + 2, noon + 3, noon + 6]) await store().add(other, archived(id));
      expect(await store().expire(noon + 5, 3)).toBe(3);
      expect(idsOf(await everything(account))).toEqual([noon + 4, noon + 5]);
      expect(idsOf(await everything(other))).toEqual([noon + 3, noon + 6]);
      expect(await store().expire(noon + 5, 3)).toBe(2);
      expect(await store().expire(noon + 5, 3)).toBe(0);
      expect(idsOf(await everything(account))).toEqual([noon + 5]);
      expect(idsOf(await everything(other))).toEqual([noon + 6]);
    });

    it('go with their account, large ones too, and those of others stay', async () => {
      const gone = await filled(Array.from({ length: 1_100 }, (_, index) => noon + index));
      const other = await subject().account('benvolio@montague.example');
      await store().add(other, archived(noon + 5_000));
      const preferences = { fallback: 'never', always: [], never: [] } as const;
      for (const id of [gone, other]) await store().putPreferences(id, preferences);
      expect(await subject().stores.accounts.remove('romeo@montague.example')).toBe(true);
      expect(await everything(gone)).toEqual([]);
      expect(await store().loadPreferences(gone)).toBeUndefined();
      expect(idsOf(await everything(other))).toEqual([noon + 5_000]);
      expect(await store().loadPreferences(other)).toEqual(preferences);
    });

    it('have preferences once somebody has said, replaced as a whole', async () => {
      const [romeo, benvolio] = [
        await subject().account(),
        await subject().account('benvolio@montague.example'),
      ];
      expect(await store().loadPreferences(romeo)).toBeUndefined();
      const many = Array.from({ length: 1_000 }, (_, n) => `${n}@capulet.example/🔔"'\\`);
      await store().putPreferences(romeo, { fallback: 'roster', always: many, never: ['x.example'] });
      expect(await store().loadPreferences(romeo)).toEqual({
        fallback: 'roster',
        always: many,
        never: ['x.example'],
      });
      await store().putPreferences(romeo, { fallback: 'never', always: [], never: [] });
      expect(await store().loadPreferences(romeo)).toEqual({ fallback: 'never', always: [], never: [] });
      expect(await store().loadPreferences(benvolio)).toBeUndefined();
      await expect(
        store().putPreferences(4711, { fallback: 'never', always: [], never: [] }),
      ).rejects.toThrow();
    });
  });
}
