import { createECDH, randomBytes } from 'node:crypto';
import ece from 'http_ece';
import { afterEach, describe, expect, it } from 'vitest';
import { createAgree } from './agreement.js';
import { type AgreementThread, AgreementWorker } from './agreement-worker.js';
import { createSealer, type Sealer } from './sealer.js';

const privateKey = createECDH('prime256v1');
const keys = { p256dh: privateKey.generateKeys(), auth: randomBytes(16) };

function read(body: Uint8Array): string {
  return ece
    .decrypt(Buffer.from(body), { version: 'aes128gcm', privateKey, authSecret: keys.auth })
    .toString();
}

/** Asks for that many messages at once, and reads them. */
async function sealAndRead(sealer: Sealer, count: number): Promise<string[]> {
  const bodies = await Promise.all(
    Array.from({ length: count }, (_, i) => sealer.seal(keys, Buffer.from(`message ${i}`))),
  );
  return bodies.map(read);
}

const messages = (count: number) => Array.from({ length: count }, (_, i) => `message ${i}`);

/** Counts what it is asked for, and does it here when it is let. */
class HeldThread implements AgreementThread {
  readonly #agree = createAgree();
  readonly #held: (() => void)[] = [];
  readonly batches: number[] = [];

  get underWay(): number {
    return this.#held.length;
  }

  agree(p256dhs: readonly Uint8Array[]) {
    this.batches.push(p256dhs.length);
    return new Promise<ReturnType<HeldThread['agreements']>>((resolve) => {
      this.#held.push(() => resolve(this.agreements(p256dhs)));
    });
  }

  agreements(p256dhs: readonly Uint8Array[]) {
    return p256dhs.map((p256dh) => this.#agree(p256dh));
  }

  letGo(): void {
    this.#held.shift()?.();
  }

  async stop(): Promise<void> {}
}

const opened: Sealer[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((sealer) => sealer.stop()));
});

/** A sealer whose threads are counted, and started so. */
function sealerOf<Thread extends AgreementThread>(workers: number, start: () => Thread) {
  const threads: Thread[] = [];
  const sealer = createSealer({
    workers,
    startWorker: () => {
      const thread = start();
      threads.push(thread);
      return thread;
    },
  });
  opened.push(sealer);
  return { sealer, threads };
}

const realThreads = (workers: number) => sealerOf(workers, () => new AgreementWorker());
const heldThreads = (workers: number) => sealerOf(workers, () => new HeldThread());

