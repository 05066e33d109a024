import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { socketSink, WriteQueue } from './write-queue.js';

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
    const queue = new WriteQueue<string>(socketSink(socket), 1000);
    queue.push('a');
    queue.push('b');
    expect(chunks).toEqual([]);
    await turn();
    expect(chunks).toEqual(['ab']);
  });

  it('holds back while the socket is full, then sends the rest as one', async () => {
    const { socket, chunks, release } = heldSocket(1);
    const queue = new WriteQueue<string>(socketSink(socket), 1000);
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
    const queue = new WriteQueue<string>(socketSink(socket), 6);
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
    const queue = new WriteQueue<string>(socketSink(socket), 3);
    queue.push('abc');
    queue.end('the end');
    await turn();
    expect(chunks).toEqual(['abcthe end']);
    expect(socket.writableEnded).toBe(true);
  });

  it('takes a text that is larger than the bound if nothing else waits', () => {
    const queue = new WriteQueue(socketSink(heldSocket(1000).socket), 3);
    expect(queue.push('too long')).toBe(true);
    expect(queue.push('x')).toBe(false);
  });

  it('knows the items that have not left, in order', async () => {
    const { socket, release } = heldSocket(1);
    const queue = new WriteQueue<string>(socketSink(socket), 1000);
    queue.push('<a/>', 'a');
    queue.push(' ');
    await turn();
    queue.push('<b/>', 'b');
    queue.push('<c/>', 'c');
    expect(queue.unsent).toEqual(['a', 'b', 'c']);
    release();
    await turn();
    expect(queue.unsent).toEqual(['b', 'c']);
    queue.push('<d/>', 'd');
    queue.end('the end');
    expect(queue.unsent).toEqual(['b', 'c', 'd']);
    socket.destroy();
    await turn();
    expect(queue.unsent).toEqual(['b', 'c', 'd']);
  });

  it('writes at once what must not wait, after what was pushed before', async () => {
    const { socket, chunks, release } = heldSocket(1);
    const queue = new WriteQueue<string>(socketSink(socket), 1000);
    queue.push('a');
    queue.writeNow('b');
    expect(chunks).toEqual(['ab']);
    queue.push('c');
    await turn();
    expect(chunks).toEqual(['ab']);
    release();
    await turn();
    expect(chunks).toEqual(['ab', 'c']);
  });

  it('writes much in batches, so that a connection that breaks leaves few texts in doubt', async () => {
    const { socket, chunks, release } = heldSocket(1);
    const queue = new WriteQueue<number>(socketSink(socket), 1_000_000);
    for (let number = 0; number < 40; number++) queue.push('x'.repeat(10_000), number);
    queue.end('the end');
    for (let batches = 0; batches < 3; batches++) {
      expect(chunks.at(-1)).toHaveLength(70_000);
      expect(queue.unsent[0]).toBe(batches * 7);
      expect(socket.writableEnded).toBe(false);
      release();
      await turn();
    }
    for (let batches = 3; batches < 6; batches++) {
      release();
      await turn();
    }
    expect(chunks.map((chunk) => chunk.length)).toEqual([...Array(5).fill(70_000), 50_007]);
    expect(queue.unsent).toEqual([]);
    expect(socket.writableEnded).toBe(true);
  });

  it('does not take for sent what a destroyed socket says is done', async () => {
    const { socket, release } = heldSocket(1);
    const queue = new WriteQueue<string>(socketSink(socket), 1000);
    queue.push('<a/>', 'a');
    await turn();
    socket.destroy();
    release();
    await turn();
    expect(queue.unsent).toEqual(['a']);
  });

  it('calls back once nothing waits any more', async () => {
    const { socket, release } = heldSocket(1);
    const queue = new WriteQueue<string>(socketSink(socket), 1000);
    const heard: string[] = [];
    queue.onceEmpty(() => heard.push('at once'));
    queue.push('a');
    queue.onceEmpty(() => heard.push('later'));
    await turn();
    expect(heard).toEqual(['at once']);
    release();
    await turn();
    expect(heard).toEqual(['at once', 'later']);
  });

  it('counts for a text what it is said to cost, until it has left', async () => {
    const { socket, release } = heldSocket(1);
    const queue = new WriteQueue<string>(socketSink(socket), 1000);
    expect(queue.push('a', 'a', 900)).toBe(true);
    expect(queue.push('b', 'b', 101)).toBe(false);
    expect(queue.push('c', 'c', 100)).toBe(true);
    await turn();
    release();
    await turn();
    expect([queue.bytes, queue.unsent]).toEqual([0, []]);
  });
});
