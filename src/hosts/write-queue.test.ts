import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { WriteQueue } from './write-queue.js';

/** A socket that takes one chunk and holds it until the test says that it has left. */
function heldSocket(highWaterMark: number) {
  const chunks: string[] = [];
  let release: (() => void) | undefined;
  const socket = new Writable({
    highWaterMark,
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      chunks.push(chunk);
      release = done;
    },
  });
  return { socket, chunks, release: () => release?.() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('WriteQueue', () => {
  it('joins what is pushed in one turn', async () => {
    const { socket, chunks } = heldSocket(1000);
    const queue = new WriteQueue(socket, 1000);
    queue.push('a');
    queue.push('b');
    expect(chunks).toEqual([]);
    await turn();
    expect(chunks).toEqual(['ab']);
  });

  it('holds back while the socket is full, then sends the rest as one', async () => {
    const { socket, chunks, release } = heldSocket(1);
    const queue = new WriteQueue(socket, 1000);
    queue.push('first');
    await turn();
    queue.push('b');
    await turn();
    queue.push('c');
    await turn();
    expect(chunks).toEqual(['first']);
    release();
    await turn();
    expect(chunks).toEqual(['first', 'bc']);
  });

  it('counts bytes, not characters, until they have left', async () => {
    const { socket, release } = heldSocket(1);
    const queue = new WriteQueue(socket, 6);
    expect(queue.push('üü')).toBe(true);
    expect(queue.push('ü')).toBe(true);
    expect(queue.push('x')).toBe(false);
    await turn();
    expect(queue.bytes).toBe(6);
    expect(queue.push('x')).toBe(false);
    release();
    await turn();
    expect(queue.bytes).toBe(0);
    expect(queue.push('x')).toBe(true);
  });

  it('ends with what waits and a last text beyond the bound', async () => {
    const { socket, chunks } = heldSocket(1000);
    const queue = new WriteQueue(socket, 3);
    queue.push('abc');
    queue.end('the end');
    await turn();
    expect(chunks).toEqual(['abcthe end']);
    expect(socket.writableEnded).toBe(true);
  });

  it('forgets what waits when it is discarded', async () => {
    const { socket, chunks } = heldSocket(1000);
    const queue = new WriteQueue(socket, 10);
    queue.push('abc');
    queue.discard();
    await turn();
    expect(chunks).toEqual([]);
    expect(queue.bytes).toBe(0);
  });
});
