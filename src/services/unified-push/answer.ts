import type { IqAnswer } from '../../xmpp/iq-tracker.js';
import type { StanzaCondition, StanzaError } from '../../xmpp/stanza-error.js';
import type { PushOutcome } from './outcome.js';

/** What a device's answer to a push means, before anything is done about it. */
export type Verdict = { readonly kind: 'delivered' } | { readonly kind: 'disowned' } | FailedPush;

type FailedPush = Extract<PushOutcome, { kind: 'retry' | 'rejected' }>;

/** The client says that this registration is not, or that it does not do UnifiedPush at all. */
const disowning: readonly StanzaCondition[] = ['item-not-found', 'feature-not-implemented'];

/** Nobody is there at the moment, or the way there is closed. */
const temporary: readonly StanzaCondition[] = [
  'service-unavailable',
  'recipient-unavailable',
  'remote-server-not-found',
  'remote-server-timeout',
];

const delivered = { kind: 'delivered' } as const;
const disowned = { kind: 'disowned' } as const;
const rejected = { kind: 'rejected', code: 'push-rejected' } as const;

/** Seconds until another try makes sense: a device comes back in minutes, our own connection in seconds. */
const unavailable = { kind: 'retry', code: 'recipient-unavailable', retryAfter: 60 } as const;
const noAnswer = { kind: 'retry', code: 'no-answer', retryAfter: 60 } as const;
const disconnected = { kind: 'retry', code: 'host-disconnected', retryAfter: 10 } as const;
const shuttingDown = { kind: 'retry', code: 'shutting-down', retryAfter: 10 } as const;
export const overloaded = { kind: 'retry', code: 'overloaded', retryAfter: 10 } as const;

/** Judges the answer to a push IQ. An error of type `wait` is temporary whatever its condition (RFC 6120 §8.3.2). */
export function judge(answer: IqAnswer): Verdict {
  switch (answer.kind) {
    case 'result':
      return delivered;
    case 'error':
      return judgeError(answer.error);
    case 'timeout':
      return noAnswer;
    case 'disconnected':
      return disconnected;
    case 'overflow':
      return overloaded;
    case 'aborted':
      return shuttingDown;
  }
}

function judgeError({ condition, type }: StanzaError): Verdict {
  if (disowning.includes(condition)) return disowned;
  return type === 'wait' || temporary.includes(condition) ? unavailable : rejected;
}

/** For a registration that was disowned and renewed while the push was under way: the next try finds the new one. */
export const renewedMeanwhile = unavailable;
