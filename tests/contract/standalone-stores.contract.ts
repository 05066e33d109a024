import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Credentials,
  ScramKeys,
  StandaloneStores,
  StoredContact,
} from '../../src/hosts/standalone/store.js';
import { archiveStoreContract } from './archive-store.contract.js';

/** Fresh data, and as many handles on it as a test opens. */
export interface StandaloneStoresUnderTest {
  open(): Promise<StandaloneStores>;
  /** Closes what was opened and removes the data. */
  dispose(): Promise<void>;
}

const bytes = (size: number) => Uint8Array.from(randomBytes(size));

function scramKeys(size: number): ScramKeys {
  return { salt: bytes(16), iterations: 10_000, storedKey: bytes(size), serverKey: bytes(size) };
}

/** Credentials that differ from all others. */
export function credentials(): Credentials {
  return { sha1: scramKeys(20), sha256: scramKeys(32) };
}

/** A contact; what is not given is that of a new, empty one. */
export function contact(given: Partial<StoredContact> = {}): StoredContact {
  return {
    jid: 'juliet@capulet.example',
    name: '',
    groups: [],
    subscription: 'none',
    ask: false,
    approved: false,
    isListed: false,
    pendingIn: undefined,
    ...given,
  };
}

/** Of equal content, whatever kind of bytes a store has. */
function plain({ sha1, sha256 }: Credentials): Credentials {
  const plainKeys = ({ salt, iterations, storedKey, serverKey }: ScramKeys) => ({
    iterations,
    salt: Uint8Array.from(salt),
    storedKey: Uint8Array.from(storedKey),
    serverKey: Uint8Array.from(serverKey),
  });
  return { sha1: plainKeys(sha1), sha256: plainKeys(sha256) };
}

/** Text of that many bytes that an index cannot store in fewer. */
function incompressible(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}

const strange = `🔔 "'; drop table accounts; -- \\ %_ \t é`;

