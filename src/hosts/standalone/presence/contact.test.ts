import { describe, expect, it } from 'vitest';
import type { StoredContact } from '../store.js';
import { inState, stateOf } from './contact.js';
import type { Progress } from './subscription.js';

const stranger: StoredContact = {
  jid: 'ana@example.org',
  name: '',
  groups: [],
  subscription: 'none',
  ask: false,
  approved: false,
  isListed: false,
  pendingIn: undefined,
};

const progresses: readonly Progress[] = ['none', 'pending', 'granted'];

describe('the state of a contact', () => {
  it('is what was written, for all nine states, approved or not', () => {
    for (const to of progresses) {
      for (const from of progresses) {
        for (const isApproved of [false, true]) {
          const state = { to, from, isApproved };
          const contact = inState(
            { ...stranger, name: 'Ana', groups: ['x'], isListed: true },
            stranger.jid,
            state,
            '<r/>',
          );
          expect(stateOf(contact)).toEqual(state);
          expect(contact).toMatchObject({ name: 'Ana', groups: ['x'] });
          expect(contact?.pendingIn).toBe(from === 'pending' ? '<r/>' : undefined);
        }
      }
    }
  });

  it('keeps the first request', () => {
    const first = { ...stranger, pendingIn: '<first/>' };
    const state = { to: 'pending', from: 'pending', isApproved: false } as const;
    expect(inState(first, stranger.jid, state, '<second/>')?.pendingIn).toBe('<first/>');
  });

  it('leaves nothing of a stranger whose request is over, and an item as an item', () => {
    const nothing = { to: 'none', from: 'none', isApproved: false } as const;
    const pending = { ...stranger, pendingIn: '<r/>' };
    expect(inState(pending, stranger.jid, nothing, '')).toBeUndefined();
    const listed = { ...stranger, isListed: true };
    expect(inState({ ...pending, isListed: true }, stranger.jid, nothing, '')).toEqual(listed);
    expect(inState({ ...listed, subscription: 'to' }, stranger.jid, nothing, '')).toEqual(listed);
  });
});

describe('a stranger', () => {
  it.each<[string, Progress, Progress, boolean, boolean]>([
    ['asks', 'none', 'pending', false, false],
    ['is asked', 'pending', 'none', false, true],
    ['is let in', 'none', 'granted', false, true],
    ['lets in', 'granted', 'none', false, true],
    ['is approved before it asks', 'none', 'none', true, true],
  ])('who %s is in the roster or not', (_, to, from, isApproved, isListed) => {
    expect(inState(undefined, stranger.jid, { to, from, isApproved }, '<r/>')?.isListed).toBe(isListed);
  });
});
