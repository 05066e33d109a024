import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createHealth } from './health.js';

describe('createHealth', () => {
  it('is ready when all checks say so', async () => {
    const health = createHealth({ checks: { host: () => true, storage: async () => true } });
    expect(await health.readiness()).toEqual({ isReady: true, checks: { host: 'ok', storage: 'ok' } });
  });

  it.each([
    ['says no', () => false],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('is not ready when one %s', async (_how, check) => {
    const health = createHealth({ checks: { host: () => true, storage: check } });
    expect(await health.readiness()).toEqual({ isReady: false, checks: { host: 'ok', storage: 'failed' } });
  });

  it('does not wait for ever, and runs a check that hangs only once', async () => {
    let runs = 0;
    let finish: (isOk: boolean) => void = () => undefined;
    const hangs = () => {
      runs++;
      return new Promise<boolean>((resolve) => {
        finish = resolve;
      });
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const health = createHealth({ checks: { storage: hangs }, timeout: 10, cacheFor: 0 });
    const tooLate = async () => {
      const answer = health.readiness();
      await vi.advanceTimersByTimeAsync(10);
      return answer;
    };
    expect(await tooLate()).toEqual({ isReady: false, checks: { storage: 'timeout' } });
    expect((await tooLate()).isReady).toBe(false);
    expect(runs).toBe(1);
    finish(true);
    await new Promise((resolve) => setImmediate(resolve));
    const again = health.readiness();
    await new Promise((resolve) => setImmediate(resolve));
    finish(true);
    expect((await again).isReady).toBe(true);
    expect(runs).toBe(2);
  });

  it('reuses an answer for a while', async () => {
    let now = 0;
    let runs = 0;
    const check = () => {
      runs++;
      return true;
    };
    const health = createHealth({ checks: { storage: check }, cacheFor: 1000, now: () => now });
    await Promise.all([health.readiness(), health.readiness()]);
    now = 999;
    await health.readiness();
    expect(runs).toBe(1);
    now = 1000;
    await health.readiness();
    expect(runs).toBe(2);
  });
});
