import type { Urgency } from '../../../web-push/request.js';
import type { Subscription } from '../../../web-push/subscription.js';
import { messageTtl } from '../../subscriptions/message-ttl.js';
import { sealedTopic } from '../../subscriptions/sealed-topic.js';
import type { PushMessage, PushSender, WebPush } from '../../web-push/web-push.js';
import type { Notification, Rules, Target } from '../channel.js';
import { notificationPayloads } from './payload.js';
import type { WebPushChannelSettings } from './settings.js';
import { topicOf } from './topic.js';

export interface TargetOptions {
  readonly webPush: Pick<WebPush, 'push' | 'withdraw'>;
  /** Those of the moment. */
  readonly settings: () => WebPushChannelSettings;
}

/** A browser of an account. */
export interface Browser {
  /** The bare JID. */
  readonly account: string;
  readonly subscription: Subscription;
  /** Whether it is told of what is worth no more than a look, too. */
  readonly wantsUnimportant: boolean;
}

const rules: Rules = { whileAway: false, ignoresUnknown: false, muted: new Set(), rooms: undefined };
const rulesOfMost: Rules = { ...rules, onlyImportant: true };

/** By which Web Push knows what is sent here. */
export const service = 'notify';

/** In whose name messages for browsers of an account are sent, and withdrawn. */
export function senderFor(account: string): PushSender {
  return { service, reference: account };
}

/** A browser behind a push service, which is told of each conversation by itself. */
export function createTarget(browser: Browser, { webPush, settings }: TargetOptions): Target {
  const { account, subscription, wantsUnimportant } = browser;
  const sender = senderFor(account);
  return {
    service: subscription.origin,
    rules: wantsUnimportant ? rules : rulesOfMost,
    topicOf: (stanza) => topicOf(stanza, account),
    withdraw: () => void webPush.withdraw(subscription.endpoint, sender),
    deliver: (notification, signal) =>
      webPush.push(subscription, messageOf(notification, browser, settings()), sender, signal),
  };
}

function messageOf(
  notification: Notification,
  { account, subscription }: Browser,
  settings: WebPushChannelSettings,
): PushMessage {
  return {
    ...notificationPayloads(notification, settings),
    ttl: messageTtl(notification.kind === 'call', settings.ttl),
    urgency: urgencyOf(notification),
    topic: sealedTopic(subscription.auth, account, subjectOf(notification, account)),
  };
}

/** What RFC 8030 §5.3 gives as examples: a call is `high`, a message `normal`; so is a call that nobody can take any more. */
function urgencyOf({ level, kind }: Notification): Urgency {
  if (level === 'important') return kind === 'call' ? 'high' : 'normal';
  return kind === 'ping' ? 'normal' : 'low';
}

/** What is unimportant must not replace what is important; a newer one of the same kind says all that an older one does. */
function subjectOf({ level, stanza }: Notification, account: string): string {
  if (stanza === undefined) return 'ping';
  const topic = topicOf(stanza, account);
  return level === 'important' ? topic : `unimportant ${topic}`;
}
