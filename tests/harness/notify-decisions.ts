import type { Rules } from '../../src/services/notify/channel.js';
import type { Occasion, Recipient, Source } from '../../src/services/notify/decision/decide.js';
import { clientStanzas } from './client-stanzas.js';

/** Who is told of what: the tables that docs/cloud-notify-rules.md puts in words. A verdict is `told: why`. */

const { says, chat, room, reflected, sent, carbon, iq, presence, ...other } = clientStanzas;

/** The ways in which a stanza comes up; the device is the one that it concerns alone. */
export const ways = {
  archived: { source: 'archive', client: undefined },
  'kept offline': { source: 'offline', client: undefined },
  'queued for the phone': { source: 'hibernation', client: 'phone' },
  'late at the desktop': { source: 'acknowledgement', client: 'desktop' },
  'a call': { source: 'call', client: undefined },
  'of a room, for the tablet': { source: 'room', client: 'tablet' },
  'of a room, for the account': { source: 'room', client: undefined },
  'a request': { source: 'subscription', client: undefined },
} as const satisfies Record<string, { source: Source } & Pick<Occasion, 'client'>>;

export type Way = keyof typeof ways;

const queued = 'no: it waits in the queue of its client';
const live = 'no: its client is connected';
const another = 'no: it is for another device';
const wrote = 'no: its client has written it';

const text = 'important: has a body';
const cipher = 'important: encrypted';
export const rings = 'urgent, important: somebody calls';
const ringsNoMore = 'urgent, important: a call has ended before an answer';
const invited = 'important: an invitation to a room';
const roomCalls = 'important: an invitation to a call in a room';
const asks = 'important: somebody wants to see us';
const callGoesOn = 'unimportant: a call goes on or ends';
const own = 'unimportant: done by the account itself';
const takenBack = 'unimportant: takes back a message';
const reacts = 'unimportant: a reaction to a message';
const bounced = 'unimportant: something that we sent came back';
const request = 'unimportant: a request or an answer';
const answersClient = 'no: it answers its client';
const subject = 'unimportant: the subject of a room, with which joining it ends';
const ownPresence = 'unimportant: the own presence in a room';
const news = 'unimportant: a subscription has changed';
const signal = 'no: without content';
const ownSignal = 'no: a signal of another own device';
const correction = 'no: corrects a message';
const headline = 'no: a headline';
const seen = 'no: presence';
const roomReaction = 'no: a reaction in a room';

export type Row = readonly [what: string, stanza: string, phone: string, tablet: string, desktop: string];

