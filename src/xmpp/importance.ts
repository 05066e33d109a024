import { carbonOf } from './carbon.js';
import type { Element } from './element.js';
import { isInvitation } from './invitation.js';
import { ns } from './ns.js';

/** How much a stanza matters to the person whose device it is for, and what it is. */
export interface Importance {
  /**
   * `important`: worth waking the person for. `prompt`: worth no waking, but a device that is awake should know at once.
   * `unimportant`: may wait until somebody looks.
   */
  readonly level: 'important' | 'prompt' | 'unimportant';
  readonly kind:
    | 'call'
    | 'missed-call'
    | 'message'
    | 'invitation'
    | 'subscription'
    | 'iq'
    | 'error'
    | 'own'
    | 'answer'
    | 'room'
    | 'retraction'
    | 'correction'
    | 'headline'
    | 'presence'
    | 'signal';
  /** For the log. */
  readonly why: string;
}

const call = { level: 'important', kind: 'call', why: 'somebody calls' } as const;
const callRetracted = {
  level: 'important',
  kind: 'missed-call',
  why: 'a call has ended before an answer',
} as const;
const roomCall = {
  level: 'important',
  kind: 'invitation',
  why: 'an invitation to a call in a room',
} as const;
const callSignal = { level: 'prompt', kind: 'call', why: 'a call goes on or ends' } as const;
const encrypted = { level: 'important', kind: 'message', why: 'encrypted' } as const;
const text = { level: 'important', kind: 'message', why: 'has a body' } as const;
const invitation = { level: 'important', kind: 'invitation', why: 'an invitation to a room' } as const;
const contactRequest = { level: 'important', kind: 'subscription', why: 'somebody wants to see us' } as const;
const contactNews = { level: 'prompt', kind: 'subscription', why: 'a subscription has changed' } as const;
const iq = { level: 'prompt', kind: 'iq', why: 'a request or an answer' } as const;
const error = { level: 'prompt', kind: 'error', why: 'something that we sent came back' } as const;
const own = { level: 'prompt', kind: 'own', why: 'from another device of the account' } as const;
const ownSignal = { level: 'unimportant', kind: 'own', why: 'a signal of another own device' } as const;
const answer = { level: 'prompt', kind: 'answer', why: 'a message that was asked for' } as const;
const subject = {
  level: 'prompt',
  kind: 'room',
  why: 'the subject of a room, with which joining it ends',
} as const;
const ownPresence = { level: 'prompt', kind: 'room', why: 'the own presence in a room' } as const;
const reaction = { level: 'prompt', kind: 'signal', why: 'a reaction to a message' } as const;
const roomReaction = { level: 'unimportant', kind: 'signal', why: 'a reaction in a room' } as const;
const retraction = { level: 'prompt', kind: 'retraction', why: 'takes back a message' } as const;
const correction = { level: 'unimportant', kind: 'correction', why: 'corrects a message' } as const;
const headline = { level: 'unimportant', kind: 'headline', why: 'a headline' } as const;
const presence = { level: 'unimportant', kind: 'presence', why: 'presence' } as const;
const signal = { level: 'unimportant', kind: 'signal', why: 'without content' } as const;

/**
 * How important a stanza is that the server has for a client: what an inactive client is spared (XEP-0352), and what a
 * sleeping one is woken for (XEP-0357), is decided by this alone. It follows what mod_cloud_notify and Push 2.0 do; where
 * these leave a person without a word, or wake one for nothing, it says more (`prompt`).
 *
 * `isOwnOccupant` tells which occupants of rooms (`room@service/nick`) are the account itself: what they say is a
 * reflection (XEP-0045 §7.4).
 */
export function importance(stanza: Element, isOwnOccupant: (jid: string) => boolean = isNobody): Importance {
  if (stanza.name === 'message') return ofMessage(stanza, isOwnOccupant);
  return stanza.name === 'presence' ? ofPresence(stanza) : iq;
}

const isNobody = () => false;

function ofPresence(stanza: Element): Importance {
  const type = stanza.attr('type');
  if (type === undefined || type === 'unavailable') return isOwnInRoom(stanza) ? ownPresence : presence;
  if (type === 'error') return error;
  return type === 'subscribe' ? contactRequest : contactNews;
}

