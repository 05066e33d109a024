import { describe, expect, it } from 'vitest';
import { type MessageAddress, messageFates, takesMessages } from './message-routing.js';

/** The rows of RFC 6121 §8.5.4 but for full JIDs that match, which are no account's matter. */
const rows: readonly (readonly [string, string | undefined, MessageAddress, string, string])[] = [
  ['a normal message to the account', 'normal', 'account', 'deliver', 'offline'],
  ['a chat message to the account', 'chat', 'account', 'deliver', 'offline'],
  ['a groupchat message to the account', 'groupchat', 'account', 'return', 'return'],
  ['a headline to the account', 'headline', 'account', 'deliver', 'ignore'],
  ['an error to the account', 'error', 'account', 'ignore', 'ignore'],
  ['a message without a type to the account', undefined, 'account', 'deliver', 'offline'],
  ['a message of unknown type to the account', 'toString', 'account', 'deliver', 'offline'],
  ['a normal message to an absent resource', 'normal', 'absent-resource', 'return', 'return'],
  ['a chat message to an absent resource', 'chat', 'absent-resource', 'deliver', 'offline'],
  ['a groupchat message to an absent resource', 'groupchat', 'absent-resource', 'return', 'return'],
  ['a headline to an absent resource', 'headline', 'absent-resource', 'ignore', 'ignore'],
  ['an error to an absent resource', 'error', 'absent-resource', 'ignore', 'ignore'],
  ['a message without a type to an absent resource', undefined, 'absent-resource', 'return', 'return'],
];

describe('messageFates', () => {
  it.each(rows)('%s', (_, type, address, taken, notTaken) => {
    expect(messageFates(type, address)).toEqual([taken, notTaken]);
  });
});

describe('takesMessages', () => {
  it.each([
    ['available, of priority 0', true, 0, true],
    ['available, of the highest priority', true, 127, true],
    ['available, of negative priority', true, -1, false],
    ['not available', false, 0, false],
  ])('%s', (_, isAvailable, priority, takes) => {
    expect(takesMessages({ isAvailable, priority })).toBe(takes);
  });
});
