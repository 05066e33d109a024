/** Conversations of an absence that are counted each by itself; of more, those that were told of first are forgotten. */
const maxTopics = 100;

/** The time since a registration's client was last here: what it was told of, and what became of that. */
export class Absence {
  #count = 0;
  /** Only of registrations whose notifications are each about something. */
  #counts: Map<string, number> | undefined;
  /** Notifications that its channel has on disk, as far as is known. */
  #queued = 0;
  #isImportantQueued = false;
  #isReached = false;
  #isWithdrawn = false;

  /** Whether one that had been queued has reached the device. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** Whether the client was back before all that was queued had reached the device, and may not have got it all the same. */
  get isWithdrawn(): boolean {
    return this.#isWithdrawn;
  }

  get hasQueued(): boolean {
    return this.#queued > 0;
  }

  /** Messages that were told of: of a topic, or of all (''). */
  count(topic: string): number {
    return topic === '' ? this.#count : (this.#counts?.get(topic) ?? 0);
  }

  add(topic: string, more: number): void {
    this.#count += more;
    if (topic === '') return;
    this.#counts ??= new Map();
    this.#counts.set(topic, this.count(topic) + more);
    const [oldest] = this.#counts.size > maxTopics ? this.#counts.keys() : [];
    if (oldest !== undefined) this.#counts.delete(oldest);
  }

  /** One is on disk where its channel delivers. */
  queue(isImportant: boolean): void {
    this.#queued++;
    this.#isImportantQueued ||= isImportant;
  }

  /** What became of one that was queued is known. Answers whether its client was told of something important by it. */
  settle(isDelivered: boolean): boolean {
    if (this.#queued === 0) return false;
    this.#queued--;
    this.#isReached ||= isDelivered;
    const isTold = isDelivered && this.#isImportantQueued;
    this.#isImportantQueued &&= this.hasQueued;
    return isTold;
  }

  /** The client is back, and its channel forgets what is queued, all of which the client may yet miss. */
  withdraw(): void {
    this.#isWithdrawn = this.hasQueued;
  }
}

/**
 * The absences of registrations' clients, by the registration's key. Of too many those are forgotten that nothing was added to
 * for longest.
 */
export class Absences {
  readonly #limit: number;
  readonly #absences = new Map<string, Absence>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#absences.size === 0;
  }

  /** Undefined if nothing is known of it: nothing was told since the client was here. */
  get(key: string): Absence | undefined {
    return this.#absences.get(key);
  }

  /** The registration's client is told of something. */
  enter(key: string): Absence {
    const absence = this.#absences.get(key) ?? new Absence();
    this.#absences.delete(key);
    this.#absences.set(key, absence);
    if (this.#absences.size > this.#limit) this.#forgetOldest();
    return absence;
  }

  /** Counts messages that it is told of; answers how many of the topic there are now. */
  count(key: string, topic: string, more: number): number {
    if (more > 0) this.enter(key).add(topic, more);
    return this.#absences.get(key)?.count(topic) ?? 0;
  }

  /** The client is back, or will not be: answers the absence that is over. */
  end(key: string): Absence | undefined {
    const absence = this.#absences.get(key);
    this.#absences.delete(key);
    return absence;
  }

  #forgetOldest(): void {
    for (const key of this.#absences.keys()) {
      this.#absences.delete(key);
      return;
    }
  }
}
