import type { Events } from '../../observability/events.js';
import type { Jid } from '../../xmpp/jid.js';
import type { AccountCache } from './account-cache.js';
import type { Sessions } from './entrance.js';
import type { Hooks } from './hooks.js';
import { quietly } from './quietly.js';
import type { AccountStore } from './store.js';

export interface AccountRemovalOptions {
  readonly accounts: AccountCache;
  readonly sessions: Pick<Sessions, 'expel'>;
  readonly store: Pick<AccountStore, 'remove'>;
  readonly hooks: Pick<Hooks, 'accountRemoving' | 'accountRemoved'>;
  readonly events: Pick<Events, 'accountRemoved' | 'handlerFailed'>;
}

/**
 * Removes an account with all that it has, and ends its sessions. False if there is none.
 * @throws what a module threw that says farewell, or the store's error; then the account is still there
 */
export async function removeAccount(
  { accounts, sessions, store, hooks, events }: AccountRemovalOptions,
  jid: Jid,
  by: 'operator' | 'user',
): Promise<boolean> {
  const key = jid.toString();
  const account = await accounts.with(jid, (found) => found);
  if (account === undefined) return false;
  await hooks.accountRemoving.run(account);
  const removed = await accounts.with(jid, async (found) => {
    if (found === undefined || !(await store.remove(key))) return undefined;
    const ended = sessions.expel(found);
    accounts.forget(key);
    return { ended };
  });
  if (removed === undefined) return false;
  await removed.ended;
  events.accountRemoved({ jid: key, by });
  await quietly(events, 'accountRemoved', () => hooks.accountRemoved.run(jid));
  return true;
}
