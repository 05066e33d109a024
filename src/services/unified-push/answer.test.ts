import { describe, expect, it } from 'vitest';
import { type StanzaCondition, StanzaError, type StanzaErrorType } from '../../xmpp/stanza-error.js';
import { judge } from './answer.js';

function verdictOn(condition: StanzaCondition, type?: StanzaErrorType) {
  const { kind } = judge({ kind: 'error', error: new StanzaError(condition, '', type) });
  return kind;
}

describe('judge', () => {
  it.each([
    ['item-not-found', undefined, 'disowned'],
    ['item-not-found', 'wait', 'disowned'],
    ['feature-not-implemented', undefined, 'disowned'],
    ['service-unavailable', undefined, 'retry'],
    ['recipient-unavailable', undefined, 'retry'],
    ['remote-server-not-found', undefined, 'retry'],
    ['remote-server-timeout', undefined, 'retry'],
    ['resource-constraint', undefined, 'retry'],
    ['internal-server-error', 'wait', 'retry'],
    ['internal-server-error', undefined, 'rejected'],
    ['bad-request', undefined, 'rejected'],
    ['forbidden', undefined, 'rejected'],
    ['undefined-condition', undefined, 'rejected'],
  ] as const)('an error %s (%s) means %s', (condition, type, expected) => {
    expect(verdictOn(condition, type)).toBe(expected);
  });

  it.each([
    ['timeout', 'no-answer'],
    ['disconnected', 'host-disconnected'],
    ['overflow', 'overloaded'],
    ['aborted', 'shutting-down'],
  ] as const)('%s means retry: %s', (kind, code) => {
    expect(judge({ kind })).toMatchObject({ kind: 'retry', code, retryAfter: expect.any(Number) });
  });

  it('an empty result means delivered', () => {
    expect(judge({ kind: 'result', payload: undefined })).toEqual({ kind: 'delivered' });
  });
});
