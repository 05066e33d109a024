import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../tests/harness/fake-clock.js';
import { type Element, el } from './element.js';
import { type IgnoredReason, IqTracker, type IqTrackerOptions, type IqWait } from './iq-tracker.js';
import { Jid } from './jid.js';
import { ns } from './ns.js';
import { StanzaError } from './stanza-error.js';

const device = Jid.parse('juliet@capulet.example/balcony');
const result = (id: string, from: string | undefined, ...children: Element[]) =>
  el('iq', ns.client, { type: 'result', id, from }, ...children);

function setUp(options: Partial<IqTrackerOptions> = {}) {
  const clock = new FakeClock();
  const ignored: [string | undefined, IgnoredReason][] = [];
  const ids: string[] = [];
  const tracker = new IqTracker({
    processId: 'p1',
    clock,
    randomBytes,
    onIgnored: (stanza, reason) => ignored.push([stanza.attr('from'), reason]),
    ...options,
  });
  const ask = (to = device, wait: Partial<IqWait> = {}) => {
    const answer = tracker.ask(to, { timeout: 1000, ...wait }, (id) => {
      ids.push(id);
      return 'sent';
    });
    return { id: ids.at(-1) ?? '', answer };
  };
  return { tracker, clock, ignored, ids, ask };
}

