import type { SubscriptionKeys } from '../../../web-push/subscription.js';
import { readJsonArray } from '../../text/json-array.js';

/** What is kept of a subscription beside its endpoint. */
export interface Details extends SubscriptionKeys {
  /** Whether its client is told of what is worth no more than a look, too. */
  readonly wantsUnimportant: boolean;
}

/** Which form of the text it is. */
const version = '1';
const p256dhBytes = 65;
const authBytes = 16;

/** The details as they are stored: the same text for the same details. */
export function detailsText({ p256dh, auth, wantsUnimportant }: Details): string {
  return version + JSON.stringify([base64url(p256dh), base64url(auth), wantsUnimportant]);
}

/** Reads what `detailsText` has written; undefined if it is none of that. */
export function readDetails(text: string): Details | undefined {
  if (!text.startsWith(version)) return undefined;
  const [p256dh, auth, wantsUnimportant] = readJsonArray(text.slice(version.length));
  const keys = { p256dh: readKey(p256dh, p256dhBytes), auth: readKey(auth, authBytes) };
  if (keys.p256dh === undefined || keys.auth === undefined) return undefined;
  return { p256dh: keys.p256dh, auth: keys.auth, wantsUnimportant: wantsUnimportant === true };
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

function readKey(value: unknown, bytes: number): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined;
  // A copy: what is kept for long must not keep a pool of buffers with it.
  const key = new Uint8Array(Buffer.from(value, 'base64url'));
  return key.length === bytes ? key : undefined;
}
