import { type Element, el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { message, presence } from '../../../src/xmpp/stanza.js';
import { StanzaError } from '../../../src/xmpp/stanza-error.js';
import type { Difference, Scenario } from './scenario.js';
import { body } from './stage.js';

type Level = 'important' | 'unimportant' | 'none';

/** A kind of stanza, and how a client that sleeps is told of it. */
interface Kind {
  readonly name: string;
  readonly level: Level;
  /** `to` is the full JID. */
  readonly stanza: (to: string) => Element;
  readonly prosody?: Omit<Difference, 'does'> & { readonly level: Level };
}

const chat =
  (...children: readonly Element[]) =>
  (to: string) =>
    message({ to, type: 'chat' }, ...children);

const omemo = (space: string, ...payload: readonly Element[]) =>
  el('encrypted', space, {}, el('header', space, { sid: '1' }), ...payload);
const omemoPayload = (space: string) => el('payload', space, {}, 'AAAA');

/** What wakes devices on Prosody for nothing: it pushes for all that waits for a client. */
const pushesAnything = {
  level: 'unimportant',
  prosody:
    'An unimportant push for whatever waits for a sleeping client: chat states, receipts, markers, empty messages, headlines, presence, answers to its own requests.',
  belfry: 'No push.',
  why: 'They tell a person nothing, and waking devices for them drains batteries and is what users complain of most.',
} as const;

const ownKind = (level: Level, prosody: string, belfry: string, why: string) => ({
  level,
  prosody,
  belfry,
  why,
});

const kinds: readonly Kind[] = [
  { name: 'a body', level: 'important', stanza: (to) => chat(body())(to) },
  { name: 'a body of type normal', level: 'important', stanza: (to) => message({ to }, body()) },
  { name: 'an empty body', level: 'none', stanza: chat(body('')), prosody: pushesAnything },
  {
    name: 'a chat state',
    level: 'none',
    stanza: chat(el('composing', ns.chatStates)),
    prosody: pushesAnything,
  },
  {
    name: 'a receipt',
    level: 'none',
    stanza: chat(el('received', ns.receipts, { id: 'marked' })),
    prosody: pushesAnything,
  },
  {
    name: 'a chat marker',
    level: 'none',
    stanza: chat(el('displayed', ns.chatMarkers, { id: 'marked' })),
    prosody: pushesAnything,
  },
  {
    name: 'a correction',
    level: 'none',
    stanza: (to) => chat(body(), el('replace', ns.correction, { id: 'marked' }))(to),
    prosody: ownKind(
      'important',
      'An important push for the correction of a message (XEP-0308).',
      'No push.',
      'The device was woken for the message itself.',
    ),
  },
  {
    name: 'a subject',
    level: 'none',
    stanza: chat(el('subject', ns.client, {}, 'marked subject')),
    prosody: pushesAnything,
  },
  {
    name: 'a headline',
    level: 'none',
    stanza: (to) => message({ to, type: 'headline' }, body()),
    prosody: pushesAnything,
  },
  {
    name: 'an error',
    level: 'unimportant',
    stanza: (to) => message({ to, type: 'error' }, new StanzaError('item-not-found').toElement()),
  },
  {
    name: 'OMEMO',
    level: 'important',
    stanza: chat(omemo(ns.omemo, omemoPayload(ns.omemo))),
  },
  {
    name: 'OMEMO without content',
    level: 'none',
    stanza: chat(omemo(ns.omemo)),
    prosody: ownKind(
      'important',
      'An important push for OMEMO messages that only exchange keys.',
      'No push.',
      'There is nothing to read in them (XEP-0384 §5.5.3).',
    ),
  },
  {
    name: 'OMEMO of today',
    level: 'important',
    stanza: chat(omemo(ns.omemo2, omemoPayload(ns.omemo2))),
    prosody: ownKind(
      'unimportant',
      'An unimportant push for messages in OMEMO’s current namespace (`urn:xmpp:omemo:2`) that have no body beside it.',
      'An important push.',
      'It is a message like those in the former namespace.',
    ),
  },
  {
    name: 'OpenPGP',
    level: 'important',
    stanza: chat(el('x', ns.pgp, {}, 'AAAA')),
  },
  {
    name: 'OX',
    level: 'important',
    stanza: chat(el('openpgp', ns.openpgp, {}, 'AAAA')),
  },
  {
    name: 'a call that is taken back',
    level: 'important',
    stanza: chat(el('retract', ns.callSignals, { id: 'call' })),
    prosody: ownKind(
      'unimportant',
      'An unimportant push when a caller hangs up before anybody answers.',
      'An important push.',
      'A device that rings has to stop, and to say who has called.',
    ),
  },
  {
    name: 'a call that another device answers',
    level: 'unimportant',
    stanza: chat(el('accept', ns.callSignals, { id: 'call' })),
  },
  {
    name: 'an invitation to a room',
    level: 'important',
    stanza: (to) => message({ to }, el('x', ns.directInvitation, { jid: 'marked@rooms.elsewhere.example' })),
    prosody: ownKind(
      'unimportant',
      'An unimportant push for invitations to rooms and for requests for presence.',
      'An important push.',
      'Somebody waits for an answer.',
    ),
  },
  {
    name: 'a request',
    level: 'unimportant',
    stanza: (to) => el('iq', ns.client, { type: 'get', id: 'marked', to }, el('ping', ns.ping)),
  },
  {
    name: 'an answer to a request',
    level: 'none',
    stanza: (to) => el('iq', ns.client, { type: 'result', id: 'marked', to }),
    prosody: pushesAnything,
  },
  {
    name: 'presence',
    level: 'none',
    stanza: (to) => presence({ to }),
    prosody: pushesAnything,
  },
];

const heard = (level: Level) => (level === 'none' ? [] : [level]);

/** One for each kind: it is sent to a client that sleeps. */
export const kindScenarios: readonly Scenario[] = kinds.map(({ name, level, stanza, prosody }) => ({
  name: `a sleeping client is told of ${name}`,
  expected: heard(level),
  ...(prosody !== undefined && { prosody: { ...prosody, does: heard(prosody.level) } }),
  async run(stage) {
    const phone = await stage.sleeper();
    stage.friend.send(stanza(phone.jid));
    return stage.heardBy(phone);
  },
}));
