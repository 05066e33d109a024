import { fitJson } from '../../text/fit-json.js';
import { messageText } from '../../text/message-text.js';
import type { Notification } from '../channel.js';
import type { WebPushChannelSettings } from './settings.js';
import { conversationOf } from './topic.js';

/** What a browser reads, as JSON; docs/web-push.md describes it. The order is that of the text. */
interface Payload {
  /** Which form of the payload it is. */
  readonly v: 1;
  readonly account: string;
  readonly count: number;
  readonly importance: 'important' | 'unimportant';
  readonly kind: string;
  /** A bare JID; absent if nobody has sent anything. */
  readonly conversation?: string;
  /** A full JID. */
  readonly sender?: string;
  readonly body?: string;
}

/** The most that all push services take: some are content with no more. */
const maxBytes = 2_847;

/** What goes after the body if there is no room for all of it. */
const expendable = ['sender', 'conversation', 'account'] as const;

/** A payload, and what it says at least: the same without who exactly has written, and what; undefined if it says no more. */
export interface Payloads {
  readonly payload: Uint8Array;
  readonly shorter: Uint8Array | undefined;
}

/** What a browser is told, as JSON of at most 2,847 bytes: the body is cut at the end, at a character. */
export function payloadsOf(notification: Notification, settings: WebPushChannelSettings): Payloads {
  const whole = payloadOf(notification, settings);
  const { body, sender, ...least } = whole;
  const isLeast = body === undefined && sender === undefined;
  return { payload: fitted(whole), shorter: isLeast ? undefined : fitted(least) };
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

const fitted = (payload: Payload) => Buffer.from(fitJson(payload, 'body', expendable, maxBytes));
