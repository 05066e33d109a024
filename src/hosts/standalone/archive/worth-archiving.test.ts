import { describe, expect, it } from 'vitest';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import { isWorthArchiving } from './worth-archiving.js';

const body = el('body', ns.client, {}, 'hi');
const hint = (name: string) => el(name, ns.hints);
const composing = el('composing', ns.chatStates);

describe('isWorthArchiving', () => {
  it.each([
    ['a text', body],
    ['a subject', el('subject', ns.client, {}, 'News')],
    ['OMEMO', el('encrypted', ns.omemo)],
    ['newer OMEMO', el('encrypted', ns.omemo2)],
    ['PGP', el('x', ns.pgp)],
    ['OpenPGP', el('openpgp', ns.openpgp)],
    ['some encryption', el('encryption', ns.explicitEncryption)],
    ['a receipt', el('received', ns.receipts, { id: '1' })],
    ['a marker', el('displayed', ns.chatMarkers, { id: '1' })],
    ['a reaction', el('reactions', ns.reactions, { id: '1' })],
    ['a retraction', el('retract', ns.retraction, { id: '1' })],
    ['a call', el('propose', ns.callSignals, { id: '1' })],
    ['an invitation', el('x', ns.directInvitation, { jid: 'room@muc.example' })],
    ['an invitation by a room', el('x', ns.mucUser, {}, el('invite', ns.mucUser))],
  ])('takes %s', (_, child) => {
    expect(isWorthArchiving(message({ type: 'chat' }, child))).toBe(true);
    expect(isWorthArchiving(message({}, composing, child))).toBe(true);
    expect(isWorthArchiving(message({ type: 'headline' }, child))).toBe(false);
  });

  it.each([
    ['nothing', []],
    ['text between tags', ['hi']],
    ['a chat state', [composing]],
    ['ids and times', [el('stanza-id', ns.stanzaIds), el('delay', ns.delay), el('thread', ns.client)]],
    ['what a room says of itself', [el('x', ns.mucUser, {}, el('status', ns.mucUser, { code: '104' }))]],
    ['news of a node', [el('event', ns.pubsubEvent)]],
    ['what is unknown', [el('x', 'urn:example:unknown')]],
    ['a body that is none', [el('body', 'urn:example:unknown', {}, 'hi')]],
    ['a result of another archive', [el('result', ns.archive)]],
  ])('leaves out %s', (_, children) => {
    expect(isWorthArchiving(message({ type: 'chat' }, ...children))).toBe(false);
    expect(isWorthArchiving(message({ type: 'chat' }, ...children, hint('store')))).toBe(true);
  });

  it.each(['no-store', 'no-permanent-store'])('obeys %s before all else', (name) => {
    expect(isWorthArchiving(message({ type: 'chat' }, hint(name), body))).toBe(false);
    expect(isWorthArchiving(message({ type: 'chat' }, body, hint('store'), hint(name)))).toBe(false);
  });

  it('minds no other hint', () => {
    expect(isWorthArchiving(message({ type: 'chat' }, hint('no-copy'), body))).toBe(true);
    expect(isWorthArchiving(message({ type: 'chat' }, hint('no-copy')))).toBe(false);
  });

  it('keeps a headline if it is asked to, and never what is said in rooms, nor errors', () => {
    expect(isWorthArchiving(message({ type: 'headline' }, body, hint('store')))).toBe(true);
    expect(isWorthArchiving(message({ type: 'groupchat' }, body, hint('store')))).toBe(false);
    expect(isWorthArchiving(message({ type: 'error' }, body, hint('store')))).toBe(false);
  });
});
