import { describe, expect, it } from 'vitest';
import type { IqAnswer } from '../../../xmpp/iq-tracker.js';
import { StanzaError, type StanzaErrorType } from '../../../xmpp/stanza-error.js';
import { outcomeOf } from './outcome.js';

const failed = (condition: 'item-not-found' | 'internal-server-error', type: StanzaErrorType): IqAnswer => ({
  kind: 'error',
  error: new StanzaError(condition, 'n-4711 is gone', type),
});

describe('an answer to a publish', () => {
  it.each<[IqAnswer, object]>([
    [{ kind: 'result', payload: undefined }, { kind: 'delivered' }],
    [{ kind: 'timeout' }, { kind: 'retry', reason: 'timeout' }],
    [{ kind: 'disconnected' }, { kind: 'retry', reason: 'disconnected' }],
    [{ kind: 'overflow' }, { kind: 'retry', reason: 'overflow' }],
    [{ kind: 'aborted' }, { kind: 'retry', reason: 'aborted' }],
    [failed('internal-server-error', 'wait'), { kind: 'retry', reason: 'internal-server-error' }],
    [failed('item-not-found', 'wait'), { kind: 'retry', reason: 'item-not-found' }],
    [failed('item-not-found', 'cancel'), { kind: 'rejected', reason: 'item-not-found' }],
    [failed('internal-server-error', 'cancel'), { kind: 'rejected', reason: 'internal-server-error' }],
    [failed('item-not-found', 'auth'), { kind: 'rejected', reason: 'item-not-found' }],
    [failed('item-not-found', 'modify'), { kind: 'rejected', reason: 'item-not-found' }],
    [failed('item-not-found', 'continue'), { kind: 'rejected', reason: 'item-not-found' }],
  ])('%o is %o', (answer, outcome) => {
    expect(outcomeOf(answer)).toEqual(outcome);
  });
});
