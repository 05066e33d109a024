import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AckQueue } from './ack-queue.js';

/** A queue that was handed so many items, all of them sent. */
function queueOf(count: number): AckQueue<number> {
  const queue = new AckQueue<number>();
  send(queue, 1, count);
  return queue;
}

function send(queue: AckQueue<number>, first: number, count: number): void {
  for (let n = first; n < first + count; n++) queue.push(n);
  while (queue.next() !== undefined) {}
}

describe('an acknowledgement queue', () => {
  it('keeps what was sent until it is acknowledged', () => {
    const queue = queueOf(3);
    expect([queue.sent, queue.outstanding, queue.items]).toEqual([3, 3, [1, 2, 3]]);
    expect(queue.acknowledge(2)).toEqual([1, 2]);
    expect([queue.sent, queue.outstanding, queue.items]).toEqual([3, 1, [3]]);
    expect(queue.acknowledge(2)).toEqual([]);
    expect(queue.acknowledge(3)).toEqual([3]);
    expect(queue.items).toEqual([]);
  });

  it('lets go of what was not sent', () => {
    const queue = new AckQueue<string>();
    for (const item of ['a', 'b', 'c']) queue.push(item);
    queue.next();
    expect([queue.drop('a'), queue.drop('x'), queue.drop('b')]).toEqual([-1, -1, 1]);
    expect([queue.sent, queue.items]).toEqual([1, ['a', 'c']]);
    expect([queue.next(), queue.next()]).toEqual(['c', undefined]);
    expect(queue.acknowledge(2)).toEqual(['a', 'c']);
  });

  it('counts what was pushed when it is sent', () => {
    const queue = new AckQueue<string>();
    queue.push('a');
    queue.push('b');
    expect([queue.sent, queue.outstanding]).toEqual([0, 0]);
    expect(queue.acknowledge(1)).toBeUndefined();
    expect(queue.next()).toBe('a');
    expect(queue.acknowledge(2)).toBeUndefined();
    expect(queue.acknowledge(1)).toEqual(['a']);
    expect(queue.items).toEqual(['b']);
    expect([queue.next(), queue.next()]).toEqual(['b', undefined]);
    expect(queue.sent).toBe(2);
  });

  it('sends again what was not acknowledged', () => {
    const queue = queueOf(3);
    queue.acknowledge(1);
    queue.push(4);
    queue.rewind();
    expect([queue.sent, queue.outstanding]).toEqual([1, 0]);
    expect([queue.next(), queue.next(), queue.next(), queue.next()]).toEqual([2, 3, 4, undefined]);
    expect(queue.sent).toBe(4);
  });

  it.each([4, 5, 2 ** 31, 2 ** 32 - 1])('takes no acknowledgement of what was never sent: %d', (h) => {
    const queue = queueOf(3);
    expect(queue.acknowledge(h)).toBeUndefined();
    expect(queue.items).toEqual([1, 2, 3]);
  });

  it('takes an older number for nothing new', () => {
    const queue = queueOf(3);
    queue.acknowledge(3);
    send(queue, 4, 1);
    for (const h of [0, 1, 2]) expect(queue.acknowledge(h)).toEqual([]);
    expect(queue.items).toEqual([4]);
  });

  it('goes round at 2³²', () => {
    const queue = new AckQueue<number>(2 ** 32 - 2);
    send(queue, 1, 4);
    expect(queue.sent).toBe(2);
    expect(queue.acknowledge(2 ** 32 - 1)).toEqual([1]);
    expect(queue.acknowledge(1)).toEqual([2, 3]);
    expect(queue.acknowledge(2 ** 32 - 1)).toEqual([]);
    expect(queue.acknowledge(3)).toBeUndefined();
    expect(queue.acknowledge(2)).toEqual([4]);
  });

  it('agrees with plain counting, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), count: fc.nat(5) }),
      fc.record({ kind: fc.constant('send' as const), count: fc.nat(5) }),
      fc.record({ kind: fc.constant('rewind' as const), count: fc.constant(0) }),
      fc.record({ kind: fc.constant('acknowledge' as const), count: fc.nat(30) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new AckQueue<number>();
        let [pushed, sent, acknowledged] = [0, 0, 0];
        for (const { kind, count } of steps) {
          if (kind === 'push') for (let n = 0; n < count; n++) queue.push(pushed++);
          if (kind === 'rewind') {
            queue.rewind();
            sent = acknowledged;
          }
          for (let n = 0; kind === 'send' && n < count; n++) {
            expect(queue.next()).toBe(sent < pushed ? sent++ : undefined);
          }
          if (kind === 'acknowledge') {
            const news = queue.acknowledge(count);
            if (count > sent) expect(news).toBeUndefined();
            else {
              expect(news?.length).toBe(Math.max(0, count - acknowledged));
              acknowledged = Math.max(acknowledged, count);
            }
          }
          expect([queue.sent, queue.items.length]).toEqual([sent, pushed - acknowledged]);
        }
      }),
    );
  });
});
