/** Stanzas as clients and servers of today send them, to ana@example.org, in the form in which a server hands them on. */

const forAna = "to='ana@example.org'";
const fromBen = `from='ben@example.net/Conversations.tK3c' ${forAna}`;
const fromRoom = "from='tea@rooms.example.net/Ben' to='ana@example.org/phone'";
const fromOwnNick = "from='tea@rooms.example.net/Ana' to='ana@example.org/phone'";
const toBen = "from='ana@example.org/desktop' to='ben@example.net'";
const stored = "<store xmlns='urn:xmpp:hints'/>";
const stanzaId = "<stanza-id xmlns='urn:xmpp:sid:0' by='ana@example.org' id='1792584001000'/>";
const jingleReason = (reason: string) => `<reason xmlns='urn:xmpp:jingle:1'><${reason}/></reason>`;
const jmi = (name: string, inner = '') =>
  `<${name} xmlns='urn:xmpp:jingle-message:0' id='ca3cf894-5325-482f-a412'>${inner}</${name}>${stored}`;
const audio = "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>";
const omemoHeader =
  "<header sid='271'><key rid='31415' prekey='true'>MwohBQ</key><iv>AAECAwQFBgcICQoL</iv></header>";
const omemo2Header =
  "<header sid='271'><keys jid='ana@example.org'><key rid='31415'>MwohBQ</key></keys></header>";
const eme = (namespace: string, name: string) =>
  `<encryption xmlns='urn:xmpp:eme:0' namespace='${namespace}' name='${name}'/>`;

/** The contents of messages, for chats as for rooms. */
const says = {
  text: `<body>Are you coming?</body><origin-id xmlns='urn:xmpp:sid:0' id='3f1b'/><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>${stanzaId}`,
  empty: '',
  emptyBody: '<body/>',
  composing: "<composing xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/>",
  active: "<body>Yes</body><active xmlns='http://jabber.org/protocol/chatstates'/>",
  received: `<received xmlns='urn:xmpp:receipts' id='3f1b'/>${stored}`,
  displayed: `<displayed xmlns='urn:xmpp:chat-markers:0' id='3f1b' sender='ana@example.org'/>${stored}`,
  correction: "<body>Are you coming today?</body><replace xmlns='urn:xmpp:message-correct:0' id='3f1b'/>",
  retraction: `<retract xmlns='urn:xmpp:message-retract:1' id='3f1b'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/><body>This person tried to take back a message.</body>${stored}`,
  formerRetraction: `<apply-to xmlns='urn:xmpp:fasten:0' id='3f1b'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to><body>This person tried to take back a message.</body>${stored}`,
  reaction: `<reactions xmlns='urn:xmpp:reactions:0' id='3f1b'><reaction>👍</reaction></reactions>${stored}`,
  reactionWithText: `<reactions xmlns='urn:xmpp:reactions:0' id='3f1b'><reaction>👍</reaction></reactions><body>&gt; Are you coming?\n👍</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'><body/></fallback>${stored}`,
  file: "<body>https://up.example.net/a/tulips.jpg</body><x xmlns='jabber:x:oob'><url>https://up.example.net/a/tulips.jpg</url></x>",
  omemo: `<encrypted xmlns='eu.siacs.conversations.axolotl'>${omemoHeader}<payload>b64payload</payload></encrypted>${eme('eu.siacs.conversations.axolotl', 'OMEMO')}<body>I sent you an OMEMO encrypted message but your client doesn’t seem to support that.</body>${stored}`,
  omemoWithoutBody: `<encrypted xmlns='eu.siacs.conversations.axolotl'>${omemoHeader}<payload>b64payload</payload></encrypted>${stored}`,
  omemoKeys: `<encrypted xmlns='eu.siacs.conversations.axolotl'>${omemoHeader}</encrypted>${stored}`,
  omemo2: `<encrypted xmlns='urn:xmpp:omemo:2'>${omemo2Header}<payload>b64payload</payload></encrypted>${eme('urn:xmpp:omemo:2', 'OMEMO')}${stored}`,
  omemo2Keys: `<encrypted xmlns='urn:xmpp:omemo:2'>${omemo2Header}</encrypted>${stored}`,
  openpgp: `<openpgp xmlns='urn:xmpp:openpgp:0'>BASE64_OPENPGP_MESSAGE</openpgp>${eme('urn:xmpp:openpgp:0', 'OpenPGP for XMPP')}<body>This message is encrypted.</body>`,
  pgp: "<x xmlns='jabber:x:encrypted'>hQEMA</x><body>This message is encrypted.</body>",
  propose: jmi('propose', audio),
  ringing: jmi('ringing'),
  proceed: jmi(
    'proceed',
    "<device xmlns='http://gultsch.de/xmpp/drafts/omemo/dlts-srtp-verification' id='31415'/>",
  ),
  accept: jmi('accept'),
  reject: jmi('reject', jingleReason('busy')),
  retract: jmi('retract', jingleReason('cancel')),
  finish: jmi('finish', jingleReason('success')),
  callInvite: `<invite xmlns='urn:xmpp:call-invites:0' video='true'><jingle sid='sid1' jid='muji@rooms.example.net'/></invite>${stored}`,
  directInvitation: "<x xmlns='jabber:x:conference' jid='tea@rooms.example.net' reason='There is tea'/>",
  subject: '<subject>Tea at five</subject>',
} as const;

