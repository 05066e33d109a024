import { Jid } from '../../../xmpp/jid.js';
import type { Acl } from '../../acl.js';
import type { GatewayRegistration } from '../store.js';
import { type Answer, answers } from './answers.js';

/** Whether it is the account's server that publishes: as its domain, or in the name of the account (as Tigase does). */
function isOfAccount(from: Jid, account: Jid): boolean {
  return from.isDomain ? from.domain === account.domain : from.equals(account);
}

/** Why a server may not publish for a registration; undefined if it may. */
export function refusedFor(
  from: Jid,
  { account: text }: Pick<GatewayRegistration, 'account'>,
  acl: Acl,
): Answer | undefined {
  const account = Jid.parse(text);
  if (!isOfAccount(from, account)) return answers.notItsServer;
  return acl(account) ? undefined : answers.notPermitted;
}
