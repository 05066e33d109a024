import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { type Dialed, Dialer } from './dial.js';
import type { Endpoint } from './resolver.js';

const endpoint = (address: string): Endpoint => ({ address, port: 5269, isDirectTls: false });

/** A network where the test says who answers. */
function createNetwork(...addresses: readonly string[]) {
  const clock = new FakeClock();
  const begun: string[] = [];
  const sockets = new Map<string, Socket>();
  const dialer = new Dialer({
    clock,
    endpoints: addresses.map(endpoint),
    open({ address }) {
      begun.push(address);
      const socket = new Socket();
      sockets.set(address, socket);
      return socket;
    },
  });
  const socket = (address: string) => {
    const found = sockets.get(address);
    if (found === undefined) throw new Error(`nobody has called ${address}`);
    return found;
  };
  return {
    ...{ clock, begun, dialer, socket },
    answer: (address: string) => void socket(address).emit('connect'),
    refuse: (address: string, code = 'ECONNREFUSED') =>
      void socket(address).emit('error', Object.assign(new Error(code), { code })),
  };
}

const addressOf = async (next: Promise<Dialed | undefined>) => (await next)?.endpoint.address;

describe('Dialer', () => {
  it('takes the first endpoint if that answers', async () => {
    const { dialer, begun, answer, socket, clock } = createNetwork('a', 'b');
    const next = dialer.next();
    answer('a');
    expect((await next)?.socket).toBe(socket('a'));
    expect(begun).toEqual(['a']);
    expect(clock.pending).toEqual([]);
    expect(socket('a').listenerCount('error')).toBe(0);
  });

  it('tries the next one at once when one fails', async () => {
    const { dialer, begun, answer, refuse } = createNetwork('a', 'b');
    const next = dialer.next();
    refuse('a');
    expect(begun).toEqual(['a', 'b']);
    answer('b');
    expect(await addressOf(next)).toBe('b');
  });

  it('tries the next one beside one that takes its time, and takes whichever is first', async () => {
    const { dialer, begun, answer, socket, clock } = createNetwork('a', 'b', 'c');
    const next = dialer.next();
    clock.advance(1_999);
    expect(begun).toEqual(['a']);
    clock.advance(1);
    expect(begun).toEqual(['a', 'b']);
    answer('a');
    expect(await addressOf(next)).toBe('a');
    expect([socket('a').destroyed, socket('b').destroyed]).toEqual([false, true]);
    expect(clock.pending).toEqual([]);
  });

  it('goes on with those that were slower, and not with those that failed', async () => {
    const { dialer, begun, answer, refuse, clock } = createNetwork('a', 'b', 'c', 'd');
    const first = dialer.next();
    refuse('a');
    clock.advance(2_000);
    answer('c');
    expect(await addressOf(first)).toBe('c');
    const second = dialer.next();
    expect(begun).toEqual(['a', 'b', 'c', 'b']);
    refuse('b');
    answer('d');
    expect(await addressOf(second)).toBe('d');
    expect(await dialer.next()).toBeUndefined();
  });

  it('gives each a bound, and says at last why there is none', async () => {
    const { dialer, refuse, socket, clock } = createNetwork('a', 'b');
    const next = dialer.next();
    refuse('a', 'EHOSTUNREACH');
    expect(dialer.lastError).toMatchObject({ code: 'EHOSTUNREACH', endpoint: { address: 'a' } });
    clock.advance(10_000);
    expect(await next).toBeUndefined();
    expect(dialer.lastError).toMatchObject({ code: 'ETIMEDOUT', endpoint: { address: 'b' } });
    expect(socket('b').destroyed).toBe(true);
    expect(clock.pending).toEqual([]);
  });

  it('has nothing if there are no endpoints', async () => {
    expect(await createNetwork().dialer.next()).toBeUndefined();
  });

  it('gives up when it is told to', async () => {
    const { dialer, begun, socket, clock } = createNetwork('a', 'b', 'c');
    const next = dialer.next();
    clock.advance(2_000);
    dialer.cancel();
    expect(await next).toBeUndefined();
    expect([socket('a').destroyed, socket('b').destroyed]).toEqual([true, true]);
    clock.advance(60_000);
    expect(begun).toEqual(['a', 'b']);
  });

  it('does not mind what becomes of a connection that it gave up', async () => {
    const { dialer, answer, refuse, clock } = createNetwork('a', 'b');
    const next = dialer.next();
    clock.advance(2_000);
    answer('b');
    expect(await addressOf(next)).toBe('b');
    refuse('a');
    answer('a');
    expect(clock.pending).toEqual([]);
  });
});