/** The phone hibernates, the tablet has no session, the desktop is connected. */
export const table: Readonly<Record<Way, readonly Row[]>> = {
  archived: [
    ['text', chat(says.text), queued, text, live],
    ['text of a bot', other.normal, queued, text, live],
    ['text with a chat state', chat(says.active), queued, text, live],
    ['a file', chat(says.file), queued, text, live],
    ['a message without anything', chat(says.empty), signal, signal, signal],
    ['a receipt', chat(says.received), signal, signal, signal],
    ['a marker', chat(says.displayed), signal, signal, signal],
    ['a correction', chat(says.correction), correction, correction, correction],
    ['a retraction', chat(says.retraction), queued, takenBack, live],
    ['a former retraction', chat(says.formerRetraction), queued, takenBack, live],
    ['a reaction', chat(says.reaction), queued, reacts, live],
    ['a reaction with text for old clients', chat(says.reactionWithText), queued, reacts, live],
    ['OMEMO', chat(says.omemo), queued, cipher, live],
    ['OMEMO keys', chat(says.omemoKeys), signal, signal, signal],
    ['OMEMO 2', chat(says.omemo2), queued, cipher, live],
    ['OMEMO 2 keys', chat(says.omemo2Keys), signal, signal, signal],
    ['OpenPGP', chat(says.openpgp), queued, cipher, live],
    ['OpenPGP of old', chat(says.pgp), queued, cipher, live],
    ['a call', chat(says.propose), queued, rings, live],
    ['a call that is given up', chat(says.retract), queued, ringsNoMore, live],
    ['a call that is taken', chat(says.proceed), queued, callGoesOn, live],
    ['a call that is refused', chat(says.reject), queued, callGoesOn, live],
    ['a call that is over', chat(says.finish), queued, callGoesOn, live],
    ['an invitation to a call', chat(says.callInvite), queued, rings, live],
    ['text of the desktop to all own devices', other.toSelf('desktop'), queued, text, live],
    ['text of the tablet to all own devices', other.toSelf('tablet'), queued, wrote, live],
    ['a word of the server', other.fromServer, queued, text, live],
    ['a private message of an occupant', other.privateOfOccupant, queued, text, live],
    ['an invitation by a room', other.mediatedInvitation, queued, invited, live],
    ['an invitation by a person', chat(says.directInvitation), queued, invited, live],
    ['an invitation that somebody declines', other.declined, ...all(signal)],
  ],
  'kept offline': [
    ['text', chat(says.text), text, text, text],
    ['a message without anything', chat(says.empty), signal, signal, signal],
    ['a headline', other.headline, headline, headline, headline],
    ['OMEMO without a body', chat(says.omemoWithoutBody), cipher, cipher, cipher],
    ['a word of nobody', other.withoutSender, text, text, text],
    ['an invitation by a room', other.mediatedInvitation, invited, invited, invited],
  ],
  'queued for the phone': [
    ['text', chat(says.text), text, another, another],
    ['text that came to another device', carbon('received', chat(says.text)), text, another, another],
    ['an empty body', chat(says.emptyBody), signal, signal, signal],
    ['a chat state', chat(says.composing), signal, signal, signal],
    ['a receipt', chat(says.received), signal, signal, signal],
    ['a marker', chat(says.displayed), signal, signal, signal],
    ['a correction', chat(says.correction), correction, correction, correction],
    ['a retraction', chat(says.retraction), takenBack, another, another],
    ['a reaction', chat(says.reaction), reacts, another, another],
    ['an event', other.event, headline, headline, headline],
    ['a message that came back', other.bounced, bounced, another, another],
    ['OMEMO', chat(says.omemo), cipher, another, another],
    ['OMEMO keys', chat(says.omemoKeys), signal, signal, signal],
    ['a call', chat(says.propose), rings, another, another],
    ['a call that came to another device', carbon('received', chat(says.propose)), rings, another, another],
    ['a call that is given up', chat(says.retract), ringsNoMore, another, another],
    ['a ringing device', chat(says.ringing), callGoesOn, another, another],
    ['a call that another device took', carbon('sent', sent(says.proceed)), own, another, another],
    ['a call that another device took, of old', other.acceptedElsewhere, callGoesOn, another, another],
    ['text that another device sent', carbon('sent', sent(says.text)), own, another, another],
    ['a marker that another device sent', carbon('sent', sent(says.displayed)), own, another, another],
    ['a chat state that another device sent', carbon('sent', sent(says.composing)), ...all(ownSignal)],
    ['text of the desktop to all own devices', other.toSelf('desktop'), text, another, another],
    ['text in a room', room(says.text), text, another, another],
    ['OMEMO in a room', room(says.omemo), cipher, another, another],
    ['own text in a room', reflected(says.text), own, another, another],
    ['an own chat state in a room', reflected(says.composing), ...all(ownSignal)],
    ['an invitation to a call in a room', room(says.callInvite), roomCalls, another, another],
    ['a correction in a room', room(says.correction), ...all(correction)],
    ['a marker in a room', room(says.displayed), ...all(signal)],
    ['a reaction in a room', room(says.reaction), ...all(roomReaction)],
    ['the subject of a room', room(says.subject), subject, another, another],
    ['news of a room', other.roomNews, ...all(signal)],
    ['a request for presence', presence('subscribe'), asks, another, another],
    ['a granted subscription', presence('subscribed'), news, another, another],
    ['a refused subscription', presence('unsubscribed'), news, another, another],
    ['presence', other.available, ...all(seen)],
    ['presence in a room', other.roomPresence, ...all(seen)],
    ['being put out of a room', other.ownRoomPresence, ownPresence, another, another],
    ['a request of somebody', iq('get'), request, another, another],
    ['an answer to a request', iq('result'), answersClient, another, another],
    ['a request that was refused', iq('error'), answersClient, another, another],
    ['a message out of the archive', other.archiveResult, answersClient, another, another],
  ],
  'late at the desktop': [
    ['text', chat(says.text), another, another, text],
    ['a chat state', chat(says.composing), signal, signal, signal],
    ['presence', other.unavailable, ...all(seen)],
    ['a request of somebody', iq('set'), another, another, request],
  ],
  'a call': [
    ['a call', chat(says.propose), rings, rings, rings],
    ['a call of the account itself', sent(says.propose), ...all('no: the account itself calls')],
    ['an invitation to a call', chat(says.callInvite), rings, rings, rings],
    ['an invitation to a call in a room', room(says.callInvite), ...all('no: it is no call')],
    ['a call that came back', other.bouncedCall, ...all('no: it is no call')],
    ['the end of a call', chat(says.finish), ...all('no: it is no call')],
  ],
  'of a room, for the tablet': [
    ['text in a room', room(says.text), another, text, another],
    ['own text in a room', reflected(says.text), another, own, another],
    ['a chat state in a room', room(says.composing), ...all(signal)],
  ],
  'of a room, for the account': [['text in a room', room(says.text), queued, text, live]],
  'a request': [['a request for presence', presence('subscribe'), queued, asks, live]],
};

