import { networkOf } from '../../../net/ip-address.js';

/** How many connections there are from where. */
export class ConnectionCounter {
  readonly #counts = new Map<string, number>();

  /** Connections of the subscriber who has that address. */
  count(address: string): number {
    return this.#counts.get(networkOf(address)) ?? 0;
  }

  add(address: string): void {
    this.#counts.set(networkOf(address), this.count(address) + 1);
  }

  remove(address: string): void {
    const left = this.count(address) - 1;
    if (left > 0) this.#counts.set(networkOf(address), left);
    else this.#counts.delete(networkOf(address));
  }
}