describe('IqTracker', () => {
  it('gives each request an id of its own, with the process before 144 random bits', () => {
    const { ask, ids } = setUp();
    for (let count = 0; count < 1000; count++) ask();
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^p1-[\w-]{24}$/);
  });

  it('resolves with the payload of the result', async () => {
    const { ask, tracker, ignored } = setUp();
    const payload = el('x', 'urn:x');
    const { id, answer } = ask();
    expect(tracker.answer(result(id, device.toString(), payload))).toBe(true);
    expect(await answer).toEqual({ kind: 'result', payload });
    expect(tracker.size).toBe(0);
    expect(ignored).toEqual([]);
  });

  it('resolves with the error', async () => {
    const { ask, tracker } = setUp();
    const { id, answer } = ask();
    const error = new StanzaError('item-not-found', 'no', 'modify');
    tracker.answer(el('iq', ns.client, { type: 'error', id, from: device.toString() }, error.toElement()));
    expect(await answer).toMatchObject({
      kind: 'error',
      error: { condition: 'item-not-found', type: 'modify' },
    });
  });

  it('takes an answer from the address in another spelling', async () => {
    const { ask, tracker } = setUp();
    const { id, answer } = ask();
    expect(tracker.answer(result(id, 'Juliet@CAPULET.example/balcony'))).toBe(true);
    expect(await answer).toEqual({ kind: 'result', payload: undefined });
  });

  it.each([
    ['another resource', 'juliet@capulet.example/garden'],
    ['the bare address', 'juliet@capulet.example'],
    ['the domain', 'capulet.example'],
    ['nobody', undefined],
    ['an invalid address', '@'],
  ])('ignores an answer from %s and waits on', async (_, from) => {
    const { ask, tracker, ignored } = setUp();
    const { id, answer } = ask();
    expect(tracker.answer(result(id, from))).toBe(false);
    expect(ignored).toEqual([[from, 'wrong-sender']]);
    expect(tracker.answer(result(id, device.toString()))).toBe(true);
    expect(await answer).toMatchObject({ kind: 'result' });
  });

  it('ignores a second answer, an invented one, and one for another process', async () => {
    const { ask, tracker, ignored } = setUp();
    const { id, answer } = ask();
    const from = device.toString();
    tracker.answer(result(id, from));
    tracker.answer(result(id, from));
    tracker.answer(result('p2-AAAAAAAAAAAAAAAAAAAAAAAA', from));
    tracker.answer(el('iq', ns.client, { type: 'result', from }));
    expect(ignored).toEqual([
      [from, 'unknown-id'],
      [from, 'other-process'],
      [from, 'other-process'],
    ]);
    expect(await answer).toMatchObject({ kind: 'result' });
  });

  it('times each request out by its own clock, and ignores what comes late', async () => {
    const { ask, tracker, clock, ignored } = setUp();
    const long = ask(device, { timeout: 5000 });
    const short = ask(device, { timeout: 1000 });
    clock.advance(1100);
    expect(tracker.size).toBe(1);
    expect(await short.answer).toEqual({ kind: 'timeout' });
    tracker.answer(result(short.id, device.toString()));
    expect(ignored).toEqual([[device.toString(), 'unknown-id']]);
    clock.advance(4000);
    expect(await long.answer).toEqual({ kind: 'timeout' });
  });

  it('does not end a request before its time', () => {
    const { ask, tracker, clock } = setUp();
    ask(device, { timeout: 1000 });
    clock.advance(999);
    expect(tracker.size).toBe(1);
  });

  it('leaves no timer behind when nothing is open', () => {
    const { ask, tracker, clock } = setUp();
    const { id } = ask();
    tracker.answer(result(id, device.toString()));
    clock.advance(100);
    expect(clock.pending).toEqual([]);
    ask();
    tracker.disconnect();
    expect(clock.pending).toEqual([]);
  });

  it('refuses to open more than its bound, without sending', async () => {
    const { ask, ids, tracker } = setUp({ maxOpen: 2 });
    const first = ask();
    ask();
    expect(await ask().answer).toEqual({ kind: 'overflow' });
    expect(ids.length).toBe(2);
    tracker.answer(result(first.id, device.toString()));
    ask();
    expect(ids.length).toBe(3);
  });

  it('says at once when the request could not be sent', async () => {
    const { tracker } = setUp();
    expect(await tracker.ask(device, { timeout: 1000 }, () => 'overflow')).toEqual({ kind: 'overflow' });
    expect(await tracker.ask(device, { timeout: 1000 }, () => 'disconnected')).toEqual({
      kind: 'disconnected',
    });
    expect(tracker.size).toBe(0);
  });

  it('forgets a request whose sending throws', () => {
    const { tracker } = setUp();
    const fail = () => {
      throw new Error('not serializable');
    };
    expect(() => tracker.ask(device, { timeout: 1000 }, fail)).toThrow('not serializable');
    expect(tracker.size).toBe(0);
  });

  it('takes an answer that comes while the request is being sent', async () => {
    const { tracker } = setUp();
    const answer = tracker.ask(device, { timeout: 1000 }, (id) => {
      tracker.answer(result(id, device.toString()));
      return 'sent';
    });
    expect(await answer).toMatchObject({ kind: 'result' });
  });

  it('ends on the signal, before and during the wait', async () => {
    const { ask, ids, tracker } = setUp();
    const controller = new AbortController();
    const { answer } = ask(device, { signal: controller.signal });
    controller.abort();
    expect(await answer).toEqual({ kind: 'aborted' });
    expect(tracker.size).toBe(0);
    expect(await ask(device, { signal: controller.signal }).answer).toEqual({ kind: 'aborted' });
    expect(ids.length).toBe(1);
  });

  it('ends all requests of a signal, which it listens to once, and no others', async () => {
    const { ask, tracker } = setUp();
    const { signal } = new AbortController();
    const controller = new AbortController();
    const ending = [1, 2, 3].map(() => ask(device, { signal: controller.signal }).answer);
    ask(device, { signal });
    ask(device);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort();
    expect(await Promise.all(ending)).toEqual(Array(3).fill({ kind: 'aborted' }));
    expect(tracker.size).toBe(2);
  });

  it('does not hear the signal after the answer', async () => {
    const { ask, tracker } = setUp();
    const controller = new AbortController();
    const { id, answer } = ask(device, { signal: controller.signal });
    tracker.answer(result(id, device.toString()));
    controller.abort();
    expect(await answer).toMatchObject({ kind: 'result' });
  });

  it('ends all as disconnected and goes on', async () => {
    const { ask, tracker } = setUp();
    const open = [ask(), ask()];
    tracker.disconnect();
    for (const { answer } of open) expect(await answer).toEqual({ kind: 'disconnected' });
    const { id, answer } = ask();
    tracker.answer(result(id, device.toString()));
    expect(await answer).toMatchObject({ kind: 'result' });
  });

  it('fails the requests to a full JID that went away, and no others', async () => {
    const { ask, tracker } = setUp();
    const gone = [ask(), ask()];
    const other = ask(Jid.parse('juliet@capulet.example/garden'));
    const bare = ask(device.bare());
    tracker.failTo(device);
    for (const { answer } of gone) {
      expect(await answer).toMatchObject({ kind: 'error', error: { condition: 'recipient-unavailable' } });
    }
    expect(tracker.size).toBe(2);
    tracker.answer(result(other.id, 'juliet@capulet.example/garden'));
    tracker.answer(result(bare.id, 'juliet@capulet.example'));
    expect(await other.answer).toMatchObject({ kind: 'result' });
    expect(await bare.answer).toMatchObject({ kind: 'result' });
  });
});
