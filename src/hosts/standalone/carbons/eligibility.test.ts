import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { isEligible } from './eligibility.js';

const ben = Jid.parse('ben@example.com/pc');
const room = Jid.parse('room@muc.example.com');
const occupant = Jid.parse('room@muc.example.com/ben');

const message = (type: string | undefined, ...children: Element[]) =>
  el('message', ns.client, { type }, ...children);
const body = el('body', ns.client, {}, 'hi');
const muc = (...children: Element[]) => el('x', ns.mucUser, {}, ...children);
const invite = muc(el('invite', ns.mucUser, { from: 'ben@example.com' }));
const secret = el('private', ns.carbons);
const noCopy = el('no-copy', ns.hints);
const copy = (name: string) =>
  el(name, ns.carbons, {}, el('forwarded', ns.forward, {}, message('chat', body)));

type Row = readonly [what: string, stanza: Element, other: Jid, incoming: boolean, outgoing: boolean];

/** XEP-0280 §6.1, rule by rule. */
const rows: readonly Row[] = [
  ['a chat', message('chat', body), ben, true, true],
  ['a chat without a body', message('chat', el('encrypted', 'urn:example:e')), ben, true, true],
  ['a normal message with a body', message('normal', body), ben, true, true],
  ['a message without a type', message(undefined, body), ben, true, true],
  ['a message of an unknown type', message('strange', body), ben, true, true],
  ['a normal message without a body', message('normal', el('event', 'urn:example:e')), ben, false, false],
  ['a body in another namespace', message('normal', el('body', 'urn:example:e')), ben, false, false],
  ['a headline', message('headline', body), ben, false, false],
  ['a receipt', message(undefined, el('received', ns.receipts, { id: '1' })), ben, true, true],
  ['a chat state', message('normal', el('composing', ns.chatStates)), ben, true, true],
  ['a marker', message(undefined, el('displayed', ns.chatMarkers, { id: '1' })), ben, true, true],
  ['a marker in a headline', message('headline', el('displayed', ns.chatMarkers)), ben, true, true],
  ['a message of a room', message('groupchat', body), occupant, false, false],
  ['a chat state of a room', message('groupchat', el('active', ns.chatStates)), occupant, false, false],
  ['a direct invitation', message(undefined, el('x', ns.directInvitation, { jid: 'r@m' })), ben, true, true],
  ['an invitation by a room', message('normal', invite), room, true, true],
  ['a private message in a room', message('chat', body, muc()), occupant, false, true],
  ['a message of the room itself', message('normal', body, muc()), room, true, true],
  ['an error', message('error', body), ben, false, false],
  ['a private chat', message('chat', body, secret), ben, false, false],
  ['a private chat that is not to be copied', message('chat', body, secret, noCopy), ben, false, false],
  ['a chat that is not to be copied', message('chat', body, noCopy), ben, false, false],
  ['a private invitation', message('chat', invite, secret), ben, false, false],
  ['what looks like a received copy', message('chat', copy('received')), ben, false, false],
  ['what looks like a sent copy', message('chat', body, copy('sent')), ben, false, false],
  ['private that is quoted', message('chat', el('reply', 'urn:example:e', {}, secret)), ben, true, true],
];

describe('eligible for carbons', () => {
  it.each(rows)('is %s or not', (_, stanza, other, incoming, outgoing) => {
    expect([isEligible(stanza, 'incoming', other), isEligible(stanza, 'outgoing', other)]).toEqual([
      incoming,
      outgoing,
    ]);
  });
});
