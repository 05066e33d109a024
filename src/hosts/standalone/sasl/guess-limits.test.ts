import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultGuessLimits, GuessLimits } from './guess-limits.js';

const account = 'ana@example.org';
const owner = '192.0.2.1';
let limits: GuessLimits;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  limits = new GuessLimits(defaultGuessLimits);
});
afterEach(() => {
  limits.close();
  vi.useRealTimers();
});

async function fail(times: number, address: string, name = account) {
  for (let count = 0; count < times; count++) await limits.failed({ address, account: name });
}
const refuses = (address: string, name = account) => limits.refuses({ address, account: name });

describe('GuessLimits', () => {
  it('lets ten guesses at an account through from one address, and no other account or address pays', async () => {
    await fail(9, owner);
    expect(await refuses(owner)).toBe(false);
    await fail(1, owner);
    expect(await refuses(owner)).toBe(true);
    expect(await refuses(owner, 'bea@example.org')).toBe(false);
    expect(await refuses('192.0.2.2')).toBe(false);
  });

  it('begins anew ten minutes after the first failure', async () => {
    await fail(1, owner);
    vi.advanceTimersByTime(300_000);
    await fail(9, owner);
    vi.advanceTimersByTime(299_999);
    expect(await refuses(owner)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(await refuses(owner)).toBe(false);
  });

  it('lets fifty guesses through from one address, whatever the accounts', async () => {
    for (let at = 0; at < 50; at++) await fail(1, owner, `user${at}@example.org`);
    expect(await refuses(owner, 'another@example.org')).toBe(true);
    expect(await refuses('192.0.2.2', 'another@example.org')).toBe(false);
  });

  it('counts the /64 of an IPv6 address as one, and an IPv4 address however it is written', async () => {
    await fail(10, '2001:db8::1');
    expect(await refuses('2001:db8::ffff:1')).toBe(true);
    expect(await refuses('2001:db8:0:1::1')).toBe(false);
    await fail(10, owner);
    expect(await refuses(`::ffff:${owner}`)).toBe(true);
  });

  it('holds an account under attack from everywhere more tightly, without keeping its owner out', async () => {
    for (let at = 0; at < 50; at++) await fail(2, `198.51.100.${at}`);
    expect(await refuses(owner)).toBe(false);
    await fail(2, owner);
    expect(await refuses(owner)).toBe(false);
    await fail(1, owner);
    expect(await refuses(owner)).toBe(true);
    expect(await refuses('192.0.2.2')).toBe(false);
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
    'counts %s, which a proxy may share among all, only for each account',
    async (address) => {
      for (let at = 0; at < 60; at++) await fail(1, address, `user${at}@example.org`);
      expect(await refuses(address, 'another@example.org')).toBe(false);
      await fail(10, address);
      expect(await refuses(address)).toBe(true);
    },
  );

  it('forgets the oldest failures beyond its bound', async () => {
    limits = new GuessLimits({ ...defaultGuessLimits, perAccount: 1, countedKeys: 2 });
    await fail(1, '192.0.2.1');
    await fail(1, '192.0.2.2');
    expect(await refuses('192.0.2.1')).toBe(true);
    await fail(1, '192.0.2.3');
    expect(await refuses('192.0.2.1')).toBe(false);
    expect(await refuses('192.0.2.2')).toBe(true);
    expect(await refuses('192.0.2.3')).toBe(true);
  });

  it('leaves no timer behind', async () => {
    await fail(3, owner);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    limits.close();
    expect(vi.getTimerCount()).toBe(0);
    expect(await refuses(owner)).toBe(false);
  });
});