const chat = (content: string) =>
  `<message xmlns='jabber:client' type='chat' id='3f1b' ${fromBen}>${content}</message>`;
const room = (content: string) =>
  `<message xmlns='jabber:client' type='groupchat' id='3f1b' ${fromRoom}>${content}</message>`;
const reflected = (content: string) =>
  `<message xmlns='jabber:client' type='groupchat' id='3f1b' ${fromOwnNick}>${content}</message>`;
const sent = (content: string) =>
  `<message xmlns='jabber:client' type='chat' id='3f1b' ${toBen}>${content}</message>`;

/** The carbon (XEP-0280) that a session of the account gets of a message. */
const carbon = (direction: 'sent' | 'received', message: string) =>
  `<message xmlns='jabber:client' type='chat' from='ana@example.org' to='ana@example.org/phone'><${direction} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>${message}</forwarded></${direction}></message>`;

const invite = (from: string) =>
  `<message xmlns='jabber:client' from='tea@rooms.example.net' ${forAna}><x xmlns='http://jabber.org/protocol/muc#user'><invite${from}><reason>There is tea</reason></invite></x><x xmlns='jabber:x:conference' jid='tea@rooms.example.net'/></message>`;
const presence = (type: string) =>
  `<presence xmlns='jabber:client' type='${type}' from='ben@example.net' ${forAna}/>`;
const iq = (type: string) =>
  `<iq xmlns='jabber:client' type='${type}' id='q1' from='ben@example.net/pc' to='ana@example.org/phone'><query xmlns='jabber:iq:version'/></iq>`;

export const clientStanzas = {
  says,
  chat,
  room,
  reflected,
  sent,
  carbon,
  iq,
  presence,
  /** Of type normal, as some bots send it. */
  normal: `<message xmlns='jabber:client' from='bot@example.net' ${forAna}><body>Backup is done</body></message>`,
  headline: `<message xmlns='jabber:client' type='headline' from='example.net' ${forAna}><body>Maintenance at midnight</body></message>`,
  /** Personal eventing (XEP-0163). */
  event: `<message xmlns='jabber:client' type='headline' from='ben@example.net' ${forAna}><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='eu.siacs.conversations.axolotl.devicelist'><item id='current'/></items></event></message>`,
  bounced: `<message xmlns='jabber:client' type='error' id='3f1b' from='ben@example.net' to='ana@example.org/phone'><body>Are you coming?</body><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  bouncedCall: `<message xmlns='jabber:client' type='error' from='ben@example.net' ${forAna}>${says.propose}<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  /** A private message of an occupant (XEP-0045 §7.5). */
  privateOfOccupant: `<message xmlns='jabber:client' type='chat' id='3f1b' ${fromRoom}><body>Psst</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>`,
  /** Of a room that names the person who invites (XEP-0045 §7.8.2). */
  mediatedInvitation: invite(" from='ben@example.net/pc'"),
  mediatedInvitationOfOccupant: invite(" from='tea@rooms.example.net/Ben'"),
  mediatedInvitationOfNobody: invite(''),
  declined: `<message xmlns='jabber:client' from='tea@rooms.example.net' ${forAna}><x xmlns='http://jabber.org/protocol/muc#user'><decline from='ben@example.net'/></x></message>`,
  roomNews: room("<x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x>"),
  roomPresence: `<presence xmlns='jabber:client' ${fromRoom}><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' role='participant'/></x></presence>`,
  ownRoomPresence: `<presence xmlns='jabber:client' type='unavailable' ${fromOwnNick}><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' role='none'/><status code='110'/><status code='307'/></x></presence>`,
  available: `<presence xmlns='jabber:client' from='ben@example.net/pc' ${forAna}><show>away</show></presence>`,
  unavailable: `<presence xmlns='jabber:client' type='unavailable' from='ben@example.net/pc' ${forAna}/>`,
  archiveResult: `<message xmlns='jabber:client' from='ana@example.org' to='ana@example.org/phone'><result xmlns='urn:xmpp:mam:2' queryid='f27' id='28482'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-07-10T23:08:25Z'/>${chat(says.text)}</forwarded></result></message>`,
  /** From one device of the account to all of them. */
  toSelf: (device: string) =>
    `<message xmlns='jabber:client' type='chat' id='3f1b' from='ana@example.org/${device}' ${forAna}><body>Buy milk</body></message>`,
  /** How a device tells the others that it takes a call, in older versions (XEP-0353 0.3 §3.3). */
  acceptedElsewhere: `<message xmlns='jabber:client' type='chat' from='ana@example.org/desktop' ${forAna}>${says.accept}</message>`,
  fromServer: `<message xmlns='jabber:client' from='example.org' ${forAna}><body>Welcome</body></message>`,
  withoutSender: `<message xmlns='jabber:client' ${forAna}><body>Welcome</body></message>`,
} as const;
