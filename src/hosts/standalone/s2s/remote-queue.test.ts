import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import type { ConnectingHandler, ReadyStream } from './connecting.js';
import type { StreamFailure } from './context.js';
import { RemoteQueue, type RemoteQueueLimits } from './remote-queue.js';

const pair = { local: 'example.org', remote: 'example.net' };
const unreachable: StreamFailure = { condition: 'remote-server-timeout', reason: 'No way.', isFinal: true };
const stanza = (id: string, text = '') =>
  el('message', ns.client, { from: 'a@example.org', to: 'b@example.net', id }, text);

/** A stream that takes stanzas until the test says otherwise. */
class FakeStream implements ReadyStream {
  readonly remoteAddress = '192.0.2.1';
  readonly sent: string[] = [];
  unsent: Element[] = [];
  isPermitted = true;
  isOpen = true;
  isEnded = false;

  send(sent: Element): boolean {
    if (!this.isOpen) return false;
    this.sent.push(sent.attr('id') ?? '');
    return true;
  }

  verify(streamId: string): Promise<'valid' | 'invalid'> {
    return Promise.resolve(streamId === 'known' ? 'valid' : 'invalid');
  }

  end(): void {
    this.isOpen = false;
    this.isEnded = true;
  }
}

function createWorld(limits: Partial<RemoteQueueLimits> = {}) {
  const clock = new FakeClock();
  const { events, recorded } = recordingEvents();
  const attempts: ConnectingHandler[] = [];
  const cancelled: number[] = [];
  const returned: string[] = [];
  let stops = 0;
  const queue = new RemoteQueue({
    ...{ pair, opener: 'a@example.org', events, clock, random: () => 1 },
    connect(_pair, _purpose, handler) {
      const index = attempts.push(handler) - 1;
      return { cancel: () => void cancelled.push(index) };
    },
    giveBack: (given, { condition }) => void returned.push(`${given.attr('id')}: ${condition}`),
    onStopped: () => void stops++,
    limits: { stanzas: 5, bytes: 10_000, firstRest: 5_000, longestRest: 20_000, ...limits },
  });
  const last = () => {
    const handler = attempts.at(-1);
    if (handler === undefined) throw new Error('nothing was tried');
    return handler;
  };
  return {
    ...{ queue, clock, attempts, cancelled, returned, recorded },
    stops: () => stops,
    send: (...ids: string[]) => {
      for (const id of ids) queue.send(stanza(id));
    },
    open(stream = new FakeStream()) {
      last().onReady(stream);
      return stream;
    },
    close(stream: FakeStream, unsent: readonly string[] = [], failure?: StreamFailure) {
      stream.isOpen = false;
      stream.unsent = unsent.map((id) => stanza(id));
      last().onClosed(stream, failure);
    },
    fail: () => last().onFailed(unreachable),
  };
}

describe('a queue', () => {
  it('connects once, and sends what waits in order', () => {
    const { send, open, attempts } = createWorld();
    send('1', '2', '3');
    const stream = open();
    send('4');
    expect(attempts).toHaveLength(1);
    expect(stream.sent).toEqual(['1', '2', '3', '4']);
  });

  it('has a bound in stanzas', () => {
    const { send, open, returned } = createWorld({ stanzas: 2 });
    send('1', '2', '3');
    expect(returned).toEqual(['3: resource-constraint']);
    expect(open().sent).toEqual(['1', '2']);
  });

  it('has a bound in bytes', () => {
    const { queue, open, returned } = createWorld({ bytes: 1_000 });
    for (const id of ['1', '2', '3']) queue.send(stanza(id, 'x'.repeat(400)));
    expect(returned).toEqual(['3: resource-constraint']);
    expect(open().sent).toEqual(['1', '2']);
    queue.send(stanza('4', 'x'.repeat(400)));
    expect(returned).toHaveLength(1);
  });

  it('asks about keys over the connection that it has', async () => {
    const { queue, send, open } = createWorld();
    expect(queue.verify('known', 'key')).toBeUndefined();
    send('1');
    open();
    expect(await queue.verify('known', 'key')).toBe('valid');
  });

  it('is needed for what waits, for its connection, for a failure, in this order', () => {
    const { queue, send, open, close, fail, clock } = createWorld();
    expect(queue.need).toBe(0);
    send('1');
    expect(queue.need).toBe(3);
    const stream = open();
    expect(queue.need).toBe(2);
    close(stream);
    expect(queue.need).toBe(0);
    send('2');
    fail();
    expect(queue.need).toBe(1);
    clock.advance(5_000);
    expect(queue.need).toBe(0);
  });
});