function all(verdict: string): [string, string, string] {
  return [verdict, verdict, verdict];
}

type Where = readonly [
  way: Way,
  session: Recipient['session'],
  whileAway: boolean,
  isNobodyThere: boolean,
  verdict: string,
];

/** A tablet, wherever it is, with and without the wish to be told while nobody is at the other devices. */
export const whereabouts: readonly Where[] = [
  ['archived', 'none', false, false, text],
  ['archived', 'none', false, true, text],
  ['archived', 'none', true, false, text],
  ['archived', 'live', false, false, live],
  ['archived', 'live', false, true, live],
  ['archived', 'live', true, false, live],
  ['archived', 'live', true, true, text],
  ['archived', 'hibernating', false, false, queued],
  ['archived', 'hibernating', true, true, queued],
  ['kept offline', 'none', false, false, text],
  ['kept offline', 'live', false, false, text],
  ['kept offline', 'hibernating', false, false, text],
  ['queued for the phone', 'none', true, true, another],
  ['late at the desktop', 'live', true, true, another],
  ['of a room, for the tablet', 'none', false, false, text],
  ['of a room, for the account', 'none', false, false, text],
  ['of a room, for the account', 'live', false, true, live],
  ['of a room, for the account', 'live', true, true, text],
  ['of a room, for the account', 'hibernating', false, false, queued],
  ['a request', 'none', false, false, text],
  ['a request', 'live', true, true, text],
  ['a request', 'live', false, false, live],
  ['a request', 'hibernating', false, false, queued],
];

const muted = 'no: it is of a muted chat';
const unknown = 'no: it is from somebody unknown';
const unlisted = 'no: its room is not listed';
const unwanted = 'no: its room is never told of';
const unmentioned = 'no: its room is told of only when it mentions the account, and it does not';

const mutes = (...jids: string[]) => ({ muted: new Set(jids) });
const tea = (allow: 'always' | 'mentioned' | 'never', nick = 'Ana') => ({
  rooms: new Map([['tea@rooms.example.net', { allow, nick }]]),
});
const known = { ignoresUnknown: true };
const mentioned = tea('mentioned');
const nameless = {
  rooms: new Map([['tea@rooms.example.net', { allow: 'mentioned', nick: undefined } as const]]),
};

const body = (words: string) => `<body>${words}</body>`;
const reference = (uri: string) =>
  `${body('Coming?')}<reference xmlns='urn:xmpp:reference:0' type='mention' begin='0' end='3' uri='${uri}'/>`;
const ofStranger = (xml: string) => xml.replaceAll('ben@example.net', 'eve@example.com');
/** In a room where no presence of the account says which occupant it is. */
const ofOwnNick = (content: string) =>
  reflected(content).replaceAll('tea@rooms.example.net/Ana', 'tea@rooms.example.net/Ana Maria');

/** As browsers are told of. */
const important: Partial<Rules> = { onlyImportant: true };
const unimportant = 'no: its client is told only of what is important';

type RuleRow = readonly [what: string, rules: Partial<Rules>, stanza: string, verdict: string];

