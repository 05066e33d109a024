import { describe, expect, it } from 'vitest';
import type { Rules } from '../src/services/notify/channel.js';
import {
  decide,
  type Facts,
  type Occasion,
  type Recipient,
  type Source,
  type Verdict,
} from '../src/services/notify/decide.js';
import { carbonOf } from '../src/xmpp/carbon.js';
import type { Element } from '../src/xmpp/element.js';
import { importance } from '../src/xmpp/importance.js';
import { Jid } from '../src/xmpp/jid.js';
import { parseStored } from '../src/xmpp/stored-xml.js';
import { clientStanzas } from './harness/client-stanzas.js';

/** Who is told of what: the tables that docs/cloud-notify-rules.md puts in words. */

const { says, chat, room, reflected, sent, carbon, iq, presence, ...other } = clientStanzas;

const account = Jid.parse('ana@example.org');
const noRules: Rules = { whileAway: false, ignoresUnknown: false, muted: new Set(), rooms: undefined };

/** The ways in which a stanza comes up; the device is the one that it concerns alone. */
const ways = {
  archived: { source: 'archive', direction: 'incoming', client: undefined },
  'archived, outgoing': { source: 'archive', direction: 'outgoing', client: undefined },
  'kept offline': { source: 'offline', direction: 'incoming', client: undefined },
  'queued for the phone': { source: 'hibernation', direction: 'incoming', client: 'phone' },
  'late at the desktop': { source: 'acknowledgement', direction: 'incoming', client: 'desktop' },
  'a call': { source: 'call', direction: 'incoming', client: undefined },
  'of a room, for the tablet': { source: 'room', direction: 'incoming', client: 'tablet' },
  'of a room, for the account': { source: 'room', direction: 'incoming', client: undefined },
  'a request': { source: 'subscription', direction: 'incoming', client: undefined },
} as const satisfies Record<string, { source: Source } & Pick<Occasion, 'direction' | 'client'>>;

function occasionOf(way: keyof typeof ways, xml: string, isOwnOccupant: Facts['isOwnOccupant']): Occasion {
  const stanza = parseStored(xml);
  return { ...ways[way], stanza: originalOf(stanza), importance: importance(stanza, isOwnOccupant) };
}

function originalOf(stanza: Element): Element {
  return carbonOf(stanza, 'sent') ?? carbonOf(stanza, 'received') ?? stanza;
}

const facts: Facts = {
  account,
  isContact: true,
  isOwnOccupant: (occupant) => occupant === 'tea@rooms.example.net/Ana',
};

const device = (client: string, state: Recipient['session'], rules: Partial<Rules> = {}): Recipient => ({
  client,
  session: state,
  isNobodyThere: false,
  rules: { ...noRules, ...rules },
  wasTold: false,
});

const inWords = ({ told, isUrgent, why }: Verdict) => `${isUrgent ? `urgent, ${told}` : told}: ${why}`;

const verdictOf = (way: keyof typeof ways, xml: string, recipient: Recipient, known: Facts = facts) =>
  inWords(decide(occasionOf(way, xml, known.isOwnOccupant), recipient, known));

const queued = 'no: it waits in the queue of its client';
const live = 'no: its client is connected';
const another = 'no: it is for another device';
const outgoing = 'no: the account itself has sent it';

const text = 'important: has a body';
const cipher = 'important: encrypted';
const rings = 'urgent, important: somebody calls';
const ringsNoMore = 'urgent, important: a call has ended before an answer';
const invited = 'important: an invitation to a room';
const asks = 'important: somebody wants to see us';
const callGoesOn = 'unimportant: a call goes on or ends';
const own = 'unimportant: done by the account itself';
const takenBack = 'unimportant: takes back a message';
const reacts = 'unimportant: a reaction to a message';
const bounced = 'unimportant: something that we sent came back';
const request = 'unimportant: a request or an answer';
const subject = 'unimportant: the subject of a room, with which joining it ends';
const ownPresence = 'unimportant: the own presence in a room';
const news = 'unimportant: a subscription has changed';
const answer = 'unimportant: a message that was asked for';
const signal = 'no: without content';
const ownSignal = 'no: a signal of another own device';
const correction = 'no: corrects a message';
const headline = 'no: a headline';
const seen = 'no: presence';
const roomReaction = 'no: a reaction in a room';

type Row = readonly [
  what: string,
  way: keyof typeof ways,
  stanza: string,
  phone: string,
  tablet: string,
  desktop: string,
];

