import { networkOf } from '../../../net/ip-address.js';

/** Who has come and has not authenticated yet, by where they come from. */
export class Strangers<T extends { readonly remoteAddress: string }> {
  readonly #byNetwork = new Map<string, Set<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(stranger: T): void {
    const network = networkOf(stranger.remoteAddress);
    const others = this.#byNetwork.get(network);
    if (others === undefined) this.#byNetwork.set(network, new Set([stranger]));
    else others.add(stranger);
    this.#size++;
  }

  delete(stranger: T): void {
    const network = networkOf(stranger.remoteAddress);
    const all = this.#byNetwork.get(network);
    if (all?.delete(stranger) !== true) return;
    this.#size--;
    if (all.size === 0) this.#byNetwork.delete(network);
  }

  /**
   * Who has to make room if there are too many: of those from the network that most come from, the first one. Whoever comes
   * from elsewhere, and does not take long, gets in even while somebody with many connections tries to keep all others out.
   */
  mostDispensable(): T | undefined {
    let crowd = new Set<T>();
    for (const all of this.#byNetwork.values()) if (all.size > crowd.size) crowd = all;
    const [first] = crowd;
    return first;
  }
}
