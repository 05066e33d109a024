import { describe, expect, it } from 'vitest';
import type { StoredContact } from '../store.js';
import { inState, isRosterItem, stateOf } from './contact.js';
import type { Progress } from './subscription.js';

const stranger: StoredContact = {
  jid: 'ana@example.org',
  name: '',
  groups: [],
  subscription: 'none',
  ask: false,
  approved: false,
  pendingIn: undefined,
};

const progresses: readonly Progress[] = ['none', 'pending', 'granted'];

describe('the state of a contact', () => {
  it('is what was written, for all nine states, approved or not', () => {
    for (const to of progresses) {
      for (const from of progresses) {
        for (const isApproved of [false, true]) {
          const state = { to, from, isApproved };
          const contact = inState({ ...stranger, name: 'Ana', groups: ['x'] }, stranger.jid, state, '<r/>');
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
    expect(inState({ ...pending, name: 'Ana' }, stranger.jid, nothing, '')).toMatchObject({ name: 'Ana' });
    expect(inState({ ...stranger, subscription: 'to' }, stranger.jid, nothing, '')).toEqual(stranger);
  });
});

describe('isRosterItem', () => {
  it('is true of all but a mere request', () => {
    const pending = { ...stranger, pendingIn: '<r/>' };
    expect(isRosterItem(pending)).toBe(false);
    const more: Partial<StoredContact>[] = [
      { pendingIn: undefined },
      { subscription: 'to' },
      { ask: true },
      { approved: true },
      { name: 'Ana' },
      { groups: ['x'] },
    ];
    for (const change of more) expect(isRosterItem({ ...pending, ...change })).toBe(true);
  });
});
