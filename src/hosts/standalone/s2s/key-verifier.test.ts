import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import type { ConnectingHandler, ReadyStream } from './connecting.js';
import type { KeyVerdict } from './context.js';
import { KeyVerifier, type VerifierLimits } from './key-verifier.js';

const pair = { local: 'example.org', remote: 'example.net' };
const failure = { condition: 'remote-server-timeout', reason: 'No way.', isFinal: true } as const;

/** A server that answers when the test says so. */
class FakeStream implements ReadyStream {
  readonly remoteAddress = '192.0.2.1';
  readonly unsent = [];
  readonly isPermitted = true;
  readonly asked: { readonly question: string; readonly answer: (verdict: KeyVerdict) => void }[] = [];
  isEnded = false;

  send(): boolean {
    return false;
  }

  verify(streamId: string, key: string): Promise<KeyVerdict> {
    return new Promise((answer) => this.asked.push({ question: `${streamId} ${key}`, answer }));
  }

  end(): void {
    this.isEnded = true;
  }
}

function createWorld(limits: Partial<VerifierLimits> = {}) {
  const clock = new FakeClock();
  const attempts: { readonly to: string; readonly handler: ConnectingHandler }[] = [];
  const cancelled: string[] = [];
  const verifier = new KeyVerifier({
    clock,
    connect({ local, remote }, purpose, handler) {
      const to = `${local} ${remote} ${purpose}`;
      attempts.push({ to, handler });
      return { cancel: () => void cancelled.push(to) };
    },
    limits: { servers: 2, waiting: 2, answer: 30_000, linger: 10_000, rest: 5_000, ...limits },
  });
  const handler = () => {
    const last = attempts.at(-1);
    if (last === undefined) throw new Error('nothing was tried');
    return last.handler;
  };
  const ready = (stream = new FakeStream()) => {
    handler().onReady(stream);
    return stream;
  };
  return { clock, attempts, cancelled, verifier, handler, ready };
}

const purposes = (attempts: readonly { readonly to: string }[]) => attempts.map(({ to }) => to);

describe('KeyVerifier', () => {
  it('asks over one connection, made for that', async () => {
    const { verifier, attempts, ready } = createWorld();
    const first = verifier.verify(pair, 'a', '1');
    const stream = ready();
    const second = verifier.verify(pair, 'b', '2');
    expect(stream.asked.map(({ question }) => question)).toEqual(['a 1', 'b 2']);
    stream.asked[1]?.answer('valid');
    stream.asked[0]?.answer('invalid');
    expect([await first, await second]).toEqual(['invalid', 'valid']);
    expect(purposes(attempts)).toEqual(['example.org example.net verify']);
  });

  it('ends the connection when nothing was asked for a while', async () => {
    const { verifier, attempts, ready, clock } = createWorld();
    const first = verifier.verify(pair, 'a', '1');
    const stream = ready();
    stream.asked[0]?.answer('valid');
    await first;
    clock.advance(9_999);
    const second = verifier.verify(pair, 'b', '2');
    clock.advance(9_999);
    expect(stream.isEnded).toBe(false);
    stream.asked[1]?.answer('valid');
    await second;
    clock.advance(10_000);
    expect(stream.isEnded).toBe(true);
    expect(clock.pending).toEqual([]);
    void verifier.verify(pair, 'c', '3');
    expect(attempts).toHaveLength(2);
  });

  it('cannot reach a server for a while after that failed', async () => {
    const { verifier, attempts, handler, clock } = createWorld();
    const first = verifier.verify(pair, 'a', '1');
    handler().onFailed(failure);
    expect(await first).toBe('unreachable');
    expect(await verifier.verify(pair, 'b', '2')).toBe('unreachable');
    clock.advance(5_000);
    void verifier.verify(pair, 'c', '3');
    expect(attempts).toHaveLength(2);
  });

  it('has no answer if the connection is lost', async () => {
    const { verifier, attempts, handler, ready } = createWorld();
    const verdict = verifier.verify(pair, 'a', '1');
    handler().onClosed(ready(), undefined);
    expect(await verdict).toBe('unreachable');
    void verifier.verify(pair, 'b', '2');
    expect(attempts).toHaveLength(2);
  });

  it('waits for an answer within a bound, the connection included', async () => {
    const { verifier, clock, cancelled } = createWorld();
    const verdict = verifier.verify(pair, 'a', '1');
    clock.advance(30_000);
    expect(await verdict).toBe('unreachable');
    clock.advance(10_000);
    expect(cancelled).toHaveLength(1);
    expect(clock.pending).toEqual([]);
  });

  it('has bounds of questions and servers', async () => {
    const { verifier, attempts } = createWorld();
    for (const remote of ['one.example', 'two.example'])
      for (const id of ['a', 'b']) void verifier.verify({ ...pair, remote }, id, 'key');
    expect(await verifier.verify({ ...pair, remote: 'one.example' }, 'c', 'key')).toBe('unreachable');
    expect(await verifier.verify({ ...pair, remote: 'three.example' }, 'a', 'key')).toBe('unreachable');
    expect(attempts).toHaveLength(2);
  });

  it('gives up a server that nobody asks for one that somebody does', async () => {
    const { verifier, attempts, ready } = createWorld();
    const asked = verifier.verify({ ...pair, remote: 'one.example' }, 'a', 'key');
    const stream = ready();
    const other = verifier.verify({ ...pair, remote: 'two.example' }, 'a', 'key');
    stream.asked[0]?.answer('valid');
    expect(await asked).toBe('valid');
    void verifier.verify({ ...pair, remote: 'three.example' }, 'a', 'key');
    expect([stream.isEnded, attempts.length]).toEqual([true, 3]);
    expect(await verifier.verify({ ...pair, remote: 'four.example' }, 'a', 'key')).toBe('unreachable');
    attempts[1]?.handler.onFailed(failure);
    expect(await other).toBe('unreachable');
    void verifier.verify({ ...pair, remote: 'four.example' }, 'a', 'key');
    expect(attempts).toHaveLength(4);
  });

  it('ends all when it stops, and asks nothing any more', async () => {
    const { verifier, ready, clock, handler, attempts } = createWorld();
    const verdict = verifier.verify(pair, 'a', '1');
    const stream = ready();
    verifier.stop();
    expect(await verdict).toBe('unreachable');
    expect(stream.isEnded).toBe(true);
    handler().onClosed(stream, undefined);
    expect(await verifier.verify(pair, 'b', '2')).toBe('unreachable');
    expect([attempts.length, clock.pending]).toEqual([1, []]);
  });

  it('does not forget a newer connection when an older one closes', async () => {
    const { verifier, attempts, ready, clock } = createWorld();
    const first = verifier.verify(pair, 'a', '1');
    const old = ready();
    old.asked[0]?.answer('valid');
    await first;
    clock.advance(10_000);
    void verifier.verify(pair, 'b', '2');
    ready();
    attempts[0]?.handler.onClosed(old, undefined);
    void verifier.verify(pair, 'c', '3');
    expect(attempts).toHaveLength(2);
  });
});