/** The phone hibernates, the tablet has no session, the desktop is connected. */
const table: readonly Row[] = [
  // what                                  how it comes up            stanza                     phone     tablet    desktop
  ['text', 'archived', chat(says.text), queued, text, live],
  ['text', 'kept offline', chat(says.text), text, text, text],
  ['text', 'queued for the phone', chat(says.text), text, another, another],
  ['text', 'late at the desktop', chat(says.text), another, another, text],
  [
    'text that came to another device',
    'queued for the phone',
    carbon('received', chat(says.text)),
    text,
    another,
    another,
  ],
  ['text of a bot', 'archived', other.normal, queued, text, live],
  ['text with a chat state', 'archived', chat(says.active), queued, text, live],
  ['a file', 'archived', chat(says.file), queued, text, live],
  ['a message without anything', 'archived', chat(says.empty), signal, signal, signal],
  ['a message without anything', 'kept offline', chat(says.empty), signal, signal, signal],
  ['an empty body', 'queued for the phone', chat(says.emptyBody), signal, signal, signal],
  ['a chat state', 'queued for the phone', chat(says.composing), signal, signal, signal],
  ['a chat state', 'late at the desktop', chat(says.composing), signal, signal, signal],
  ['a receipt', 'archived', chat(says.received), signal, signal, signal],
  ['a receipt', 'queued for the phone', chat(says.received), signal, signal, signal],
  ['a marker', 'archived', chat(says.displayed), signal, signal, signal],
  ['a marker', 'queued for the phone', chat(says.displayed), signal, signal, signal],
  ['a correction', 'archived', chat(says.correction), correction, correction, correction],
  ['a correction', 'queued for the phone', chat(says.correction), correction, correction, correction],
  ['a retraction', 'archived', chat(says.retraction), queued, takenBack, live],
  ['a retraction', 'queued for the phone', chat(says.retraction), takenBack, another, another],
  ['a former retraction', 'archived', chat(says.formerRetraction), queued, takenBack, live],
  ['a reaction', 'archived', chat(says.reaction), queued, reacts, live],
  ['a reaction', 'queued for the phone', chat(says.reaction), reacts, another, another],
  ['a reaction with text for old clients', 'archived', chat(says.reactionWithText), queued, reacts, live],
  ['a headline', 'kept offline', other.headline, headline, headline, headline],
  ['an event', 'queued for the phone', other.event, headline, headline, headline],
  ['a message that came back', 'queued for the phone', other.bounced, bounced, another, another],

  ['OMEMO', 'archived', chat(says.omemo), queued, cipher, live],
  ['OMEMO', 'queued for the phone', chat(says.omemo), cipher, another, another],
  ['OMEMO without a body', 'kept offline', chat(says.omemoWithoutBody), cipher, cipher, cipher],
  ['OMEMO keys', 'archived', chat(says.omemoKeys), signal, signal, signal],
  ['OMEMO keys', 'queued for the phone', chat(says.omemoKeys), signal, signal, signal],
  ['OMEMO 2', 'archived', chat(says.omemo2), queued, cipher, live],
  ['OMEMO 2 keys', 'archived', chat(says.omemo2Keys), signal, signal, signal],
  ['OpenPGP', 'archived', chat(says.openpgp), queued, cipher, live],
  ['OpenPGP of old', 'archived', chat(says.pgp), queued, cipher, live],

  ['a call', 'a call', chat(says.propose), rings, rings, rings],
  ['a call', 'archived', chat(says.propose), queued, rings, live],
  ['a call', 'queued for the phone', chat(says.propose), rings, another, another],
  [
    'a call that came to another device',
    'queued for the phone',
    carbon('received', chat(says.propose)),
    rings,
    another,
    another,
  ],
  ['a call that is given up', 'archived', chat(says.retract), queued, ringsNoMore, live],
  ['a call that is given up', 'queued for the phone', chat(says.retract), ringsNoMore, another, another],
  ['a call of the account itself', 'a call', sent(says.propose), ...all('no: the account itself calls')],
  ['the end of a call', 'a call', chat(says.finish), ...all('no: it is no call')],
  ['a ringing device', 'queued for the phone', chat(says.ringing), callGoesOn, another, another],
  ['a call that is taken', 'archived', chat(says.proceed), queued, callGoesOn, live],
  ['a call that is refused', 'archived', chat(says.reject), queued, callGoesOn, live],
  ['a call that is over', 'archived', chat(says.finish), queued, callGoesOn, live],
  [
    'a call that another device took',
    'queued for the phone',
    carbon('sent', sent(says.proceed)),
    own,
    another,
    another,
  ],
  ['a call that another device took', 'archived, outgoing', sent(says.proceed), outgoing, outgoing, outgoing],
  [
    'a call that another device took, of old',
    'queued for the phone',
    other.acceptedElsewhere,
    callGoesOn,
    another,
    another,
  ],
  ['an invitation to a call', 'archived', chat(says.callInvite), queued, rings, live],

  ['text that another device sent', 'archived, outgoing', sent(says.text), outgoing, outgoing, outgoing],
  [
    'text that another device sent',
    'queued for the phone',
    carbon('sent', sent(says.text)),
    own,
    another,
    another,
  ],
  [
    'a marker that another device sent',
    'queued for the phone',
    carbon('sent', sent(says.displayed)),
    own,
    another,
    another,
  ],
  [
    'a chat state that another device sent',
    'queued for the phone',
    carbon('sent', sent(says.composing)),
    ...all(ownSignal),
  ],
  ['text of the desktop to all own devices', 'archived', other.toSelf('desktop'), queued, text, live],
  [
    'text of the desktop to all own devices',
    'queued for the phone',
    other.toSelf('desktop'),
    text,
    another,
    another,
  ],
  [
    'text of the tablet to all own devices',
    'archived',
    other.toSelf('tablet'),
    queued,
    'no: its client has written it',
    live,
  ],
  ['a word of the server', 'archived', other.fromServer, queued, text, live],
  ['a word of nobody', 'kept offline', other.withoutSender, text, text, text],

  ['text in a room', 'queued for the phone', room(says.text), text, another, another],
  ['text in a room', 'of a room, for the tablet', room(says.text), another, text, another],
  ['text in a room', 'of a room, for the account', room(says.text), queued, text, live],
  ['OMEMO in a room', 'queued for the phone', room(says.omemo), cipher, another, another],
  ['own text in a room', 'queued for the phone', reflected(says.text), own, another, another],
  ['own text in a room', 'of a room, for the tablet', reflected(says.text), another, own, another],
  ['an own chat state in a room', 'queued for the phone', reflected(says.composing), ...all(ownSignal)],
  ['a correction in a room', 'queued for the phone', room(says.correction), ...all(correction)],
  ['a chat state in a room', 'of a room, for the tablet', room(says.composing), ...all(signal)],
  ['a marker in a room', 'queued for the phone', room(says.displayed), ...all(signal)],
  ['a reaction in a room', 'queued for the phone', room(says.reaction), ...all(roomReaction)],
  ['the subject of a room', 'queued for the phone', room(says.subject), subject, another, another],
  ['news of a room', 'queued for the phone', other.roomNews, ...all(signal)],
  ['a private message of an occupant', 'archived', other.privateOfOccupant, queued, text, live],
  ['an invitation by a room', 'archived', other.mediatedInvitation, queued, invited, live],
  ['an invitation by a room', 'kept offline', other.mediatedInvitation, invited, invited, invited],
  ['an invitation by a person', 'archived', chat(says.directInvitation), queued, invited, live],
  ['an invitation that somebody declines', 'archived', other.declined, ...all(signal)],

  ['a request for presence', 'a request', presence('subscribe'), queued, asks, live],
  ['a request for presence', 'queued for the phone', presence('subscribe'), asks, another, another],
  ['a granted subscription', 'queued for the phone', presence('subscribed'), news, another, another],
  ['a refused subscription', 'queued for the phone', presence('unsubscribed'), news, another, another],
  ['presence', 'queued for the phone', other.available, ...all(seen)],
  ['presence', 'late at the desktop', other.unavailable, ...all(seen)],
  ['presence in a room', 'queued for the phone', other.roomPresence, ...all(seen)],
  ['being put out of a room', 'queued for the phone', other.ownRoomPresence, ownPresence, another, another],
  ['a request of somebody', 'queued for the phone', iq('get'), request, another, another],
  ['an answer to a request', 'queued for the phone', iq('result'), request, another, another],
  ['a request of somebody', 'late at the desktop', iq('set'), another, another, request],
  ['a message out of the archive', 'queued for the phone', other.archiveResult, answer, another, another],
];

function all(verdict: string): [string, string, string] {
  return [verdict, verdict, verdict];
}

describe('with a phone that hibernates, a tablet that is away and a desktop that is connected', () => {
  it.each(table)('%s, %s', (_, way, xml, phone, tablet, desktop) => {
    expect({
      phone: verdictOf(way, xml, device('phone', 'hibernating')),
      tablet: verdictOf(way, xml, device('tablet', 'none')),
      desktop: verdictOf(way, xml, device('desktop', 'live')),
    }).toEqual({ phone, tablet, desktop });
  });
});
