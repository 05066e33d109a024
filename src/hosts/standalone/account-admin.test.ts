import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { memoryServerStores } from '../../../tests/harness/memory-server-stores.js';
import { recordingEvents } from '../../../tests/harness/recording-events.js';
import { Jid } from '../../xmpp/jid.js';
import { type AccountAdmin, AccountNameError, createAccountAdmin, PasswordError } from './account-admin.js';
import { credentialsFor } from './sasl/credentials.js';

const domain = Jid.parse('example.org');
const ana = Jid.parse('ana@example.org');

let stores: ReturnType<typeof memoryServerStores>;
let recording: ReturnType<typeof recordingEvents>;
let admin: AccountAdmin;

beforeEach(() => {
  stores = memoryServerStores();
  recording = recordingEvents();
  admin = createAccountAdmin({ domain, accounts: stores.accounts, randomBytes, events: recording.events });
});

const credentials = async () => (await stores.accounts.find('ana@example.org'))?.credentials;

describe('createAccountAdmin', () => {
  it('creates an account once', async () => {
    expect(await admin.create(ana, 'one', 'operator')).toBe('created');
    const made = await credentials();
    expect(await admin.create(ana, 'two', 'registration')).toBe('exists');
    expect(await credentials()).toEqual(made);
    expect(recording.recorded).toEqual([{ name: 'accountCreated', jid: 'ana@example.org', by: 'operator' }]);
  });

  it('changes the password of an account that there is', async () => {
    expect(await admin.setPassword(ana, 'two', 'user')).toBe(false);
    await admin.create(ana, 'one', 'operator');
    const made = await credentials();
    expect(await admin.setPassword(ana, 'two', 'user')).toBe(true);
    expect(await credentials()).not.toEqual(made);
    expect(recording.recorded.slice(1)).toEqual([
      { name: 'passwordChanged', jid: 'ana@example.org', by: 'user' },
    ]);
  });

  it('knows which accounts there are', async () => {
    expect(await admin.has(ana)).toBe(false);
    await admin.create(ana, 'one', 'operator');
    expect(await admin.has(ana)).toBe(true);
    await expect(admin.has(Jid.parse('ana@elsewhere.org'))).rejects.toThrow(AccountNameError);
  });

  it('removes an account from the store', async () => {
    await admin.create(ana, 'one', 'operator');
    expect(await admin.remove(ana, 'operator')).toBe(true);
    expect(await admin.remove(ana, 'operator')).toBe(false);
    expect(recording.recorded.slice(1)).toEqual([
      { name: 'accountRemoved', jid: 'ana@example.org', by: 'operator' },
    ]);
  });

  it('leaves a removal to a running server', async () => {
    const removed: string[] = [];
    const running = createAccountAdmin({
      domain,
      accounts: stores.accounts,
      randomBytes,
      events: recording.events,
      remove: async (jid, by) => removed.push(`${jid} ${by}`) > 0,
    });
    expect(await running.remove(ana, 'user')).toBe(true);
    expect(removed).toEqual(['ana@example.org user']);
    expect(recording.recorded).toEqual([]);
  });

  it('lists all accounts in order, beyond one page', async () => {
    const same = await credentialsFor('x', randomBytes);
    const names = Array.from({ length: 1_001 }, (_, at) => `user${String(at).padStart(4, '0')}@example.org`);
    for (const name of names.toReversed()) await stores.accounts.create(name, same);
    const listed: string[] = [];
    for await (const jid of admin.list()) listed.push(jid);
    expect(listed).toEqual(names);
  });

  it.each([
    ['example.org', /ana@example\.org/],
    ['ana@example.org/phone', /resource/],
    ['ana@example.net', /domain is example\.org/],
  ])('refuses %s, which is no account here', async (text, message) => {
    const jid = Jid.parse(text);
    for (const attempt of [
      () => admin.create(jid, 'x', 'operator'),
      () => admin.setPassword(jid, 'x', 'operator'),
      () => admin.remove(jid, 'operator'),
    ]) {
      const error: unknown = await attempt().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(AccountNameError);
      expect(error).toMatchObject({ message: expect.stringMatching(message) });
    }
  });

  it.each(['', 'a\u0000', 'x'.repeat(1_024)])('refuses an unfit password', async (password) => {
    await expect(admin.create(ana, password, 'operator')).rejects.toThrow(PasswordError);
    expect(await credentials()).toBeUndefined();
  });

  it('hands on the errors of the store', async () => {
    stores.tables.failure = new Error('disk on fire');
    await expect(admin.create(ana, 'x', 'operator')).rejects.toThrow('disk on fire');
    await expect(admin.setPassword(ana, 'x', 'operator')).rejects.toThrow('disk on fire');
    await expect(admin.remove(ana, 'operator')).rejects.toThrow('disk on fire');
  });
});
