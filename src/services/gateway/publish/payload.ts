import { fitJson } from '../../text/fit-json.js';
import type { Encrypted, Summary } from './content.js';

/** What a browser reads, as JSON; docs/gateway.md describes it. The order is that of the text. */
interface Payload {
  /** Which form of the payload it is. */
  readonly v: 1;
  readonly account: string;
  /** Absent where the device alone can read it. */
  readonly count?: number;
  readonly importance: 'important' | 'unimportant';
  readonly kind: 'message' | 'subscription' | 'call' | 'encrypted' | 'other';
  /** A bare JID; absent if nobody is said to have sent anything. */
  readonly conversation?: string;
  /** The address as the server has said it. */
  readonly sender?: string;
  /** Requests for the account's presence that wait. */
  readonly requests?: number;
  readonly body?: string;
  readonly encrypted?: { readonly iv: string; readonly data: string; readonly type?: string };
}

/** The most that all push services take. */
const maxBytes = 2_847;

/** The most that may be encrypted at all: what only the device can read cannot be cut. */
const maxEncryptedBytes = 3_993;

const expendable = ['sender', 'conversation', 'account'] as const;
const expendableBesideEncrypted = ['account', 'encrypted'] as const;

/** A payload, and what it says at least, for a push service that takes less; undefined if it says no more than that. */
export interface Payloads {
  readonly payload: Uint8Array;
  readonly shorter: Uint8Array | undefined;
}

/** What a browser is told, as JSON of at most 2,847 bytes: the body is cut at the end, at a character. */
export function summaryPayloads(account: string, summary: Summary): Payloads {
  const whole = payloadOf(account, summary);
  const { body, sender, ...least } = whole;
  const isLeast = body === undefined && sender === undefined;
  return { payload: fitted(whole), shorter: isLeast ? undefined : fitted(least) };
}

/**
 * What only the device can read goes through as it came; if push services do not take that much, its client hears that something
 * is new.
 */
export function encryptedPayloads(account: string, content: Encrypted): Payloads {
  const { iv, data, type, isCall } = content;
  const kind: Payload['kind'] = isCall ? 'call' : 'encrypted';
  const least: Payload = { v: 1, account, importance: importanceOf(content), kind };
  const whole: Payload = { ...least, encrypted: { iv, data, ...(type !== undefined && { type }) } };
  const json = fitJson(whole, 'body', expendableBesideEncrypted, maxEncryptedBytes);
  return { payload: Buffer.from(json), shorter: fitted(least) };
}

function payloadOf(account: string, summary: Summary): Payload {
  const { count, requests, sender, body } = summary;
  return {
    v: 1,
    account,
    count: body === '' ? count : Math.max(count, 1),
    importance: importanceOf(summary),
    kind: kindOf(summary),
    ...(sender !== undefined && { conversation: sender.bare().toString(), sender: sender.toString() }),
    ...(requests > 0 && { requests }),
    ...(body !== '' && { body }),
  };
}

function importanceOf({ isImportant }: Pick<Summary, 'isImportant'>): Payload['importance'] {
  return isImportant ? 'important' : 'unimportant';
}

/** What the message is about, as far as its fields tell. */
export function kindOf({ isCall, count, requests, sender, body }: Summary): Payload['kind'] {
  if (isCall) return 'call';
  if (count > 0 || sender !== undefined || body !== '') return 'message';
  return requests > 0 ? 'subscription' : 'other';
}

const fitted = (payload: Payload) => Buffer.from(fitJson(payload, 'body', expendable, maxBytes));