describe('after a failure', () => {
  it('all that waits goes back, and what comes next at once, for a while', () => {
    const { send, fail, attempts, returned, recorded, clock } = createWorld();
    send('1', '2');
    fail();
    send('3');
    clock.advance(4_999);
    send('4');
    expect(returned).toEqual(['1', '2', '3', '4'].map((id) => `${id}: remote-server-timeout`));
    expect(attempts).toHaveLength(1);
    expect(recorded).toEqual([{ name: 'serverUnreachable', domain: 'example.net', reason: 'No way.' }]);
    clock.advance(1);
    send('5');
    expect(attempts).toHaveLength(2);
    expect(returned).toHaveLength(4);
  });

  it('the while grows up to a bound, however many stanzas there are', () => {
    const { send, fail, attempts, clock } = createWorld();
    const rests: number[] = [];
    send('1');
    for (let round = 0; round < 4; round++) {
      fail();
      let rest = 0;
      for (const tried = attempts.length; attempts.length === tried; rest += 1_000) {
        clock.advance(1_000);
        send('2', '3', '4');
      }
      rests.push(rest);
    }
    expect(rests).toEqual([5_000, 10_000, 20_000, 20_000]);
  });

  it('it begins anew when a connection was made, or the other server has come', () => {
    const { queue, send, fail, open, close, attempts, clock } = createWorld();
    send('1');
    fail();
    clock.advance(5_000);
    send('2');
    close(open());
    send('3');
    fail();
    clock.advance(5_000);
    send('4');
    expect(attempts).toHaveLength(4);
    fail();
    queue.forgive();
    send('5');
    expect(attempts).toHaveLength(5);
  });
});

describe('a connection that is lost', () => {
  it('is made again at once for what it did not send, before what came later', () => {
    const { send, open, close, attempts, returned } = createWorld();
    send('0');
    const first = open();
    first.isOpen = false;
    send('3');
    close(first, ['1', '2'], unreachable);
    expect(attempts).toHaveLength(2);
    send('4');
    expect(open().sent).toEqual(['1', '2', '3', '4']);
    expect(returned).toEqual([]);
  });

  it('is not made again if it sent all', () => {
    const { send, open, close, attempts } = createWorld();
    send('1');
    close(open(), [], unreachable);
    expect(attempts).toHaveLength(1);
    send('2');
    expect(attempts).toHaveLength(2);
  });

  it('is not lost a third time with the same stanzas, and then rests', () => {
    const { queue, send, attempts, returned } = createWorld();
    send('0');
    const [first, second] = [new FakeStream(), new FakeStream()];
    attempts[0]?.onReady(first);
    const again = stanza('1');
    queue.send(again);
    first.unsent = [again];
    attempts[0]?.onClosed(first, unreachable);
    attempts[1]?.onReady(second);
    queue.send(stanza('2'));
    second.isOpen = false;
    second.unsent = [again, stanza('2')];
    attempts[1]?.onClosed(second, unreachable);
    expect(attempts).toHaveLength(2);
    expect(returned).toEqual(['1: remote-server-timeout', '2: remote-server-timeout']);
    send('3');
    expect(attempts).toHaveLength(2);
  });

  it('gives back what waits if it cannot be made again', () => {
    const { send, open, close, fail, returned } = createWorld();
    send('1');
    close(open(), ['1'], unreachable);
    fail();
    expect(returned).toEqual(['1: remote-server-timeout']);
  });

  it('that ends because it is full keeps what comes meanwhile', () => {
    const { send, open, close, attempts } = createWorld();
    send('1');
    const stream = open();
    stream.isOpen = false;
    send('2', '3');
    expect(attempts).toHaveLength(1);
    close(stream, ['1']);
    expect(open().sent).toEqual(['1', '2', '3']);
  });
});

