import { beforeEach, describe, expect, it } from 'vitest';
import { type Element, el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { Delays } from './delays.js';

const delay = (from: string, stamp: string) => el('delay', ns.delay, { from, stamp });
const message = (...children: Element[]) => el('message', ns.client, { id: 'm' }, ...children);
const noon = Date.UTC(2026, 0, 1, 12);
const ours = delay('example.org', '2026-01-01T12:00:00.000Z');
const ofRoom = delay('room@muc.example.com', '2025-01-01T00:00:00Z');

describe('delays', () => {
  let delays: Delays;

  beforeEach(() => {
    delays = new Delays(Jid.parse('example.org'));
  });

  it('say when a message was taken, beside what others say of it', () => {
    expect(delays.stamp(message(ofRoom), noon)).toEqual(message(ofRoom, ours));
  });

  it('replace what somebody says in the name of the server', () => {
    expect(delays.stamp(message(delay('example.org', '2001-01-01T00:00:00Z')), noon)).toEqual(message(ours));
  });

  it('stay as they are', () => {
    const stamped = delays.stamp(message(), noon);
    expect(delays.stamp(stamped, noon + 1_000)).toBe(stamped);
    const stored = message(ours);
    delays.trust(stored);
    expect(delays.stamp(stored, noon + 1_000)).toBe(stored);
  });

  it('know what they were added to', () => {
    const plain = message();
    expect(delays.source(plain)).toBe(plain);
    expect(delays.source(delays.stamp(plain, noon))).toBe(plain);
  });

  it('are taken over from another stanza', () => {
    const late = delays.stamp(el('message', ns.client, { id: 'late' }), noon);
    const other = message();
    expect(delays.stampLike(other, late)).toEqual(message(ours));
    expect(delays.source(delays.stampLike(other, late))).toBe(other);
    expect(delays.stampLike(other, message())).toBe(other);
    const earlier = delays.stamp(other, noon - 1_000);
    expect(delays.stampLike(earlier, late)).toBe(earlier);
  });
});