/** Until all that is due now has been done. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a sealer', () => {
  it('does everything itself if it may have no threads', async () => {
    const { sealer, threads } = realThreads(0);
    expect(await sealAndRead(sealer, 50)).toEqual(messages(50));
    expect(threads).toEqual([]);
  });

  it('does few at a time itself, and starts no thread for them', async () => {
    const { sealer, threads } = realThreads(2);
    for (let i = 0; i < 5; i++) expect(await sealAndRead(sealer, 4)).toEqual(messages(4));
    expect(threads).toEqual([]);
  });

  it('has a burst done by threads', async () => {
    const { sealer, threads } = realThreads(2);
    expect(await sealAndRead(sealer, 300)).toEqual(messages(300));
    expect(threads).toHaveLength(2);
    expect(await sealAndRead(sealer, 300)).toEqual(messages(300));
    expect(threads).toHaveLength(2);
  });

  it('hands over batches to whoever has least to do, and starts another thread when all have enough', async () => {
    const { sealer, threads } = heldThreads(2);
    const done = sealAndRead(sealer, 100);
    await turn();
    expect(threads.map((thread) => thread.batches)).toEqual([
      [16, 16],
      [16, 16],
    ]);
    threads[1]?.letGo();
    await turn();
    expect(threads.map((thread) => thread.batches)).toEqual([
      [16, 16],
      [16, 16, 16],
    ]);
    for (let i = 0; i < 10; i++) {
      for (const thread of threads) thread.letGo();
      await turn();
    }
    expect(await done).toEqual(messages(100));
    // The last four were few.
    expect(threads.flatMap((thread) => thread.batches)).toEqual([16, 16, 16, 16, 16, 16]);
  });

  it.each([0, 2])('fills up what it seals, with %i threads', async (workers) => {
    const { sealer } = realThreads(workers);
    const bodies = await Promise.all(
      messages(50).map((text, padding) => sealer.seal(keys, Buffer.from(text), padding)),
    );
    expect(bodies.map(read)).toEqual(messages(50));
    expect(bodies.map(({ length }) => length)).toEqual(
      messages(50).map((text, padding) => text.length + padding + 103),
    );
  });

  it('lets a thousand wait, and does itself what comes then', async () => {
    const { sealer, threads } = heldThreads(1);
    const waiting = sealAndRead(sealer, 1000);
    expect(read(await sealer.seal(keys, Buffer.from('one more')))).toBe('one more');
    await turn();
    expect(threads).toHaveLength(1);
    await sealer.stop();
    for (let i = 0; i < 2; i++) threads[0]?.letGo();
    expect(await waiting).toEqual(messages(1000));
  });

  it('rejects what cannot be encrypted, and that alone', async () => {
    const { sealer } = realThreads(1);
    const offCurve = { ...keys, p256dh: Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]) };
    const bad = sealer.seal(offCurve, Buffer.from('x'));
    const good = sealAndRead(sealer, 30);
    await expect(bad).rejects.toThrow(/public key/i);
    expect(await good).toEqual(messages(30));
    await expect(sealer.seal(offCurve, Buffer.from('x'))).rejects.toThrow(/public key/i);
    await expect(sealer.seal(keys, new Uint8Array(3994))).rejects.toThrow(RangeError);
    await expect(sealer.seal({ ...keys, auth: new Uint8Array(15) }, Buffer.from('x'))).rejects.toThrow(
      TypeError,
    );
  });

  it('goes on without a thread that ends, and replaces it', async () => {
    const { sealer, threads } = realThreads(1);
    const first = sealAndRead(sealer, 200);
    await turn();
    await threads[0]?.stop();
    expect(await first).toEqual(messages(200));
    expect(await sealAndRead(sealer, 200)).toEqual(messages(200));
    expect(threads.length).toBeGreaterThan(1);
  });

  it('replaces a thread that has ended while it had nothing to do', async () => {
    const { sealer, threads } = realThreads(1);
    await sealAndRead(sealer, 20);
    await threads[0]?.stop();
    expect(await sealAndRead(sealer, 20)).toEqual(messages(20));
    expect(threads).toHaveLength(2);
  });

  it.each([
    ['end at once', ''],
    ['fail', 'throw new Error("out of order")'],
    [
      'kill themselves when there is work',
      'require("worker_threads").parentPort.on("message", () => process.exit())',
    ],
  ])('does all itself after three threads that %s', async (_, program) => {
    const { sealer, threads } = sealerOf(1, () => new AgreementWorker(program));
    for (let i = 0; i < 5; i++) expect(await sealAndRead(sealer, 40)).toEqual(messages(40));
    expect(threads).toHaveLength(3);
  });

  it('does all itself if the system has no threads', async () => {
    let asked = 0;
    const { sealer } = sealerOf<AgreementThread>(2, () => {
      asked++;
      throw new Error('no more threads');
    });
    for (let i = 0; i < 5; i++) expect(await sealAndRead(sealer, 40)).toEqual(messages(40));
    expect(asked).toBe(3);
  });

  it('goes on after failures that had work done between them', async () => {
    const { sealer, threads } = realThreads(1);
    for (let i = 0; i < 5; i++) {
      await sealAndRead(sealer, 20);
      await threads.at(-1)?.stop();
    }
    expect(await sealAndRead(sealer, 20)).toEqual(messages(20));
    expect(threads).toHaveLength(6);
  });

  it('loses nothing when it is stopped, and goes on without threads', async () => {
    const { sealer, threads } = realThreads(2);
    const waiting = sealAndRead(sealer, 500);
    await turn();
    await sealer.stop();
    expect(await waiting).toEqual(messages(500));
    expect(await sealAndRead(sealer, 50)).toEqual(messages(50));
    await sealer.stop();
    expect(threads).toHaveLength(2);
  });
});
