import { beforeEach, describe, expect, it } from 'vitest';
import { type Element, el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { Delays } from './delays.js';
import { createOriginals, type Originals } from './originals.js';

const noon = Date.UTC(2026, 0, 1, 12);
const message = (...children: Element[]) =>
  el('message', ns.client, { from: 'ben@example.org/pc', to: 'ana@example.org' }, ...children);
const copy = (what: 'sent' | 'received', inside: Element, from = 'ana@example.org') =>
  el(
    'message',
    ns.client,
    { from, to: 'ana@example.org/phone' },
    el(what, ns.carbons, {}, el('forwarded', ns.forward, {}, inside)),
  );

describe('originals', () => {
  let delays: Delays;
  let handedOut: WeakSet<Element>;
  let originals: Originals;

  beforeEach(() => {
    delays = new Delays(Jid.parse('example.org'));
    handedOut = new WeakSet();
    originals = createOriginals({ delays, handedOut });
  });

  it('are stanzas themselves, if they are no copies', () => {
    for (const stanza of [message(), el('presence', ns.client), el('iq', ns.client, { type: 'get' })])
      expect(originals.of(stanza)).toBe(stanza);
  });

  it.each(['sent', 'received'] as const)('are inside of carbons, late ones too: %s', (what) => {
    const original = message();
    const carbon = copy(what, original);
    expect(originals.of(carbon)).toBe(original);
    expect(originals.of(delays.stamp(carbon, noon))).toBe(original);
  });

  it('are what was stamped, once or as something else was', () => {
    const original = message();
    const late = delays.stamp(original, noon);
    expect(late).not.toBe(original);
    expect(originals.of(late)).toBe(original);
    const other = message();
    expect(originals.of(delays.stampLike(other, late))).toBe(other);
  });

  it('are not what others say to copy', () => {
    for (const from of ['eve@example.com/x', 'ana@example.org.example.com', 'example.org']) {
      const forged = copy('received', message(), from);
      expect(originals.of(forged)).toBe(forged);
    }
  });

  it('know what was handed out, however late it is', () => {
    const stanza = message();
    expect(originals.isHandedOut(stanza)).toBe(false);
    handedOut.add(stanza);
    expect(originals.isHandedOut(stanza)).toBe(true);
    expect(originals.isHandedOut(delays.stamp(stanza, noon))).toBe(true);
  });
});
