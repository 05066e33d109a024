import { describe, expect, it } from 'vitest';
import { Jid } from '../xmpp/jid.js';
import { compileAcl } from './acl.js';

const permits = (entries: string[], jid: string) => compileAcl(entries.map(Jid.parse))(Jid.parse(jid));

describe('compileAcl', () => {
  it.each([
    ['example.org', 'ana@example.org/phone', true],
    ['example.org', 'ana@example.org', true],
    ['example.org', 'example.org/script', true],
    ['example.org', 'ana@sub.example.org/phone', false],
    ['sub.example.org', 'ana@example.org/phone', false],
    ['example.org', 'ana@notexample.org/phone', false],
    ['example.org', 'example.org@example.net/phone', false],
    ['ana@example.org', 'ana@example.org/phone', true],
    ['ana@example.org', 'ana@example.org/desk', true],
    ['ana@example.org', 'bob@example.org/phone', false],
    ['ana@example.org', 'example.org/ana', false],
    ['ana@example.org/phone', 'ana@example.org/phone', true],
    ['ana@example.org/phone', 'ana@example.org/Phone', false],
    ['ana@example.org/phone', 'ana@example.org', false],
    ['example.org/phone', 'ana@example.org/phone', true],
    ['example.org/phone', 'ana@example.org/desk', false],
    ['example.org/phone', 'ana@example.org', false],
    ['EXAMPLE.org', 'Ana@example.ORG/phone', true],
  ])('%s, asked for %s: %s', (entry, jid, expected) => {
    expect(permits(['other.example', entry], jid)).toBe(expected);
  });

  it('permits nobody by an empty list', () => {
    expect(permits([], 'ana@example.org/phone')).toBe(false);
  });
});
