import { describe, expect, it } from 'vitest';
import { type Element, el } from './element.js';
import { type Importance, importance } from './importance.js';
import { ns } from './ns.js';
import { message, presence } from './stanza.js';

const own = 'ana@example.org';
const device = `${own}/phone`;
const ben = { from: 'ben@example.org/pc', to: device };
const room = { from: 'tea@rooms.example/ben', to: device };
const me = { from: 'tea@rooms.example/ana', to: device };
const isMe = (jid: string) => jid === me.from;

const chat = (...children: (Element | string)[]) => message({ ...ben, type: 'chat' }, ...children);
const groupchat = (...children: Element[]) => message({ ...room, type: 'groupchat' }, ...children);
const reflected = (...children: Element[]) => message({ ...me, type: 'groupchat' }, ...children);
const body = (text = 'hello') => el('body', ns.client, {}, text);
const subject = el('subject', ns.client, {}, 'tea');
const composing = el('composing', ns.chatStates);
const receipt = el('received', ns.receipts, { id: '1' });
const displayed = el('displayed', ns.chatMarkers, { id: '1' });
const replace = el('replace', ns.correction, { id: '1' });
const jingle = (name: string) => el(name, ns.callSignals, { id: '1' });
const invite = (name: string) => el(name, ns.callInvitations, { id: '1' });
const reactions = el('reactions', ns.reactions, { id: '1' }, el('reaction', ns.reactions, {}, '👍'));
const formerly = el('retract', ns.formerRetraction);
const fastened = (inner: Element) => el('apply-to', ns.fastening, { id: '1' }, inner);
const encrypted = (namespace: string, ...children: string[]) =>
  el('encrypted', namespace, {}, ...children.map((name) => el(name, namespace)));
const encryption = el('encryption', ns.explicitEncryption, { namespace: 'urn:example:cipher' });
const inRoom = (...children: Element[]) => el('x', ns.mucUser, {}, ...children);
const carbon = (direction: 'sent' | 'received', carried: Element, from = own) =>
  message(
    { from, to: device, type: 'chat' },
    el(direction, ns.carbons, {}, el('forwarded', ns.forward, {}, carried)),
  );
const sent = (...children: Element[]) =>
  carbon('sent', message({ from: `${own}/pc`, to: ben.from, type: 'chat' }, ...children));
const received = (...children: Element[]) => carbon('received', chat(...children));
const iq = (type: string) => el('iq', ns.client, { ...ben, type, id: '1' });
const status = (code: string) => el('status', ns.mucUser, { code });

const table: Readonly<
  Record<Importance['level'], readonly (readonly [string, Importance['kind'], Element])[]>
