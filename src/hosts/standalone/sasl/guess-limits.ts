import { RateLimiterMemory } from 'rate-limiter-flexible';
import { isLoopback, networkOf } from '../../../net/ip-address.js';

export interface GuessLimitOptions {
  /** Failures from one network (an IPv4 address or an IPv6 /64), whatever the accounts. */
  readonly perNetwork: number;
  /** Failures of one account from one network. */
  readonly perAccount: number;
  /**
   * Failures of one account from everywhere, beyond which each network has `perAccountUnderAttack` instead of
   * `perAccount`. A guesser with many addresses becomes slower by that, but cannot keep the owner out from another one.
   */
  readonly attack: number;
  readonly perAccountUnderAttack: number;
  /** Counting starts anew this many seconds after the first failure. */
  readonly windowSeconds: number;
  /** For how many networks, accounts and pairs of both failures are counted at once. */
  readonly countedKeys: number;
}

/** `docs/accounts.md` tells operators. */
export const defaultGuessLimits: GuessLimitOptions = {
  perNetwork: 50,
  perAccount: 10,
  attack: 100,
  perAccountUnderAttack: 3,
  windowSeconds: 600,
  countedKeys: 20_000,
};

/** Who guesses, and whose password. */
export interface Guess {
  readonly address: string;
  readonly account: string;
}

/** Counts failed guesses of passwords, of accounts that exist or not, and says who has to wait. */
export class GuessLimits {
  readonly #options: GuessLimitOptions;
  readonly #networks: FailureCounts;
  readonly #accounts: FailureCounts;
  readonly #pairs: FailureCounts;

  constructor(options: GuessLimitOptions) {
    this.#options = options;
    this.#networks = new FailureCounts(options);
    this.#accounts = new FailureCounts(options);
    this.#pairs = new FailureCounts(options);
  }

  /** Whether a guess must not even be looked at. */
  async refuses({ address, account }: Guess): Promise<boolean> {
    const { perNetwork, perAccount, attack, perAccountUnderAttack } = this.#options;
    const network = networkOf(address);
    // Behind a proxy on this machine everybody has its address: one of them must not keep out all others.
    if (!isLoopback(address) && (await this.#networks.of(network)) >= perNetwork) return true;
    const isUnderAttack = (await this.#accounts.of(account)) >= attack;
    return (
      (await this.#pairs.of(pair(network, account))) >= (isUnderAttack ? perAccountUnderAttack : perAccount)
    );
  }

  async failed({ address, account }: Guess): Promise<void> {
    const network = networkOf(address);
    await Promise.all([
      this.#networks.add(network),
      this.#accounts.add(account),
      this.#pairs.add(pair(network, account)),
    ]);
  }

  /** Forgets all failures, and with them the timers that would. */
  close(): void {
    for (const counts of [this.#networks, this.#accounts, this.#pairs]) counts.close();
  }
}

const pair = (network: string, account: string) => `${network} ${account}`;

/** Failures by key, each from its first one on for the time of a window. */
class FailureCounts {
  readonly #counts: RateLimiterMemory;
  readonly #maxKeys: number;
  /** Keys that may be counted, oldest window first: what bounds the memory. */
  readonly #keys = new Set<string>();

  constructor({ windowSeconds, countedKeys }: GuessLimitOptions) {
    this.#counts = new RateLimiterMemory({ points: 1, duration: windowSeconds, keyPrefix: '' });
    this.#maxKeys = countedKeys;
  }

  async of(key: string): Promise<number> {
    return (await this.#counts.get(key))?.consumedPoints ?? 0;
  }

  async add(key: string): Promise<void> {
    const { isFirstInDuration } = await this.#counts.penalty(key);
    if (!isFirstInDuration) return;
    this.#keys.delete(key);
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > this.#maxKeys && oldest !== undefined) await this.#forget(oldest);
  }

  async #forget(key: string): Promise<void> {
    this.#keys.delete(key);
    await this.#counts.delete(key);
  }

  close(): void {
    for (const key of this.#keys) void this.#forget(key);
  }
}
