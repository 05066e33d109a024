import { describe, expect, it } from 'vitest';
import { contact } from '../../../../tests/contract/standalone-stores.contract.js';
import { Jid } from '../../../xmpp/jid.js';
import type { ArchivePreferences, StoredContact } from '../store.js';
import { isPreferred } from './preferred.js';

const contacts = new Map<string, StoredContact>([
  ['juliet@capulet.example', contact({ isListed: true })],
  ['paris@verona.example', contact({ jid: 'paris@verona.example', pendingIn: '<presence/>' })],
]);
const account = (archivePreferences?: ArchivePreferences) => ({
  jid: Jid.parse('romeo@montague.example'),
  contacts,
  archivePreferences,
});
const prefers = (preferences: Partial<ArchivePreferences>, other: string) =>
  isPreferred(
    account({ fallback: 'always', always: [], never: [], ...preferences }),
    Jid.parse(other),
    'always',
  );

describe('isPreferred', () => {
  it('follows the server as long as the account has not said', () => {
    const of = (fallback: ArchivePreferences['fallback']) =>
      isPreferred(account(), Jid.parse('tybalt@capulet.example'), fallback);
    expect([of('always'), of('roster'), of('never')]).toEqual([true, false, false]);
  });

  it('follows the account, whatever the server’s rule is', () => {
    const other = Jid.parse('tybalt@capulet.example');
    const never = account({ fallback: 'never', always: [], never: [] });
    expect(isPreferred(never, other, 'always')).toBe(false);
    const always = account({ fallback: 'always', always: [], never: [] });
    expect(isPreferred(always, other, 'never')).toBe(true);
  });

  it.each([
    ['juliet@capulet.example', true],
    ['juliet@capulet.example/balcony', true],
    ['capulet.example', false],
    ['tybalt@capulet.example', false],
    ['paris@verona.example', false],
    ['romeo@montague.example/orchard', true],
  ])('knows whether %s is in the roster', (other, isIn) => {
    expect(prefers({ fallback: 'roster' }, other)).toBe(isIn);
  });

  it('takes a bare JID for all its resources, and a full one for itself', () => {
    const lists = { always: ['nurse@capulet.example'], never: ['juliet@capulet.example/garden'] };
    expect(prefers({ ...lists, fallback: 'never' }, 'nurse@capulet.example/hall')).toBe(true);
    expect(prefers({ ...lists, fallback: 'never' }, 'capulet.example')).toBe(false);
    expect(prefers(lists, 'juliet@capulet.example/garden')).toBe(false);
    expect(prefers(lists, 'juliet@capulet.example/balcony')).toBe(true);
    expect(prefers(lists, 'juliet@capulet.example')).toBe(true);
  });

  it('keeps nothing with whom it is told not to, even if it is also told to', () => {
    const both = ['juliet@capulet.example'];
    expect(prefers({ always: both, never: both }, 'juliet@capulet.example')).toBe(false);
    expect(prefers({ always: ['juliet@capulet.example/x'], never: both }, 'juliet@capulet.example/x')).toBe(
      false,
    );
  });
});
