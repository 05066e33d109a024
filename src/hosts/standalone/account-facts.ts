import type { Jid } from '../../xmpp/jid.js';
import type { AccountHost } from '../host.js';
import type { Account } from './account.js';
import type { Server } from './module.js';

type Facts = Pick<AccountHost, 'isOccupant' | 'isContact' | 'pendingSubscriptions'>;

/** What services may ask about accounts: answered at once if the account is in memory. */
export function createAccountFacts({ accounts }: Pick<Server, 'accounts'>): Facts {
  const loaded = (user: Jid) => accounts.loaded(user.bare().toString());
  const read = async <T>(
    user: Jid,
    answer: (account: Account | undefined) => T,
    otherwise: T,
  ): Promise<T> => {
    try {
      return await accounts.with(user.bare(), answer);
    } catch {
      // Reported by whoever reads accounts.
      return otherwise;
    }
  };
  const about = <T>(user: Jid, answer: (account: Account | undefined) => T, otherwise: T) => {
    const account = loaded(user);
    return account === undefined ? read(user, answer, otherwise) : answer(account);
  };
  return {
    isOccupant: (user, occupant) => isOccupant(loaded(user), occupant),
    isContact: (user, contact) => about(user, (account) => isContact(account, contact), true),
    pendingSubscriptions: (user) => about(user, countPending, 0),
  };
}

/** Who has sent directed presence to an occupant is in the room under that name (XEP-0045 §7.2). */
function isOccupant(account: Account | undefined, occupant: string): boolean {
  if (account === undefined) return false;
  for (const { directed } of account.sessions.values()) if (directed.has(occupant)) return true;
  return false;
}

function isContact(account: Account | undefined, contact: Jid): boolean {
  const found = account?.contacts.get(contact.bare().toString());
  return found !== undefined && (found.subscription !== 'none' || found.ask);
}

function countPending(account: Account | undefined): number {
  let count = 0;
  for (const { pendingIn } of account?.contacts.values() ?? []) if (pendingIn !== undefined) count++;
  return count;
}
