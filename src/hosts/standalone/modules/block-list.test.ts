import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeServer } from '../../../../tests/harness/fake-server.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { errorReply } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { isBlocked, isListed, judgeIncoming, judgeOutgoing } from './block-list.js';

const owner = Jid.parse('ana@example.org');
const listed = (list: readonly string[], jid: string) => isListed(new Set(list), owner, Jid.parse(jid));

describe('isListed', () => {
  it.each([
    ['ben@example.com/pc', 'ben@example.com/pc', true],
    ['ben@example.com/pc', 'ben@example.com/phone', false],
    ['ben@example.com/pc', 'ben@example.com', false],
    ['ben@example.com', 'ben@example.com', true],
    ['ben@example.com', 'ben@example.com/pc', true],
    ['ben@example.com', 'bea@example.com/pc', false],
    ['ben@example.com', 'example.com', false],
    ['example.com/news', 'example.com/news', true],
    ['example.com/news', 'example.com/other', false],
    ['example.com/news', 'example.com', false],
    ['example.com/news', 'ben@example.com/news', false],
    ['example.com', 'example.com', true],
    ['example.com', 'example.com/news', true],
    ['example.com', 'ben@example.com', true],
    ['example.com', 'ben@example.com/pc', true],
    ['example.com', 'sub.example.com', false],
    ['example.org', 'eve@example.org/x', true],
  ])('%s in the list, %s: %s', (entry, jid, expected) => {
    expect(listed(['zoe@example.net', entry], jid)).toBe(expected);
  });

  it.each(['ana@example.org', 'ana@example.org/pc'])('never comes between own resources: %s', (jid) => {
    expect(listed(['example.org', 'ana@example.org', 'ana@example.org/pc'], jid)).toBe(false);
  });

  /** XEP-0191 §5, read literally. */
  function matches(entry: Jid, jid: Jid): boolean {
    if (entry.domain !== jid.domain) return false;
    if (entry.isDomain) return true;
    if (entry.local !== jid.local) return false;
    return !entry.isFull || entry.resource === jid.resource;
  }

  const jids = fc
    .tuple(fc.constantFrom('', 'a', 'b'), fc.constantFrom('x.org', 'y.org'), fc.constantFrom('', 'r', 's'))
    .map(([local, domain, resource]) => Jid.of(local, domain, resource));

  it('is true if and only if one entry matches', () => {
    fc.assert(
      fc.property(fc.array(jids, { maxLength: 4 }), jids, (entries, jid) => {
        const expected = entries.some((entry) => matches(entry, jid));
        expect(isListed(new Set(entries.map(String)), owner, jid)).toBe(expected);
      }),
    );
  });
});

describe('stanzas between an account and whom it has blocked', () => {
  async function blockedBy(...jids: string[]) {
    const server = new FakeServer();
    const account = await server.addAccount('ana@example.org');
    const { session } = await server.connect('ana@example.org/phone');
    for (const jid of jids) account.blocked.add(jid);
    return { account, session };
  }

  const eve = Jid.parse('eve@example.com/pc');
  const stanza = (name: string, type?: string) =>
    el(name, ns.client, { type, from: eve.toString(), to: 'ana@example.org/phone', id: 'i' });

  it.each<[Element, string | undefined]>([
    [stanza('presence'), 'drop'],
    [stanza('presence', 'probe'), 'drop'],
    [stanza('presence', 'subscribe'), 'drop'],
    [stanza('presence', 'error'), 'drop'],
    [stanza('message'), 'service-unavailable'],
    [stanza('message', 'chat'), 'service-unavailable'],
    [stanza('message', 'normal'), 'service-unavailable'],
    [stanza('message', 'headline'), 'drop'],
    [stanza('message', 'groupchat'), 'drop'],
    [stanza('message', 'error'), 'drop'],
    [stanza('iq', 'get'), 'service-unavailable'],
    [stanza('iq', 'set'), 'service-unavailable'],
    [stanza('iq', 'result'), 'drop'],
    [stanza('iq', 'error'), 'drop'],
  ])('do not arrive: $name $attrs.type', async (arriving, expected) => {
    const { account } = await blockedBy('eve@example.com');
    const verdict = judgeIncoming(account, arriving, eve);
    expect(verdict instanceof StanzaError ? verdict.condition : verdict).toBe(expected);
  });

  it('arrive from others, and all of them while nobody is blocked', async () => {
    const { account } = await blockedBy('eve@example.com/phone', 'example.net');
    expect(judgeIncoming(account, stanza('message'), eve)).toBeUndefined();
    account.blocked.clear();
    expect(judgeIncoming(account, stanza('message'), Jid.parse('example.net'))).toBeUndefined();
    expect(isBlocked(account, eve)).toBe(false);
  });

  it('are not answered with an error that would put the user out of a room', async () => {
    const { account, session } = await blockedBy('room@muc.example.com/eve');
    const occupant = Jid.parse('room@muc.example.com/eve');
    const whisper = el('message', ns.client, {
      type: 'chat',
      from: occupant.toString(),
      to: 'ana@example.org/phone',
    });
    expect(judgeIncoming(account, whisper, occupant)).toBeInstanceOf(StanzaError);
    session.directed.add('room@muc.example.com/ana');
    expect(judgeIncoming(account, whisper, occupant)).toBe('drop');
  });

  it('do not leave either, and the session hears why', async () => {
    const { session } = await blockedBy('example.com');
    const leaving = el('message', ns.client, { to: eve.toString(), from: session.jid.toString(), id: 'i' });
    const error = judgeOutgoing(session, leaving, eve);
    expect(error && errorReply(leaving, error)?.child('error')).toEqual(
      el(
        'error',
        ns.client,
        { type: 'cancel' },
        el('not-acceptable', ns.stanzaErrors),
        el('text', ns.stanzaErrors, { 'xml:lang': 'en' }, 'You have blocked this address.'),
        el('blocked', ns.blockingErrors),
      ),
    );
    expect(judgeOutgoing(session, leaving, Jid.parse('ben@example.net'))).toBeUndefined();
  });
});