> = {
  important: [
    ['text', 'message', chat(body())],
    ['text of type normal', 'message', message(ben, body())],
    ['text of an unknown type', 'message', el('message', ns.client, { ...ben, type: 'x' }, body())],
    ['text beside a chat state and a receipt', 'message', chat(composing, receipt, body())],
    ['text in a second language alone', 'message', chat(body(''), body('salve'))],
    ['text in a room', 'message', groupchat(body())],
    ['text with a subject in a room, which changes none', 'message', groupchat(subject, body())],
    ['text that came to another device', 'message', received(body())],
    [
      'text of a contact that looks like a carbon',
      'message',
      carbon('sent', chat(), ben.from).withChildren([body()]),
    ],
    ['OMEMO', 'message', chat(encrypted(ns.omemo, 'header', 'payload'))],
    ['OMEMO 2', 'message', chat(encrypted(ns.omemo2, 'header', 'payload'))],
    ['OMEMO in a room', 'message', groupchat(encrypted(ns.omemo, 'header', 'payload'))],
    ['OMEMO that came to another device', 'message', received(encrypted(ns.omemo, 'header', 'payload'))],
    ['OMEMO keys with text beside', 'message', chat(encrypted(ns.omemo, 'header'), body())],
    ['OpenPGP', 'message', chat(el('openpgp', ns.openpgp, {}, 'x'))],
    ['OpenPGP of old', 'message', chat(el('x', ns.pgp, {}, 'x'))],
    ['a cipher that is only named', 'message', chat(encryption)],
    ['a call', 'call', chat(jingle('propose'))],
    ['a call that has ended', 'missed-call', chat(jingle('retract'))],
    ['a call that came to another device', 'call', received(jingle('propose'))],
    ['an invitation to a call', 'call', chat(invite('invite'))],
    ['an invitation to a call in a room', 'invitation', groupchat(invite('invite'))],
    ['a call in a room', 'invitation', groupchat(jingle('propose'))],
    ['an invitation to a call that is taken back', 'missed-call', chat(invite('retract'))],
    ['text beside something fastened', 'message', chat(fastened(el('external', ns.fastening)), body())],
    ['an invitation', 'invitation', message(ben, el('x', ns.directInvitation, { jid: 'tea@rooms.example' }))],
    [
      'an invitation by the room',
      'invitation',
      message(room, inRoom(el('invite', ns.mucUser, { from: own }))),
    ],
    ['a wish to see presence', 'subscription', presence({ ...ben, type: 'subscribe' })],
  ],
  prompt: [
    ['a request', 'iq', iq('get')],
    ['a change', 'iq', iq('set')],
    ['a result', 'iq', iq('result')],
    ['an error as answer', 'iq', iq('error')],
    ['a message that came back', 'error', message({ ...ben, type: 'error' }, body())],
    ['presence that came back', 'error', presence({ ...room, type: 'error' })],
    ['text of another own device', 'own', sent(body())],
    ['OMEMO of another own device', 'own', sent(encrypted(ns.omemo, 'header', 'payload'))],
    ['what another own device has read', 'own', sent(displayed)],
    ['a call from another own device', 'own', sent(jingle('propose'))],
    ['a call that another own device took', 'own', sent(jingle('proceed'))],
    ['a reflection of own text in a room', 'own', reflected(body())],
    ['a call that was taken', 'call', chat(jingle('proceed'))],
    ['a call that was refused', 'call', chat(jingle('reject'))],
    [
      'a call that was taken elsewhere, as in older versions',
      'call',
      message({ from: `${own}/pc`, to: own }, jingle('accept')),
    ],
    ['a call that is over', 'call', chat(jingle('finish'))],
    ['a ringing device', 'call', chat(jingle('ringing'))],
    ['a message from an archive', 'answer', message({ from: own, to: device }, el('result', ns.archive))],
    ['the subject of a room', 'room', groupchat(subject)],
    ['the empty subject of a room', 'room', groupchat(el('subject', ns.client))],
    ['the own presence in a room', 'room', presence(me, inRoom(status('100'), status('110')))],
    ['the end of it', 'room', presence({ ...me, type: 'unavailable' }, inRoom(status('110')))],
    ['a message that is taken back', 'retraction', chat(el('retract', ns.retraction, { id: '1' }), body())],
    ['a message that is taken back as in older versions', 'retraction', chat(fastened(formerly), body())],
    [
      'a message that a moderator takes back, as in older versions',
      'retraction',
      groupchat(fastened(el('moderated', ns.formerModeration, {}, formerly))),
    ],
    ['a reaction', 'signal', chat(reactions)],
    ['a reaction with text for old clients', 'signal', chat(reactions, body())],
    ['a reaction that came to another device', 'signal', received(reactions)],
    ['a reaction of another own device', 'own', sent(reactions)],
    ['an accepted invitation to a call', 'call', chat(invite('accept'))],
    ['a refused invitation to a call', 'call', chat(invite('reject'))],
    ['somebody who leaves a call', 'call', chat(invite('left'))],
    ['a granted subscription', 'subscription', presence({ ...ben, type: 'subscribed' })],
    ['a refused subscription', 'subscription', presence({ ...ben, type: 'unsubscribed' })],
    ['a subscription that ends', 'subscription', presence({ ...ben, type: 'unsubscribe' })],
  ],
  unimportant: [
    ['an empty message', 'signal', chat()],
    ['white space', 'signal', chat('\n')],
    ['an empty body', 'signal', chat(body(''))],
    ['a body of another namespace', 'signal', chat(el('body', 'http://www.w3.org/1999/xhtml', {}, 'x'))],
    ['a chat state', 'signal', chat(composing)],
    ['a receipt', 'signal', chat(receipt)],
    ['a marker', 'signal', chat(displayed)],
    ['a subject without a room', 'signal', chat(subject)],
    ['OMEMO keys', 'signal', chat(encrypted(ns.omemo, 'header'))],
    ['OMEMO 2 keys', 'signal', chat(encrypted(ns.omemo2, 'header'), encryption)],
    ['news of a room', 'signal', groupchat(inRoom(status('104')))],
    ['a chat state that came to another device', 'signal', received(composing)],
    ['a reaction in a room', 'signal', groupchat(reactions, body())],
    ['somebody who comes to a call in a room', 'signal', groupchat(invite('accept'))],
    ['somebody who leaves a call in a room', 'signal', groupchat(invite('left'))],
    ['a correction', 'correction', chat(replace, body())],
    ['a correction in a room', 'correction', groupchat(replace, body())],
    ['an encrypted correction', 'correction', chat(replace, encrypted(ns.omemo, 'header', 'payload'))],
    ['a correction that came to another device', 'correction', received(replace, body())],
    ['a headline', 'headline', message({ ...ben, type: 'headline' }, body())],
    [
      'a headline that came to another device',
      'headline',
      carbon('received', message({ ...ben, type: 'headline' }, body())),
    ],
    ['a chat state of another own device', 'own', sent(composing)],
    ['a correction of another own device', 'own', sent(replace, body())],
    ['a reflection of an own chat state', 'own', reflected(composing)],
    ['a carbon of a contact', 'signal', carbon('received', chat(body()), ben.from)],
    ['a carbon of somebody whose name begins like ours', 'signal', carbon('received', chat(body()), 'an')],
    ['a carbon of nothing', 'signal', carbon('received', el('x', 'urn:example:x'))],
    ['presence', 'presence', presence(ben)],
    ['unavailable presence', 'presence', presence({ ...ben, type: 'unavailable' })],
    ['presence in a room', 'presence', presence(room, inRoom(status('100')))],
  ],
};

const rows = Object.entries(table).flatMap(([level, group]) =>
  group.map(([what, kind, stanza]) => ({ level, what, kind, stanza })),
);

describe('importance', () => {
  it.each(rows)('of $what: $level, $kind', ({ level, kind, stanza }) => {
    expect(importance(stanza, isMe)).toMatchObject({ level, kind });
  });

  it('takes no occupant of a room for the account itself if nobody says who that is', () => {
    expect(importance(reflected(body())).level).toBe('important');
  });

  it('says why', () => {
    for (const { stanza } of rows) expect(importance(stanza, isMe).why).not.toBe('');
    expect(importance(chat(body())).why).not.toBe(importance(chat(encryption)).why);
  });
});
