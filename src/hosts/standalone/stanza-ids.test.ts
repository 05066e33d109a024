import { describe, expect, it } from 'vitest';
import { el, type Node } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { hasIdBy, withoutIdsBy } from './stanza-ids.js';

const ana = Jid.parse('ana@example.org');
const id = (by: string) => el('stanza-id', ns.stanzaIds, { by, id: '1' });
const body = el('body', ns.client, {}, 'hi');
const message = (...children: Node[]) => el('message', ns.client, {}, ...children);

describe('ids of stanzas', () => {
  it('are taken away if an address is said to have given them, however it is written', () => {
    const forged = message(id('ana@example.org'), 'text', id('ANA@example.org'), body);
    expect(hasIdBy(forged, ana)).toBe(true);
    expect(withoutIdsBy(forged, ana)).toEqual(message('text', body));
  });

  it('stay if they are others’', () => {
    const origin = el('origin-id', ns.stanzaIds, { id: '2' });
    const stanza = message(
      id('room@muc.example.org'),
      id('ana@example.org/phone'),
      id('not an @ address'),
      el('stanza-id', ns.stanzaIds, { id: '3' }),
      el('stanza-id', 'urn:example:other', { by: 'ana@example.org' }),
      origin,
      body,
    );
    expect(hasIdBy(stanza, ana)).toBe(false);
    expect(withoutIdsBy(stanza, ana)).toBe(stanza);
  });
});
