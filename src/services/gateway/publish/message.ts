import type { Urgency } from '../../../web-push/request.js';
import type { Payloads } from '../../subscriptions/browser-payload.js';
import { messageTtl } from '../../subscriptions/message-ttl.js';
import type { PushMessage, SealedMessage } from '../../web-push/web-push.js';
import type { GatewayRegistration } from '../store.js';
import type { Content } from './content.js';
import { encryptedPayloads, summaryPayloads } from './payload.js';
import { coarseTopicOf, topicOf } from './topic.js';

/** When it is sent, and with which others. */
export interface Plan {
  /** Seconds after which it is of no use any more. */
  readonly ttl: number;
  /** It waits on disk until then, in Unix milliseconds; undefined: it is sent at once. */
  readonly notBefore: number | undefined;
  /** It is one of too many: the newest of its kind stands for all of them. */
  readonly isOfMany: boolean;
}

/** What a push service gets for a publish. */
export function messageOf(
  registration: GatewayRegistration,
  content: Content,
  { ttl, notBefore, isOfMany }: Plan,
): PushMessage | SealedMessage {
  const handling = {
    ttl,
    urgency: urgencyOf(content),
    topic: isOfMany ? coarseTopicOf(registration, content) : topicOf(registration, content),
    ...(notBefore !== undefined && { notBefore }),
  };
  if (content.kind !== 'sealed') return { ...payloadsOf(registration.account, content), ...handling };
  return { body: content.body, authorization: content.token?.authorization, ...handling };
}

function payloadsOf(account: string, content: Exclude<Content, { readonly kind: 'sealed' }>): Payloads {
  return content.kind === 'summary' ? summaryPayloads(account, content) : encryptedPayloads(account, content);
}

/** What RFC 8030 §5.3 gives as examples: a call is `high`, a message `normal`. */
function urgencyOf({ isCall, isImportant }: Content): Urgency {
  if (isCall) return 'high';
  return isImportant ? 'normal' : 'low';
}

/**
 * Seconds for which a message is of use: not longer than a token of others is good, for it is sent with that or not at all. `now`:
 * Unix milliseconds.
 */
export function ttlOf(content: Content, usual: number, now: number): number {
  return Math.max(0, Math.min(messageTtl(content.isCall, usual), secondsLeft(content, now)));
}

/** Whether it would have to be sent with a token that is not good any more. */
export function isExpired(content: Content, now: number): boolean {
  return secondsLeft(content, now) < 1;
}

function secondsLeft(content: Content, now: number): number {
  const expiresAt = content.kind === 'sealed' ? content.token?.expiresAt : undefined;
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : Math.floor(expiresAt - now / 1_000);
}
