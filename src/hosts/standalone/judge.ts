import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import type { StanzaError } from '../../xmpp/stanza-error.js';
import type { Account } from './account.js';
import type { Hooks } from './hooks.js';

/** Whether an address is the account's own, with whatever resource. */
export function isOwn(jid: Jid, account: Jid): boolean {
  return jid.local === account.local && jid.domain === account.domain;
}

/** What the modules say of a stanza for an account, if it is not the account's own. */
export function judgeIncoming(
  hooks: Pick<Hooks, 'incoming'>,
  account: Account,
  stanza: Element,
  from: Jid,
): StanzaError | 'drop' | undefined {
  return isOwn(from, account.jid) ? undefined : hooks.incoming.ask(account, stanza, from);
}
