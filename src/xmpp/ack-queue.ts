const modulus = 2 ** 32;

/**
 * Counts what one side of a stream sends and keeps what the other has not acknowledged (XEP-0198 §4). Counts go round at
 * 2³². What was pushed is sent when `next` hands it out, and once more after `rewind`.
 */
export class AckQueue<Item> {
  /** Not acknowledged, in order. */
  readonly #items: Item[] = [];
  /** Of these, from the first on, how many were sent. */
  #outstanding = 0;
  /** How many ever were: this one does not go round. */
  #acknowledged: number;

  /** `acknowledged` is how many went before. */
  constructor(acknowledged = 0) {
    this.#acknowledged = acknowledged;
  }

  /** What is not acknowledged, sent or not, in order. */
  get items(): readonly Item[] {
    return this.#items;
  }

  /** How many were sent and are not acknowledged. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** How many were sent in all, modulo 2³². */
  get sent(): number {
    return (this.#acknowledged + this.#outstanding) % modulus;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** The first item that was not sent, which counts as sent from now on. */
  next(): Item | undefined {
    const item = this.#items[this.#outstanding];
    if (item !== undefined) this.#outstanding++;
    return item;
  }

  /** Takes out an item that was not sent; answers how many are before it, -1 if it was sent or is not there. */
  drop(item: Item): number {
    const at = this.#items.indexOf(item, this.#outstanding);
    if (at !== -1) this.#items.splice(at, 1);
    return at;
  }

  /** Nothing of what is not acknowledged counts as sent any more: it has to be sent again. */
  rewind(): void {
    this.#outstanding = 0;
  }

  /**
   * The other side has handled `h` items in all, modulo 2³². Answers which of them it had not acknowledged before: none if
   * it says less than it has said already. Undefined if it cannot have handled so many, for they were never sent.
   */
  acknowledge(h: number): readonly Item[] | undefined {
    const ahead = (h - (this.#acknowledged % modulus) + modulus) % modulus;
    if (ahead > this.#outstanding) return this.#isPast(modulus - ahead) ? [] : undefined;
    this.#acknowledged += ahead;
    this.#outstanding -= ahead;
    return this.#items.splice(0, ahead);
  }

  /** Whether there was a time at which that many fewer were acknowledged; what is very long ago is in the future. */
  #isPast(behind: number): boolean {
    return behind <= Math.min(this.#acknowledged, modulus / 2);
  }
}