/** What a tablet without a session is told in spite of its rules. Ben is a contact, Eve is none. */
export const rulesTable: readonly RuleRow[] = [
  ['text of who is muted', mutes('ben@example.net'), chat(says.text), muted],
  ['a call of who is muted', mutes('ben@example.net'), chat(says.propose), muted],
  ['a request of who is muted', mutes('ben@example.net'), presence('subscribe'), muted],
  ['text of another', mutes('eve@example.com'), chat(says.text), text],
  ['own text to who is muted', mutes('ben@example.net'), carbon('sent', sent(says.text)), muted],
  ['own text to another', mutes('eve@example.com'), carbon('sent', sent(says.text)), own],
  ['own text to all own devices, muted', mutes('ana@example.org'), other.toSelf('desktop'), muted],
  ['text in a muted room', mutes('tea@rooms.example.net'), room(says.text), muted],
  ['own text in a muted room', mutes('tea@rooms.example.net'), reflected(says.text), muted],
  ['a private message in a muted room', mutes('tea@rooms.example.net'), other.privateOfOccupant, muted],
  ['an invitation in the name of who is muted', mutes('ben@example.net'), other.mediatedInvitation, muted],
  ['an invitation into a muted room', mutes('tea@rooms.example.net'), other.mediatedInvitation, muted],
  ['text in a room of which the service is muted', mutes('rooms.example.net'), room(says.text), text],

  ['text of a contact', known, chat(says.text), text],
  ['text of a stranger', known, ofStranger(chat(says.text)), unknown],
  ['a call of a stranger', known, ofStranger(chat(says.propose)), unknown],
  ['a request of a stranger', known, ofStranger(presence('subscribe')), unknown],
  ['text of a bot that is no contact', known, other.normal, unknown],
  ['text in a room', known, room(says.text), text],
  ['a private message in a room', known, other.privateOfOccupant, unknown],
  ['an invitation in the name of a contact', known, other.mediatedInvitation, invited],
  ['an invitation in the name of a stranger', known, ofStranger(other.mediatedInvitation), unknown],
  ['an invitation in the name of an occupant', known, other.mediatedInvitationOfOccupant, invited],
  ['an invitation in nobody’s name', known, other.mediatedInvitationOfNobody, invited],
  ['an invitation by a stranger', known, ofStranger(chat(says.directInvitation)), unknown],
  ['text of another own device', known, other.toSelf('desktop'), text],
  ['own text to a stranger', known, ofStranger(carbon('sent', sent(says.text))), own],
  ['a word of the server', known, other.fromServer, text],
  ['a word of nobody', known, other.withoutSender, text],

  ['text in a room that is told of', tea('always'), room(says.text), text],
  ['OMEMO in a room that is told of', tea('always'), room(says.omemo), cipher],
  ['the subject of a room that is told of', tea('always'), room(says.subject), subject],
  ['own text in a room that is told of', tea('always'), reflected(says.text), own],
  ['own text under the nick of the rule', tea('always', 'Ana Maria'), ofOwnNick(says.text), own],
  ['text under another nick than the rule’s', tea('always', 'Ana'), ofOwnNick(says.text), text],
  ['text in a room that is never told of', tea('never'), room(says.text), unwanted],
  ['a mention in a room that is never told of', tea('never'), room(body('Ana?')), unwanted],
  ['text in a room that is not listed', { rooms: new Map() }, room(says.text), unlisted],
  ['a mention in a room that is not listed', { rooms: new Map() }, room(body('Ana?')), unlisted],
  ['a private message in a room that is never told of', tea('never'), other.privateOfOccupant, text],
  ['an invitation into a room that is not listed', { rooms: new Map() }, other.mediatedInvitation, invited],
  ['text of a person', { rooms: new Map() }, chat(says.text), text],

  ['text', mentioned, room(says.text), unmentioned],
  ['the nick', mentioned, room(body('Ana: coming?')), text],
  ['the nick as people type it', mentioned, room(body('is ANA coming?')), text],
  ['the nick in a longer word', mentioned, room(body('banana?')), unmentioned],
  ['the nick beside a reaction', mentioned, room(says.reaction), roomReaction],
  ['the localpart where no nick is given', nameless, room(body('ana?')), text],
  ['a reference to the account', mentioned, room(reference('xmpp:ana@example.org')), text],
  ['a reference to the occupant', mentioned, room(reference('xmpp:tea@rooms.example.net/Ana')), text],
  ['a reference to another', mentioned, room(reference('xmpp:tea@rooms.example.net/Ben')), unmentioned],
  ['a reference to a page', mentioned, room(reference('https://example.org/ana')), unmentioned],
  ['OMEMO, in which nobody can look', mentioned, room(says.omemo), unmentioned],
  ['a subject', mentioned, room(says.subject), unmentioned],
  ['an invitation to a call', mentioned, room(says.callInvite), unmentioned],
  ['the localpart in own text', nameless, reflected(body('Ana is late')), unmentioned],
  ['the own nick in own text', mentioned, reflected(body('Ana is late')), unmentioned],
  [
    'the nick of the rule in text of that nick',
    tea('mentioned', 'Ana Maria'),
    ofOwnNick(body('Ana Maria?')),
    unmentioned,
  ],

  ['text', important, chat(says.text), text],
  ['a call', important, chat(says.propose), rings],
  ['a call that goes on', important, chat(says.proceed), unimportant],
  ['a retraction', important, chat(says.retraction), unimportant],
  ['own text', important, carbon('sent', sent(says.text)), unimportant],
  ['a receipt', important, chat(says.received), signal],
];
