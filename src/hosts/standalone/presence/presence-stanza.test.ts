import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { presence } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { kindOf, priorityOf } from './presence-stanza.js';

const priorities = (...texts: string[]): Element =>
  presence({}, ...texts.map((text) => el('priority', ns.client, {}, text)));

describe('priorityOf', () => {
  it.each([
    ['0', 0],
    ['127', 127],
    ['-128', -128],
    ['+5', 5],
    [' 7\n', 7],
    ['007', 7],
    ['-0', 0],
  ])('reads %j', (text, priority) => {
    expect(priorityOf(priorities(text))).toBe(priority);
  });

  it('is 0 if none is said, or only in another namespace', () => {
    expect(priorityOf(presence({}))).toBe(0);
    expect(priorityOf(presence({}, el('priority', 'urn:other', {}, '9')))).toBe(0);
  });

  it.each(['128', '-129', '', ' ', '1.0', '1e1', '0x1', '--1', '1 2', 'high', '9'.repeat(400)])(
    'refuses %j',
    (text) => {
      expect(() => priorityOf(priorities(text))).toThrow(StanzaError);
    },
  );

  it('refuses two of them', () => {
    expect(() => priorityOf(priorities('1', '1'))).toThrow(StanzaError);
  });

  it('reads any text as an integer in range or refuses it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (text) => {
        try {
          const priority = priorityOf(priorities(text));
          expect(Number.isInteger(priority) && priority >= -128 && priority <= 127).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ condition: 'bad-request' });
        }
      }),
    );
  });
});

describe('kindOf', () => {
  it('knows the types of RFC 6121 §4.7.1 and no other', () => {
    expect(kindOf(presence({}))).toBe('available');
    expect(kindOf(presence({ type: 'unsubscribed' }))).toBe('unsubscribed');
    for (const type of ['available', 'invisible', '', 'constructor']) {
      expect(() => kindOf(el('presence', ns.client, { type }))).toThrow(StanzaError);
    }
  });
});
