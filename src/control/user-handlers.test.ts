import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { memoryServerStores } from '../../tests/harness/memory-server-stores.js';
import { recordingEvents } from '../../tests/harness/recording-events.js';
import { createAccountAdmin } from '../hosts/standalone/account-admin.js';
import { Jid } from '../xmpp/jid.js';
import { ControlError } from './protocol.js';
import { userHandlers } from './user-handlers.js';

const domain = Jid.parse('example.org');
let ask: (command: string, args?: Record<string, string>) => Promise<string[]>;
let stores: ReturnType<typeof memoryServerStores>;

beforeEach(() => {
  stores = memoryServerStores();
  const { accounts } = stores;
  const admin = createAccountAdmin({ domain, accounts, randomBytes, events: recordingEvents().events });
  const handlers = userHandlers(admin, domain);
  ask = async (command, args = {}) => {
    const items: string[] = [];
    await handlers[command]?.(args, async (item) => void items.push(item));
    return items;
  };
});

const jid = 'ana@example.org';
const password = 'a password';

describe('commands about accounts', () => {
  it('make, change, list and remove them', async () => {
    await ask('user.add', { jid, password });
    await ask('user.add', { jid: 'Bob@Example.ORG', password });
    expect(await ask('user.list')).toEqual([jid, 'bob@example.org']);
    const before = await stores.accounts.find(jid);
    await ask('user.passwd', { jid, password: 'another password' });
    expect((await stores.accounts.find(jid))?.credentials).not.toEqual(before?.credentials);
    await ask('user.remove', { jid });
    expect(await ask('user.list')).toEqual(['bob@example.org']);
  });

  it.each([
    ['user.add', { jid, password }, 'There is an account ana@example.org already.'],
    ['user.add', { jid: 'bob@example.org', password: '' }, /password/],
    ['user.add', { jid: 'bob@example.org' }, /password/],
    ['user.passwd', { jid, password: 'a\u0000b' }, /password/],
    ['user.passwd', { jid: 'bob@example.org', password }, 'There is no account bob@example.org.'],
    ['user.remove', { jid: 'bob@example.org' }, 'There is no account bob@example.org.'],
    ['user.remove', {}, '"" is no address: the domainpart is empty.'],
    ['user.remove', { jid: '@' }, /^"@" is no address: /],
    ['user.remove', { jid: 'bob' }, /^bob is no account: an account is written like ana@example\.org\.$/],
    ['user.remove', { jid: 'ana@example.org/phone' }, /has a resource at its end/],
    ['user.remove', { jid: 'ana@elsewhere.org' }, /the domain is example\.org\.$/],
  ])('say what is wrong: %s %j', async (command, args: Record<string, string>, message) => {
    await ask('user.add', { jid, password });
    const refused = ask(command, args);
    await expect(refused).rejects.toBeInstanceOf(ControlError);
    await expect(refused).rejects.toThrow(message);
    expect(await ask('user.list')).toEqual([jid]);
  });

  it('leave failures of the storage as they are', async () => {
    stores.accounts.create = () => Promise.reject(new Error('disk full'));
    await expect(ask('user.add', { jid, password })).rejects.not.toBeInstanceOf(ControlError);
  });
});