describe('a stream of the other server that takes stanzas', () => {
  it('is used, and nothing else is tried', () => {
    const { queue, send, attempts } = createWorld();
    const stream = new FakeStream();
    queue.offer(stream);
    send('1');
    expect([stream.sent, attempts]).toEqual([['1'], []]);
  });

  it('takes what waits for a connection, which is given up', () => {
    const { queue, send, cancelled } = createWorld();
    const stream = new FakeStream();
    send('1');
    queue.offer(stream);
    expect([stream.sent, cancelled]).toEqual([['1'], [0]]);
  });

  it('does not overtake a connection that is there, and is used after it', () => {
    const { queue, send, open, close, attempts } = createWorld();
    send('1');
    const own = open();
    const stream = new FakeStream();
    queue.offer(stream);
    send('2');
    expect(own.sent).toEqual(['1', '2']);
    close(own, ['2']);
    send('3');
    expect([stream.sent, attempts.length]).toEqual([['2', '3'], 1]);
  });

  it('hands back what it did not send', () => {
    const { queue, attempts, open } = createWorld();
    const stream = new FakeStream();
    queue.offer(stream);
    expect(queue.withdraw(stream, [stanza('1')])).toBe(true);
    expect(attempts).toHaveLength(1);
    expect(open().sent).toEqual(['1']);
    expect(queue.withdraw(stream, [stanza('2')])).toBe(false);
  });

  it('ends the rest after a failure', () => {
    const { queue, send, fail, returned } = createWorld();
    send('1');
    fail();
    const stream = new FakeStream();
    queue.offer(stream);
    send('2');
    expect([stream.sent, returned]).toEqual([['2'], ['1: remote-server-timeout']]);
  });
});

describe('a queue that stops', () => {
  it('ends its connection, takes nothing more, and says when that is over', () => {
    const { queue, send, open, close, stops, returned } = createWorld();
    send('1');
    const stream = open();
    queue.stop();
    expect([stream.isEnded, stops()]).toEqual([true, 0]);
    send('2');
    close(stream, ['1']);
    expect(returned).toEqual(['2: remote-server-timeout', '1: remote-server-timeout']);
    expect(stops()).toBe(1);
  });

  it('sends what waits before', () => {
    const { queue, send, open, close, stops } = createWorld();
    send('1');
    queue.stop();
    expect(stops()).toBe(0);
    const stream = open();
    expect([stream.sent, stream.isEnded]).toEqual([['1'], true]);
    close(stream);
    expect(stops()).toBe(1);
  });

  it('gives back what cannot be sent in time', () => {
    const { queue, send, cancelled, returned, stops } = createWorld();
    send('1');
    queue.stop();
    queue.abandon();
    expect([returned, cancelled, stops()]).toEqual([['1: remote-server-timeout'], [0], 1]);
  });

  it('gives back what waits if the connection fails', () => {
    const { queue, send, fail, returned, stops } = createWorld();
    send('1');
    queue.stop();
    fail();
    expect([returned, stops()]).toEqual([['1: remote-server-timeout'], 1]);
  });

  it('has nothing to end if it has nothing', () => {
    const { queue, stops } = createWorld();
    queue.stop();
    expect(stops()).toBe(1);
  });
});
