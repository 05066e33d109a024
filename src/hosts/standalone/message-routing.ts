/** Types of messages (RFC 6121 §5.2.2). */
type MessageType = 'chat' | 'error' | 'groupchat' | 'headline' | 'normal';

/** What a message is addressed to: the account, or a full JID that is no session's (any more). */
export type MessageAddress = 'account' | 'absent-resource';

/** `deliver`: to all sessions that take messages for their account. `return`: with `service-unavailable`. */
type MessageFate = 'deliver' | 'offline' | 'return' | 'ignore';

type MessageFates = readonly [taken: MessageFate, notTaken: MessageFate];

/**
 * RFC 6121 §8.5.2.1.1, §8.5.2.2.1 and §8.5.3.2.1, summed up in §8.5.4: what becomes of a message for an account, if any
 * session takes it and if none does. What is for the full JID of a session is its own, whatever the type (§8.5.3.1).
 *
 * Where the RFC leaves a choice: chats go to all sessions of non-negative priority and not only to the "most available",
 * because people have several devices and none of them knows which one its owner looks at. Chats that nobody takes
 * are offered to offline storage. Whatever may be ignored or returned is returned, so that nothing is lost without a word,
 * but for headlines, which are worth nothing later.
 */
const fates: Readonly<Record<MessageAddress, Readonly<Record<MessageType, MessageFates>>>> = {
  account: {
    normal: ['deliver', 'offline'],
    chat: ['deliver', 'offline'],
    groupchat: ['return', 'return'],
    headline: ['deliver', 'ignore'],
    error: ['ignore', 'ignore'],
  },
  'absent-resource': {
    normal: ['return', 'return'],
    chat: ['deliver', 'offline'],
    groupchat: ['return', 'return'],
    headline: ['ignore', 'ignore'],
    error: ['ignore', 'ignore'],
  },
};

/** What becomes of it if a session takes it, and if none does. An unknown type is `normal` (RFC 6121 §5.2.2). */
export function messageFates(type: string | undefined, address: MessageAddress): MessageFates {
  return fates[address][isMessageType(type) ? type : 'normal'];
}

function isMessageType(type: string | undefined): type is MessageType {
  return type !== undefined && Object.hasOwn(fates.account, type);
}

/** Whether a session takes messages for its account (RFC 6121 §8.5.2.1.1): those of negative priority never do. */
export function takesMessages(session: {
  readonly isAvailable: boolean;
  readonly priority: number;
}): boolean {
  return session.isAvailable && session.priority >= 0;
}
