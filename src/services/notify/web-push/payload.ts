import { type BrowserPayload, type Payloads, payloadsOf } from '../../subscriptions/browser-payload.js';
import { messageText } from '../../text/message-text.js';
import type { Notification } from '../channel.js';
import type { WebPushChannelSettings } from './settings.js';
import { conversationOf } from './topic.js';

/** What a browser reads, as JSON; docs/web-push.md describes it. */
interface Payload extends BrowserPayload {
  readonly count: number;
}

/** What a browser is told of something that waits for its account. */
export function notificationPayloads(notification: Notification, settings: WebPushChannelSettings): Payloads {
  return payloadsOf(payloadOf(notification, settings));
}

function payloadOf(notification: Notification, settings: WebPushChannelSettings): Payload {
  const { account, count, level, kind, stanza } = notification;
  const payload = { v: 1, account: account.toString(), count, importance: level, kind } as const;
  if (stanza === undefined) return payload;
  const conversation = conversationOf(stanza, payload.account);
  const sender = settings.withSender ? stanza.attr('from') : undefined;
  const body = bodyOf(notification, settings);
  return {
    ...payload,
    conversation,
    ...(sender !== undefined && { sender }),
    ...(body !== '' && { body }),
  };
}

function bodyOf(
  { level, stanza }: Notification,
  { withBody, importantBody }: WebPushChannelSettings,
): string {
  if (level !== 'important') return '';
  const text = withBody && stanza !== undefined ? messageText(stanza) : undefined;
  return text ?? importantBody;
}
