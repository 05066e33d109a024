import { maxPayloadBytes } from '../../../web-push/encrypt.js';
import {
  type BrowserPayload,
  fitted,
  type Payloads,
  payloadsOf,
} from '../../subscriptions/browser-payload.js';
import { fitJson } from '../../text/fit-json.js';
import type { Encrypted, Summary } from './content.js';

/** What a browser reads, as JSON; docs/gateway.md describes it. */
interface Payload extends BrowserPayload {
  /** Absent where the device alone can read it. */
  readonly count?: number;
  readonly kind: 'message' | 'subscription' | 'call' | 'encrypted' | 'other';
  /** Requests for the account's presence that wait. */
  readonly requests?: number;
  readonly encrypted?: { readonly iv: string; readonly data: string; readonly type?: string };
}

const expendableBesideEncrypted = ['account', 'encrypted'] as const;

/** What a browser is told of what its account's server can read. */
export function summaryPayloads(account: string, summary: Summary): Payloads {
  return payloadsOf(payloadOf(account, summary));
}

/**
 * What only the device can read goes through as it came, for it cannot be cut; if push services do not take that much, its client
 * hears that something is new.
 */
export function encryptedPayloads(account: string, content: Encrypted): Payloads {
  const { iv, data, type, isCall } = content;
  const kind: Payload['kind'] = isCall ? 'call' : 'encrypted';
  const least: Payload = { v: 1, account, importance: importanceOf(content), kind };
  const whole: Payload = { ...least, encrypted: { iv, data, ...(type !== undefined && { type }) } };
  const json = fitJson(whole, 'body', expendableBesideEncrypted, maxPayloadBytes);
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
