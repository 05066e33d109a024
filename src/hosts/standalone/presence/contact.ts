import type { StoredContact, Subscription } from '../store.js';
import type { Progress, SubscriptionState } from './subscription.js';

/** Whether presence of the user goes to the contact. */
export function seesUser(contact: StoredContact | undefined): boolean {
  return contact?.subscription === 'from' || contact?.subscription === 'both';
}

/** Whether presence of the contact comes to the user. */
export function isSeen(contact: StoredContact): boolean {
  return contact.subscription === 'to' || contact.subscription === 'both';
}

/** The state of RFC 6121 appendix A that the contact is in; that of a stranger for undefined. */
export function stateOf(contact: StoredContact | undefined): SubscriptionState {
  if (contact === undefined) return { to: 'none', from: 'none', isApproved: false };
  return {
    to: progress(isSeen(contact), contact.ask),
    from: progress(seesUser(contact), contact.pendingIn !== undefined),
    isApproved: contact.approved,
  };
}

function progress(isGranted: boolean, isPending: boolean): Progress {
  if (isGranted) return 'granted';
  return isPending ? 'pending' : 'none';
}

/**
 * The contact in another state, or undefined if nothing is left of it: a request was answered with no, or withdrawn.
 * `request` is the XML that is kept while the contact's request is pending.
 */
export function inState(
  contact: StoredContact | undefined,
  jid: string,
  state: SubscriptionState,
  request: string,
): StoredContact | undefined {
  const isPending = state.from === 'pending';
  const subscription = subscriptionOf(state);
  const ask = state.to === 'pending';
  const isListed = contact?.isListed === true || subscription !== 'none' || ask || state.isApproved;
  if (!isListed && !isPending) return undefined;
  return {
    jid,
    name: contact?.name ?? '',
    groups: contact?.groups ?? [],
    subscription,
    ask,
    approved: state.isApproved,
    isListed,
    pendingIn: isPending ? (contact?.pendingIn ?? request) : undefined,
  };
}

function subscriptionOf({ to, from }: SubscriptionState): Subscription {
  if (to === 'granted') return from === 'granted' ? 'both' : 'to';
  return from === 'granted' ? 'from' : 'none';
}