/** What every implementation of the store types in `hosts/standalone/store.ts` does. */
export function standaloneStoresContract(prepare: () => Promise<StandaloneStoresUnderTest>): void {
  let subject: StandaloneStoresUnderTest;
  let stores: StandaloneStores;
  beforeEach(async () => {
    subject = await prepare();
    stores = await subject.open();
  });
  afterEach(() => subject.dispose());

  async function idOf(bareJid: string): Promise<number> {
    const account = await stores.accounts.find(bareJid);
    if (account === undefined) throw new Error(`no account ${bareJid}`);
    return account.id;
  }

  /** Makes an account; answers its id. */
  async function account(bareJid = 'romeo@montague.example'): Promise<number> {
    expect(await stores.accounts.create(bareJid, credentials())).toBe(true);
    return idOf(bareJid);
  }

  describe('accounts', () => {
    it('are found as they were made, and no others', async () => {
      const keys = credentials();
      expect(await stores.accounts.create('romeo@montague.example', keys)).toBe(true);
      const found = await stores.accounts.find('romeo@montague.example');
      expect(found?.bareJid).toBe('romeo@montague.example');
      expect(found && plain(found.credentials)).toEqual(plain(keys));
      expect(await stores.accounts.find('tybalt@capulet.example')).toBeUndefined();
    });

    it('are not made twice, by two processes at once either, and keep their credentials', async () => {
      const other = await subject.open();
      const attempts = Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? stores : other).accounts.create('romeo@montague.example', credentials()),
      );
      expect((await Promise.all(attempts)).filter((made) => made)).toHaveLength(1);
      const before = await stores.accounts.find('romeo@montague.example');
      expect(await other.accounts.create('romeo@montague.example', credentials())).toBe(false);
      expect(await stores.accounts.find('romeo@montague.example')).toEqual(before);
    });

    it('get other credentials, if they are there', async () => {
      const id = await account();
      const keys = credentials();
      expect(await stores.accounts.setCredentials('romeo@montague.example', keys)).toBe(true);
      const found = await stores.accounts.find('romeo@montague.example');
      expect(found?.id).toBe(id);
      expect(found && plain(found.credentials)).toEqual(plain(keys));
      expect(await stores.accounts.setCredentials('nobody@montague.example', keys)).toBe(false);
    });

    it('are removed with all that they have, and nothing of others', async () => {
      const [gone, other] = [await account(), await account('benvolio@montague.example')];
      for (const id of [gone, other]) {
        await stores.rosters.put(id, contact());
        await stores.offline.add(id, '<message/>', 10);
        await stores.blocks.add(id, ['tybalt@capulet.example']);
        await stores.documents.put(id, 'vcard', '', '<vCard/>', 1);
      }
      const belongings = async (id: number) => [
        (await stores.rosters.load(id)).length,
        (await stores.offline.list(id, 10)).length,
        (await stores.blocks.load(id)).length,
        (await stores.documents.find(id, 'vcard', '')) === undefined ? 0 : 1,
      ];
      expect(await stores.accounts.remove('romeo@montague.example')).toBe(true);
      expect(await stores.accounts.remove('romeo@montague.example')).toBe(false);
      expect(await stores.accounts.find('romeo@montague.example')).toBeUndefined();
      expect(await belongings(gone)).toEqual([0, 0, 0, 0]);
      expect(await belongings(other)).toEqual([1, 1, 1, 1]);
    });

    it('never get the id of one that was removed', async () => {
      const first = await account();
      await stores.accounts.remove('romeo@montague.example');
      const second = await account();
      expect(second).toBeGreaterThan(first);
      await stores.accounts.remove('romeo@montague.example');
      expect(await account('benvolio@montague.example')).toBeGreaterThan(second);
    });

    it('get nothing more when they are gone', async () => {
      const id = await account();
      await stores.accounts.remove('romeo@montague.example');
      await expect(stores.rosters.put(id, contact())).rejects.toThrow();
      await expect(stores.blocks.add(id, ['tybalt@capulet.example'])).rejects.toThrow();
      expect(await stores.offline.add(id, '<message/>', 10)).toBe(false);
      expect(await stores.documents.put(id, 'vcard', '', '<vCard/>', 1)).toBe(false);
      await stores.rosters.remove(id, 'juliet@capulet.example');
      await stores.offline.remove(id, 1_000_000);
      await stores.blocks.remove(id, ['tybalt@capulet.example']);
      await stores.documents.remove(id, 'vcard', '');
    });

    it('are listed in the order of their bytes, a page at a time', async () => {
      const jids = [
        'Z@a.example',
        'a@a.example',
        'a@b.example',
        'ab@a.example',
        'é@a.example',
        '🔔@a.example',
      ];
      for (const jid of jids.toReversed()) await account(jid);
      expect(await stores.accounts.list('', 100)).toEqual(jids);
      expect(await stores.accounts.list('', 2)).toEqual(jids.slice(0, 2));
      expect(await stores.accounts.list('a@a.example', 3)).toEqual(jids.slice(2, 5));
      expect(await stores.accounts.list('aa@a.example', 1)).toEqual(['ab@a.example']);
      expect(await stores.accounts.list('🔔@a.example', 100)).toEqual([]);
    });

    it('may have the longest names', async () => {
      const jid = `${incompressible(1023)}@${incompressible(1023)}`;
      await account(jid);
      expect(await stores.accounts.list('', 1)).toEqual([jid]);
    });
  });

  describe('rosters', () => {
    it('keep each contact as it is, for its account alone', async () => {
      const [romeo, benvolio] = [await account(), await account('benvolio@montague.example')];
      const juliet = contact({
        name: strange,
        groups: ['', strange, 'Lovers'],
        subscription: 'both',
        ask: true,
        approved: true,
        isListed: true,
        pendingIn: '<presence type="subscribe"/>',
      });
      const nurse = contact({ jid: 'capulet.example' });
      await stores.rosters.put(romeo, juliet);
      await stores.rosters.put(romeo, nurse);
      expect(await stores.rosters.load(romeo)).toHaveLength(2);
      expect(await stores.rosters.load(romeo)).toEqual(expect.arrayContaining([juliet, nurse]));
      expect(await stores.rosters.load(benvolio)).toEqual([]);
    });

    it('replace a contact as a whole', async () => {
      const id = await account();
      await stores.rosters.put(
        id,
        contact({ name: 'Juliet', groups: ['Lovers'], ask: true, pendingIn: '<presence/>' }),
      );
      const changed = contact({ subscription: 'to' });
      await stores.rosters.put(id, changed);
      expect(await stores.rosters.load(id)).toEqual([changed]);
    });

    it('forget a contact, and do not mind if there is none', async () => {
      const id = await account();
      await stores.rosters.put(id, contact());
      await stores.rosters.put(id, contact({ jid: 'nurse@capulet.example' }));
      for (let times = 0; times < 2; times++) await stores.rosters.remove(id, 'juliet@capulet.example');
      expect((await stores.rosters.load(id)).map(({ jid }) => jid)).toEqual(['nurse@capulet.example']);
    });

    it('may have contacts with the longest addresses', async () => {
      const id = await account();
      const jid = `${incompressible(1023)}@${incompressible(1023)}`;
      await stores.rosters.put(id, contact({ jid }));
      expect(await stores.rosters.load(id)).toEqual([contact({ jid })]);
    });
  });

  describe('offline messages', () => {
    const texts = async (id: number, limit = 100) =>
      (await stores.offline.list(id, limit)).map(({ message }) => message);

    it('are listed in order of arrival, the oldest first, for each account alone', async () => {
      const [romeo, benvolio] = [await account(), await account('benvolio@montague.example')];
      for (const text of ['1', strange, '3']) {
        expect(await stores.offline.add(romeo, text, 10)).toBe(true);
        await stores.offline.add(benvolio, `b${text}`, 10);
      }
      expect(await texts(romeo)).toEqual(['1', strange, '3']);
      expect(await texts(romeo, 2)).toEqual(['1', strange]);
      expect(await texts(benvolio, 1)).toEqual(['b1']);
    });

    it('are in order though nobody waits for them', async () => {
      const id = await account();
      const given = Array.from({ length: 30 }, (_, at) => String(at));
      expect(await Promise.all(given.map((text) => stores.offline.add(id, text, 20)))).toEqual(
        given.map((_, at) => at < 20),
      );
      expect(await texts(id)).toEqual(given.slice(0, 20));
    });

    it('are listed from one on', async () => {
      const id = await account();
      for (const text of ['1', '2', '3']) await stores.offline.add(id, text, 10);
      const [first] = await stores.offline.list(id, 1);
      const rest = await stores.offline.list(id, 10, first?.id);
      expect(rest.map(({ message }) => message)).toEqual(['2', '3']);
    });

    it('are kept up to the limit, and again when there is room', async () => {
      const id = await account();
      for (let n = 0; n < 3; n++) expect(await stores.offline.add(id, String(n), 3)).toBe(true);
      expect(await stores.offline.add(id, '3', 3)).toBe(false);
      expect(await stores.offline.add(id, '3', 0)).toBe(false);
      const [first] = await stores.offline.list(id, 1);
      await stores.offline.remove(id, first?.id ?? 0);
      expect(await stores.offline.add(id, '4', 3)).toBe(true);
      expect(await texts(id)).toEqual(['1', '2', '4']);
    });

    it('from two processes at once are all there, and the limit holds afterwards', async () => {
      const other = await subject.open();
      const id = await account();
      const attempts = Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? stores : other).offline.add(id, String(index), 10),
      );
      const stored = (await Promise.all(attempts)).filter((isStored) => isStored).length;
      expect(stored).toBeGreaterThanOrEqual(10);
      expect(await texts(id)).toHaveLength(stored);
      expect(await other.offline.add(id, 'one more', 10)).toBe(false);
    });

    it('are removed through an id, and those that came later stay', async () => {
      const [romeo, benvolio] = [await account(), await account('benvolio@montague.example')];
      for (const text of ['1', '2', '3', '4']) {
        await stores.offline.add(romeo, text, 10);
        await stores.offline.add(benvolio, text, 10);
      }
      const second = (await stores.offline.list(romeo, 10))[1];
      await stores.offline.remove(romeo, second?.id ?? 0);
      expect(await texts(romeo)).toEqual(['3', '4']);
      expect(await texts(benvolio)).toHaveLength(4);
    });

    it('may be as large as a stanza', async () => {
      const id = await account();
      const large = 'x'.repeat(300_000);
      await stores.offline.add(id, large, 1);
      expect(await texts(id)).toEqual([large]);
    });
  });

  describe('block lists', () => {
    const blocked = async (id: number) => (await stores.blocks.load(id)).toSorted();

    it('take many JIDs at once, also those that they have, and lose many at once', async () => {
      const [romeo, benvolio] = [await account(), await account('benvolio@montague.example')];
      await stores.blocks.add(romeo, ['a@a.example', 'b.example']);
      await stores.blocks.add(romeo, ['b.example', 'b.example', `c@c.example/${strange}`]);
      await stores.blocks.add(benvolio, ['a@a.example']);
      expect(await blocked(romeo)).toEqual(['a@a.example', 'b.example', `c@c.example/${strange}`].sort());
      await stores.blocks.remove(romeo, ['a@a.example', `c@c.example/${strange}`, 'never@was.example']);
      expect(await blocked(romeo)).toEqual(['b.example']);
      expect(await blocked(benvolio)).toEqual(['a@a.example']);
      await stores.blocks.add(romeo, []);
      await stores.blocks.remove(romeo, []);
      expect(await blocked(romeo)).toEqual(['b.example']);
    });

    it('hold two thousand of the longest JIDs', async () => {
      const id = await account();
      const jids = Array.from(
        { length: 2_000 },
        () => `${incompressible(1023)}@${incompressible(1023)}/${incompressible(1023)}`,
      ).sort();
      await stores.blocks.add(id, jids);
      expect(await blocked(id)).toEqual(jids);
      await stores.blocks.remove(id, jids);
      expect(await blocked(id)).toEqual([]);
    });
  });

  describe('documents', () => {
    it('are found by account, kind and key', async () => {
      const [romeo, benvolio] = [await account(), await account('benvolio@montague.example')];
      const names = [
        [romeo, 'vcard', ''],
        [romeo, 'private', strange],
        [romeo, 'private', 'storage:bookmarks'],
        [benvolio, 'private', 'storage:bookmarks'],
      ] as const;
      for (const [index, [id, kind, key]] of names.entries()) {
        expect(await stores.documents.put(id, kind, key, `<doc n="${index}"/>`, 10)).toBe(true);
      }
      for (const [index, [id, kind, key]] of names.entries()) {
        expect(await stores.documents.find(id, kind, key)).toBe(`<doc n="${index}"/>`);
      }
      expect(await stores.documents.find(benvolio, 'vcard', '')).toBeUndefined();
      expect(await stores.documents.find(romeo, 'vcard', 'storage:bookmarks')).toBeUndefined();
    });

    it('are replaced at the limit, but no new one is taken; kinds and accounts count apart', async () => {
      const [romeo, benvolio] = [await account(), await account('benvolio@montague.example')];
      expect(await stores.documents.put(romeo, 'private', 'a', '1', 2)).toBe(true);
      expect(await stores.documents.put(romeo, 'private', 'b', '1', 2)).toBe(true);
      expect(await stores.documents.put(romeo, 'private', 'c', '1', 2)).toBe(false);
      expect(await stores.documents.put(romeo, 'private', 'a', '2', 2)).toBe(true);
      expect(await stores.documents.find(romeo, 'private', 'a')).toBe('2');
      expect(await stores.documents.find(romeo, 'private', 'c')).toBeUndefined();
      expect(await stores.documents.put(romeo, 'vcard', 'c', '1', 1)).toBe(true);
      expect(await stores.documents.put(benvolio, 'private', 'c', '1', 1)).toBe(true);
      await stores.documents.remove(romeo, 'private', 'b');
      expect(await stores.documents.put(romeo, 'private', 'c', '1', 2)).toBe(true);
    });

    it('are forgotten, one at a time', async () => {
      const id = await account();
      await stores.documents.put(id, 'private', 'a', '1', 2);
      await stores.documents.put(id, 'private', 'b', '2', 2);
      for (let times = 0; times < 2; times++) await stores.documents.remove(id, 'private', 'a');
      expect(await stores.documents.find(id, 'private', 'a')).toBeUndefined();
      expect(await stores.documents.find(id, 'private', 'b')).toBe('2');
    });

    it('may be large, under a long key', async () => {
      const id = await account();
      const [key, text] = [incompressible(10_000), 'x'.repeat(300_000)];
      await stores.documents.put(id, 'private', key, text, 1);
      expect(await stores.documents.find(id, 'private', key)).toBe(text);
      expect(await stores.documents.find(id, 'private', `${key}x`)).toBeUndefined();
    });
  });

  archiveStoreContract(() => ({ stores, open: () => subject.open(), account }));
}
