import type { IqAnswer } from '../../../xmpp/iq-tracker.js';
import type { Outcome } from '../channel.js';

const delivered: Outcome = { kind: 'delivered' };

/**
 * What an app server's answer to a publish means (XEP-0357 §7.1). Errors of type `wait`, and that there is no answer, say
 * nothing about the device.
 */
export function outcomeOf(answer: IqAnswer): Outcome {
  if (answer.kind === 'result') return delivered;
  if (answer.kind !== 'error') return { kind: 'retry', reason: answer.kind };
  const { condition, type } = answer.error;
  return { kind: type === 'wait' ? 'retry' : 'rejected', reason: condition };
}
