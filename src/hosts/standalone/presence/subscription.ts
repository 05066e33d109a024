/** Presence that asks for, grants or ends a subscription (RFC 6121 §3). */
export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

/** How far a subscription in one direction has come: not at all, asked for, or granted. */
export type Progress = 'none' | 'pending' | 'granted';

/**
 * What is between a user and a contact, from the user's side. The nine states of RFC 6121 appendix A.1 are the pairs of
 * the two directions, which nothing but this type joins: "None + Pending Out" is `to` pending and `from` none, "To + Pending
 * In" is `to` granted and `from` pending, "Both" is both granted.
 */
export interface SubscriptionState {
  /** The user's subscription to the contact's presence. */
  readonly to: Progress;
  /** The contact's subscription to the user's presence. */
  readonly from: Progress;
  /** The user has approved a subscription of the contact before it asked for one (§3.4). */
  readonly isApproved: boolean;
}

/** What comes of a stanza that the user sends. The state is the same object if nothing changes. */
export interface OutboundStep {
  readonly state: SubscriptionState;
  /** Whether the contact hears of it. */
  readonly isRouted: boolean;
}

/** What comes of a stanza that the contact sent. The state is the same object if nothing changes. */
export interface InboundStep {
  readonly state: SubscriptionState;
  /** Whether the user's clients hear of it. */
  readonly isDelivered: boolean;
  /** Whether `subscribed` is answered in the user's name. */
  readonly isAnswered: boolean;
}

/** RFC 6121 appendix A.2. Pre-approval is what "no state change" of A.2.3 and A.2.4 leaves open (§3.4.2). */
const outboundRules: Readonly<Record<SubscriptionType, (state: SubscriptionState) => OutboundStep>> = {
  subscribe: (state) => ({
    state: state.to === 'none' ? { ...state, to: 'pending' } : state,
    isRouted: true,
  }),
  unsubscribe: (state) => ({ state: state.to === 'none' ? state : { ...state, to: 'none' }, isRouted: true }),
  subscribed(state) {
    if (state.from === 'pending') return { state: { ...state, from: 'granted' }, isRouted: true };
    const isNew = state.from === 'none' && !state.isApproved;
    return { state: isNew ? { ...state, isApproved: true } : state, isRouted: false };
  },
  unsubscribed(state) {
    const changes = state.from !== 'none' || state.isApproved;
    const isRouted = state.from !== 'none';
    return { state: changes ? { ...state, from: 'none', isApproved: false } : state, isRouted };
  },
};

/**
 * RFC 6121 appendix A.3. `unsubscribe` is not answered with `unsubscribed`: who unsubscribes knows, and the answer could
 * meet, and undo, a new request that was sent in between.
 */
const inboundRules: Readonly<Record<SubscriptionType, (state: SubscriptionState) => InboundStep>> = {
  subscribe(state) {
    if (state.from === 'granted') return { state, isDelivered: false, isAnswered: true };
    if (state.isApproved) {
      return { state: { ...state, from: 'granted' }, isDelivered: false, isAnswered: true };
    }
    const isNew = state.from === 'none';
    return { state: isNew ? { ...state, from: 'pending' } : state, isDelivered: isNew, isAnswered: false };
  },
  unsubscribe: (state) => ended(state, 'from'),
  subscribed(state) {
    const isAnswer = state.to === 'pending';
    return {
      state: isAnswer ? { ...state, to: 'granted' } : state,
      isDelivered: isAnswer,
      isAnswered: false,
    };
  },
  unsubscribed: (state) => ended(state, 'to'),
};

function ended(state: SubscriptionState, direction: 'from' | 'to'): InboundStep {
  const changes = state[direction] !== 'none';
  return {
    state: changes ? { ...state, [direction]: 'none' } : state,
    isDelivered: changes,
    isAnswered: false,
  };
}

/** The user sends a stanza to the contact (RFC 6121 appendix A.2, §3.4.2). */
export function outboundStep(type: SubscriptionType, state: SubscriptionState): OutboundStep {
  return outboundRules[type](state);
}

/** A stanza arrives from the contact (RFC 6121 appendix A.3, §3.4.2). */
export function inboundStep(type: SubscriptionType, state: SubscriptionState): InboundStep {
  return inboundRules[type](state);
}
