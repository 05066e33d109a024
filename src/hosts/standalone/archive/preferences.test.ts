import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { accountLimits } from '../settings.js';
import { parsePreferences, preferencesElement } from './preferences.js';

const list = (name: string, ...jids: string[]) =>
  el(name, ns.archive, {}, ...jids.map((jid) => el('jid', ns.archive, {}, jid)));
const prefs = (fallback: string | undefined, ...children: Element[]) =>
  el('prefs', ns.archive, { default: fallback }, ...children);

describe('preferences', () => {
  it('are read, each address once and prepared, and written as they were understood', () => {
    const given = prefs(
      'roster',
      list('always', 'Romeo@Montague.example', ' romeo@montague.example '),
      list('never'),
    );
    const read = parsePreferences(given);
    expect(read).toEqual({ fallback: 'roster', always: ['romeo@montague.example'], never: [] });
    expect(preferencesElement(read)).toEqual(
      prefs('roster', list('always', 'romeo@montague.example'), list('never')),
    );
  });

  it('have empty lists where there are none', () => {
    expect(parsePreferences(prefs('never'))).toEqual({ fallback: 'never', always: [], never: [] });
  });

  it.each([
    ['no default', prefs(undefined), 'bad-request'],
    ['an unknown default', prefs('sometimes'), 'bad-request'],
    ['what is no address', prefs('always', list('never', 'a@b@c')), 'jid-malformed'],
    ['an empty address', prefs('always', list('always', '')), 'jid-malformed'],
  ])('are refused with %s', (_, element, condition) => {
    expect(() => parsePreferences(element)).toThrow(expect.objectContaining({ condition, type: 'modify' }));
  });

  it('have a bound, in number and size', () => {
    const { archiveJids, archiveJidBytes } = accountLimits;
    const many = Array.from({ length: archiveJids }, (_, n) => `${n}@a.example`);
    const most = parsePreferences(
      prefs('always', list('always', ...many.slice(1)), list('never', 'x.example')),
    );
    expect(most.always).toHaveLength(archiveJids - 1);
    const tooMany = prefs('always', list('always', ...many), list('never', 'x.example'));
    const long = Array.from(
      { length: archiveJidBytes / 1_000 },
      (_, n) => `${n}@a.example/${'x'.repeat(1_000)}`,
    );
    for (const refused of [tooMany, prefs('always', list('never', ...long))]) {
      expect(() => parsePreferences(refused)).toThrow(
        expect.objectContaining({ condition: 'policy-violation' }),
      );
    }
  });
});
