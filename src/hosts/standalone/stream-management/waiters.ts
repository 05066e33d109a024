type Tell = (isThere: boolean) => void;

/** Who waits until a client has acknowledged something; it takes no memory to speak of while nobody does. */
export class Waiters {
  /** Who waits for room. */
  #forRoom: Tell[] | undefined;
  /** Who waits until what was sent before has been acknowledged, and how many stanzas of it have not. */
  #forArrival: { left: number; readonly tell: Tell }[] | undefined;

  /** Resolves at the next `tellRoom`; false if the end comes before. */
  room(): Promise<boolean> {
    return new Promise((tell) => {
      this.#forRoom ??= [];
      this.#forRoom.push(tell);
    });
  }

  /** Resolves when so many stanzas were acknowledged from now on; false if the end comes before. */
  arrival(left: number): Promise<boolean> {
    return new Promise((tell) => {
      this.#forArrival ??= [];
      this.#forArrival.push({ left, tell });
    });
  }

  tellRoom(): void {
    for (const tell of this.#takeForRoom()) tell(true);
  }

  tellArrived(acknowledged: number): void {
    if (this.#forArrival === undefined) return;
    for (const arrival of this.#forArrival) {
      arrival.left -= acknowledged;
      if (arrival.left <= 0) arrival.tell(true);
    }
    this.#forArrival = this.#forArrival.filter(({ left }) => left > 0);
    if (this.#forArrival.length === 0) this.#forArrival = undefined;
  }

  /** A stanza that had so many before it will not be sent. */
  tellDropped(before: number): void {
    for (const arrival of this.#forArrival ?? []) if (arrival.left > before) arrival.left--;
    this.tellArrived(0);
  }

  tellEnd(): void {
    for (const tell of this.#takeForRoom()) tell(false);
    for (const { tell } of this.#forArrival ?? []) tell(false);
    this.#forArrival = undefined;
  }

  #takeForRoom(): readonly Tell[] {
    const waiting = this.#forRoom ?? [];
    this.#forRoom = undefined;
    return waiting;
  }
}
