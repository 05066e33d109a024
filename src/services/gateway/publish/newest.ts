/** What waits until the work that is under way is done. */
interface Next<T> {
  work: () => Promise<T>;
  readonly done: Promise<T>;
}

interface Lane<T> {
  readonly current: Promise<unknown>;
  next: Next<T> | undefined;
}

/**
 * Work of which only the newest counts: what is given for a key while other work for it is under way waits, and something newer
 * takes its place. Whoever gave what was replaced hears what came of the newer.
 */
export class Newest<T> {
  readonly #lanes = new Map<string, Lane<T>>();

  /** Rejects as the work does. */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return this.#begin(key, work);
    if (lane.next === undefined) lane.next = this.#follow(key, lane, work);
    else lane.next.work = work;
    return lane.next.done;
  }

  #begin(key: string, work: () => Promise<T>): Promise<T> {
    const done = work();
    const lane: Lane<T> = { current: done.then(nothing, nothing), next: undefined };
    this.#lanes.set(key, lane);
    void lane.current.then(() => {
      if (lane.next === undefined) this.#lanes.delete(key);
    });
    return done;
  }

  #follow(key: string, { current }: Lane<T>, work: () => Promise<T>): Next<T> {
    const next: Next<T> = { work, done: current.then(() => this.#begin(key, next.work)) };
    return next;
  }
}

const nothing = () => undefined;