/** A client that joins or leaves a room waits for it (XEP-0045 §7.2.2, §7.14). */
function isOwnInRoom(stanza: Element): boolean {
  const user = stanza.child('x', ns.mucUser);
  return user?.elements().some((child) => child.name === 'status' && child.attr('code') === '110') ?? false;
}

function ofMessage(message: Element, isOwnOccupant: (jid: string) => boolean): Importance {
  const sent = carbonOf(message, 'sent');
  if (sent !== undefined) return ofOwn(sent);
  const from = message.attr('type') === 'groupchat' ? message.attr('from') : undefined;
  if (from !== undefined && isOwnOccupant(from)) return ofOwn(message);
  return ofContent(carbonOf(message, 'received') ?? message);
}

/** Who has written or read elsewhere need not be told, but notifications may disappear and a device stop ringing. */
function ofOwn(message: Element): Importance {
  const isRead = message.child('displayed', ns.chatMarkers) !== undefined;
  return isRead || ofContent(message).level !== 'unimportant' ? own : ownSignal;
}

function ofContent(message: Element): Importance {
  const type = message.attr('type');
  if (type === 'error') return error;
  if (type === 'headline') return headline;
  if (message.child('replace', ns.correction) !== undefined) return correction;
  if (isRetraction(message)) return retraction;
  if (message.child('reactions', ns.reactions) !== undefined)
    return type === 'groupchat' ? roomReaction : reaction;
  return ofCall(message, type) ?? ofText(message) ?? ofRest(message, type);
}

/** The text beside is for clients that know no retractions (XEP-0424); earlier versions had it in a fastening. */
function isRetraction(message: Element): boolean {
  if (message.child('retract', ns.retraction) !== undefined) return true;
  const fastening = message.child('apply-to', ns.fastening);
  const retracting = fastening?.child('moderated', ns.formerModeration) ?? fastening;
  return retracting?.child('retract', ns.formerRetraction) !== undefined;
}

/**
 * Jingle message initiation (XEP-0353) and invitations to calls (XEP-0482). Who rings must hear that nobody calls any more. A room
 * rings nobody: it invites all who are in it, and says who comes and goes.
 */
function ofCall(message: Element, type: string | undefined): Importance | undefined {
  const signal = callSignalIn(message);
  if (signal === undefined) return undefined;
  const isBegun = signal.name === 'propose' || signal.name === 'invite';
  if (type === 'groupchat') return isBegun ? roomCall : undefined;
  if (isBegun) return call;
  return signal.name === 'retract' ? callRetracted : callSignal;
}

/** What a message says of a call, in a room or not. All messages come by here: it looks no closer than it must. */
export function callSignalIn({ children }: Element): Element | undefined {
  for (const child of children) {
    if (typeof child === 'string') continue;
    if (child.ns === ns.callSignals || child.ns === ns.callInvitations) return child;
  }
  return undefined;
}

function ofText(message: Element): Importance | undefined {
  if (isEncrypted(message)) return encrypted;
  return bodyOf(message) === undefined ? undefined : text;
}

/** The first body that is not empty (RFC 6121 §5.2.3). */
export function bodyOf(message: Element): string | undefined {
  for (const child of message.children) {
    if (typeof child === 'string' || !child.is('body', ns.client)) continue;
    const body = child.text();
    if (body !== '') return body;
  }
  return undefined;
}

/** What is inside cannot be seen; but OMEMO without payload only exchanges keys (XEP-0384 §5.5.3). */
export function isEncrypted(message: Element): boolean {
  const omemo = message.child('encrypted', ns.omemo) ?? message.child('encrypted', ns.omemo2);
  if (omemo !== undefined) return omemo.child('payload') !== undefined;
  const other = message.child('x', ns.pgp) ?? message.child('openpgp', ns.openpgp);
  return (other ?? message.child('encryption', ns.explicitEncryption)) !== undefined;
}

function ofRest(message: Element, type: string | undefined): Importance {
  if (isInvitation(message)) return invitation;
  if (type === 'groupchat' && message.child('subject') !== undefined) return subject;
  return message.child('result', ns.archive) === undefined ? signal : answer;
}
