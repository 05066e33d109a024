import type { SendOutcome } from '../request.js';
import { parseRetryAfter } from './retry-after.js';

/** What a push service has answered. */
export interface Answer {
  readonly status: number;
  /** Its `Retry-After` header. */
  readonly retryAfter: string | undefined;
  /** The beginning of its body. */
  readonly body: Uint8Array;
}

const longestReason = 200;

/** Of those that are the client's fault: they may pass, as all of the server's may (507: ntfy, while nobody is subscribed). */
const passing: readonly number[] = [408, 425, 429];

/**
 * How a request ended that was answered (RFC 8030 §5, §7, RFC 8292 §4.2). `path`: where it went to, which no reason repeats.
 * `now`: Unix milliseconds.
 */
export function outcomeOf(answer: Answer, path: string, now: number): SendOutcome {
  const { status } = answer;
  if (isSuccess(status)) return { kind: 'delivered' };
  const reason = reasonOf(answer, path);
  if (status === 404 || status === 410) return { kind: 'gone', reason };
  if (status === 413) return { kind: 'too-large', reason };
  if (status < 500 && !passing.includes(status)) return { kind: 'rejected', reason };
  const after = parseRetryAfter(answer.retryAfter, now);
  return { kind: 'retry', reason, ...(after !== undefined && { after }), isUnreachable: false };
}

export const isSuccess = (status: number) => status >= 200 && status < 300;

const notPrintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]+/gu;
/** What a service says may repeat what it was asked: tokens are long and without spaces, endpoints may be short. */
const token = /[\w+/=.~:?&%@-]{24,}/g;
const shortestPart = 6;

function reasonOf({ status, body }: Answer, path: string): string {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const said = withoutParts(text.replace(notPrintable, ' ').replace(token, '…'), path)
    .replace(/ {2,}/g, ' ')
    .trim();
  return said === '' ? `HTTP ${status}` : [...`HTTP ${status}: ${said}`].slice(0, longestReason).join('');
}

function withoutParts(text: string, path: string): string {
  const parts = path.split(/[/?&=]/).filter((part) => part.length >= shortestPart);
  return parts.reduce((rest, part) => rest.replaceAll(part, '…'), text);
}
