import type { Jid } from '../../../xmpp/jid.js';
import type { Account } from '../account.js';
import type { ArchivePreferences } from '../store.js';

/**
 * Whether the account wants its messages with somebody archived (XEP-0441 §2.3). An address in both lists is in `never`: who
 * wrote it there does not want what cannot be taken back. The account itself counts as in its roster.
 */
export function isPreferred(
  { jid, contacts, archivePreferences }: Pick<Account, 'jid' | 'contacts' | 'archivePreferences'>,
  other: Jid,
  fallback: ArchivePreferences['fallback'],
): boolean {
  const bare = other.bare().toString();
  const listed = archivePreferences && listedAs(archivePreferences, other.toString(), bare);
  if (listed !== undefined) return listed;
  const rule = archivePreferences?.fallback ?? fallback;
  if (rule !== 'roster') return rule === 'always';
  return contacts.get(bare)?.isListed === true || bare === jid.toString();
}

function listedAs({ always, never }: ArchivePreferences, full: string, bare: string): boolean | undefined {
  if (never.includes(full) || never.includes(bare)) return false;
  return always.includes(full) || always.includes(bare) ? true : undefined;
}
