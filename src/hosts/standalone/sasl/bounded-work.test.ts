import { describe, expect, it } from 'vitest';
import { BoundedWork } from './bounded-work.js';

/** Work that ends when it is told to. */
function deferred() {
  let resolve: (value: string) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<string>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  return { work: () => promise, resolve, reject };
}

describe('BoundedWork', () => {
  it('starts at most so much at once, and the rest in order', async () => {
    const started: number[] = [];
    const bounded = new BoundedWork(2, 10);
    const jobs = [0, 1, 2, 3].map(() => deferred());
    const results = jobs.map(({ work }, at) =>
      bounded.run(() => {
        started.push(at);
        return work();
      }),
    );
    expect(started).toEqual([0, 1]);
    jobs[1]?.resolve('b');
    expect(await results[1]).toBe('b');
    expect(started).toEqual([0, 1, 2]);
    jobs[0]?.resolve('a');
    expect(await results[0]).toBe('a');
    expect(started).toEqual([0, 1, 2, 3]);
  });

  it('refuses what would have to wait beyond the bound, and takes more when there is room', async () => {
    const bounded = new BoundedWork(1, 1);
    const first = deferred();
    const running = bounded.run(first.work);
    const waiting = bounded.run(async () => 'second');
    expect(bounded.run(async () => 'third')).toBeUndefined();
    first.resolve('first');
    expect(await Promise.all([running, waiting])).toEqual(['first', 'second']);
    expect(await bounded.run(async () => 'fourth')).toBe('fourth');
  });

  it('goes on after work that fails', async () => {
    const bounded = new BoundedWork(1, 1);
    const first = deferred();
    const running = bounded.run(first.work);
    const waiting = bounded.run(async () => 'second');
    first.reject(new Error('broken'));
    await expect(running).rejects.toThrow('broken');
    expect(await waiting).toBe('second');
  });
});
