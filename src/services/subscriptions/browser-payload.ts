import { portablePayloadBytes } from '../../web-push/encrypt.js';
import { fitJson } from '../text/fit-json.js';

/** What every browser is told, as JSON, whoever tells it. The order of the text is that of the object. */
export interface BrowserPayload {
  /** Which form of the payload it is. */
  readonly v: 1;
  /** A bare JID. */
  readonly account: string;
  readonly importance: 'important' | 'unimportant';
  readonly kind: string;
  /** Whom it is about, a bare JID; absent if nobody has sent anything. */
  readonly conversation?: string;
  readonly sender?: string;
  readonly body?: string;
}

/** A payload, and what it says at least, for a push service that takes less; undefined if it says no more than that. */
export interface Payloads {
  readonly payload: Uint8Array;
  readonly shorter: Uint8Array | undefined;
}

/** What goes after the body if there is no room for all of it. */
const expendable = ['sender', 'conversation', 'account'] as const;

/** A payload that all push services take: the body is cut at the end, at a character. At least: without who has written, and what. */
export function payloadsOf(whole: BrowserPayload): Payloads {
  const { body, sender, ...least } = whole;
  const isLeast = body === undefined && sender === undefined;
  return { payload: fitted(whole), shorter: isLeast ? undefined : fitted(least) };
}

/** The payload as bytes, of which there are no more than all push services take. */
export function fitted(payload: BrowserPayload): Uint8Array {
  return Buffer.from(fitJson(payload, 'body', expendable, portablePayloadBytes));
}
