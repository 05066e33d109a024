import type { Events } from '../../observability/events.js';
import type { Jid } from '../../xmpp/jid.js';
import { credentialsFor } from './sasl/credentials.js';
import type { AccountStore } from './store.js';

export { PasswordError } from './sasl/password.js';

/** An address that no account of this domain can have. The message is a sentence for the operator. */
export class AccountNameError extends Error {
  override readonly name = 'AccountNameError';
}

/**
 * Accounts as an operator or an invitation makes and ends them. Promises reject with the store's error, with
 * {@link AccountNameError} for an address that is no account's, and with `PasswordError` for an unfit password.
 */
export interface AccountAdmin {
  /** `client` is the address of whoever registered. */
  create(
    jid: Jid,
    password: string,
    by: 'operator' | 'registration',
    client?: string,
  ): Promise<'created' | 'exists'>;
  /** False if there is no such account. Sessions that it has go on. */
  setPassword(jid: Jid, password: string, by: 'operator' | 'user'): Promise<boolean>;
  /** Removes the account and all that it kept. False if there is none. */
  remove(jid: Jid, by: 'operator' | 'user'): Promise<boolean>;
  has(jid: Jid): Promise<boolean>;
  /** Bare JIDs in order of their text, read page by page. */
  list(): AsyncIterable<string>;
}

export interface AccountAdminOptions {
  readonly domain: Jid;
  readonly accounts: AccountStore;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Events;
  /**
   * How a running server removes an account, which has sessions to end, contacts to tell and an event to report. Without
   * it the account is only taken out of the store.
   */
  readonly remove?: (jid: Jid, by: 'operator' | 'user') => Promise<boolean>;
}

const pageSize = 500;

/** Accounts of a running server, or, without `remove`, of its stores alone. */
export function createAccountAdmin(options: AccountAdminOptions): AccountAdmin {
  const { domain, accounts, randomBytes, events } = options;
  const remove = options.remove ?? removeFromStore(options);
  return {
    async create(jid, password, by, client) {
      const name = accountName(jid, domain);
      const created = await accounts.create(name, await credentialsFor(password, randomBytes));
      if (created) events.accountCreated({ jid: name, by, ...(client !== undefined && { client }) });
      return created ? 'created' : 'exists';
    },
    async setPassword(jid, password, by) {
      const name = accountName(jid, domain);
      const changed = await accounts.setCredentials(name, await credentialsFor(password, randomBytes));
      if (changed) events.passwordChanged({ jid: name, by });
      return changed;
    },
    async remove(jid, by) {
      accountName(jid, domain);
      return remove(jid, by);
    },
    has: async (jid) => (await accounts.find(accountName(jid, domain))) !== undefined,
    list: () => listAll(accounts),
  };
}

/**
 * The bare JID of an account of that domain, as text.
 * @throws {AccountNameError} if the address is no account's there
 */
export function accountName(jid: Jid, domain: Jid): string {
  const example = `an account is written like ana@${domain}`;
  if (jid.local === '') throw new AccountNameError(`${jid} is no account: ${example}.`);
  if (jid.isFull) throw new AccountNameError(`${jid} has a resource at its end: ${example}.`);
  if (jid.domain !== domain.domain) {
    throw new AccountNameError(`${jid} is not an account here: the domain is ${domain}.`);
  }
  return jid.toString();
}

function removeFromStore({ accounts, events }: AccountAdminOptions): AccountAdmin['remove'] {
  return async (jid, by) => {
    const name = jid.toString();
    const removed = await accounts.remove(name);
    if (removed) events.accountRemoved({ jid: name, by });
    return removed;
  };
}

async function* listAll(accounts: AccountStore): AsyncGenerator<string> {
  for (let page = await accounts.list('', pageSize); page.length > 0; ) {
    yield* page;
    page = await accounts.list(page.at(-1) ?? '', pageSize);
  }
}
