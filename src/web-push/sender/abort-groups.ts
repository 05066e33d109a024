import type { Delivery } from './delivery.js';

interface Group {
  readonly deliveries: Set<Delivery>;
  readonly onAbort: () => void;
}

/** Requests by the signal that ends them: one listener for each signal, since many have the same one. */
export class AbortGroups {
  readonly #groups = new Map<AbortSignal, Group>();

  add(signal: AbortSignal, delivery: Delivery): void {
    const group = this.#groups.get(signal) ?? this.#begin(signal);
    group.deliveries.add(delivery);
  }

  remove(signal: AbortSignal, delivery: Delivery): void {
    const group = this.#groups.get(signal);
    if (group === undefined) return;
    group.deliveries.delete(delivery);
    if (group.deliveries.size > 0) return;
    this.#groups.delete(signal);
    signal.removeEventListener('abort', group.onAbort);
  }

  #begin(signal: AbortSignal): Group {
    const deliveries = new Set<Delivery>();
    const onAbort = () => {
      for (const delivery of deliveries) delivery.abort();
    };
    const group = { deliveries, onAbort };
    this.#groups.set(signal, group);
    signal.addEventListener('abort', onAbort);
    return group;
  }
}
