import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import { message, presence } from '../../xmpp/stanza.js';
import { messageText } from './message-text.js';

const body = (...text: string[]) => el('body', ns.client, {}, ...text);
const fallback = body('I sent you an encrypted message.');

describe('the text of a message', () => {
  it.each<[string, Element, string | undefined]>([
    ['its body', message({}, el('subject', ns.client, {}, 'Dinner'), body('Wine?')), 'Wine?'],
    ['the first that is not empty', message({}, body(), 'no', body('Wine?'), body('Wein?')), 'Wine?'],
    ['nothing without a body', message({}, el('active', ns.chatStates)), undefined],
    ['nothing of an empty one', message({}, body()), undefined],
    ['nothing of a body that is none', message({}, el('body', 'urn:example:other', {}, 'Wine?')), undefined],
    ['nothing of presence', presence({}, body('Wine?')), undefined],
    [
      'nothing beside OMEMO',
      message({}, fallback, el('encrypted', ns.omemo, {}, el('payload', ns.omemo, {}, 'c2VjcmV0'))),
      undefined,
    ],
    [
      'nothing beside newer OMEMO',
      message({}, el('encrypted', ns.omemo2, {}, el('payload', ns.omemo2, {}, 'c2VjcmV0')), fallback),
      undefined,
    ],
    ['nothing beside OpenPGP', message({}, el('openpgp', ns.openpgp, {}, 'c2VjcmV0'), fallback), undefined],
    ['nothing beside older OpenPGP', message({}, fallback, el('x', ns.pgp, {}, 'c2VjcmV0')), undefined],
    [
      'nothing of what says that it is encrypted',
      message(
        {},
        body('?OTR:AAMC'),
        el('encryption', ns.explicitEncryption, { namespace: 'urn:xmpp:otr:0' }),
      ),
      undefined,
    ],
  ])('is %s', (_what, stanza, text) => {
    expect(messageText(stanza)).toBe(text);
  });
});
