import { InFlight } from '../in-flight.js';

/** Messages of a client that may be under way to the disk before its next one is read. */
const maxInFlight = 100;

/** Counts what a client has sent (XEP-0198 §4), and knows when it is done. */
export class ClientWork {
  #count = 0;
  #inFlight: InFlight | undefined;
  /** Whether an answer waits for what is in flight, and whether another one was asked for meanwhile. */
  #isAnswering = false;
  #isAskedAgain = false;

  /** Stanzas that were taken, modulo 2³². */
  get count(): number {
    return this.#count;
  }

  /** A stanza was taken. What it leads to has to be given to `track` unless it is done. */
  begin(): void {
    this.#count = (this.#count + 1) % 2 ** 32;
  }

  /** As `InFlight.add`. */
  track(work: Promise<void>): Promise<void> | undefined {
    this.#inFlight ??= new InFlight(maxInFlight);
    return this.#inFlight.add(work);
  }

  /** As `InFlight.settled`. */
  settled(): Promise<void> | undefined {
    return this.#inFlight?.settled();
  }

  /** Tells how much was taken by now when all of it is done. Those who ask meanwhile are told together. */
  tell(answer: (count: number) => void): void {
    if (this.#isAnswering) this.#isAskedAgain = true;
    else if (this.settled() === undefined) answer(this.#count);
    else void this.#tellLater(answer);
  }

  async #tellLater(answer: (count: number) => void): Promise<void> {
    this.#isAnswering = true;
    do {
      this.#isAskedAgain = false;
      const count = this.#count;
      await this.settled();
      answer(count);
    } while (this.#isAskedAgain);
    this.#isAnswering = false;
  }
}
