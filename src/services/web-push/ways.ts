import type { Sending } from './sending.js';
import type { StoredPush } from './store.js';

/** Messages to one origin that are sent at once, and those that wait for them. */
const mostSent = 32;
const mostWaiting = 256;

/** One that was claimed. */
export interface Item {
  readonly push: StoredPush;
  readonly sending: Sending;
  /** It is nobody else's before, in Unix milliseconds. */
  claimedUntil: number;
}

/** What goes to one origin. */
interface Way {
  sent: number;
  readonly waiting: Item[];
  /** So much goes there that nothing more is claimed for it. */
  isFull: boolean;
}

export interface WaysOptions {
  /** How many more may be claimed, for whichever origin. */
  readonly room: () => number;
  /** Does what is to be done with one. Never rejects. */
  readonly send: (item: Item) => Promise<void>;
  /** One is done with. */
  readonly left: (item: Item) => void;
  /** Something may be claimed again for an origin that had enough. */
  readonly onRoom: () => void;
}

/** What was claimed, by where it goes: none of the push services keeps up the others. */
export class Ways {
  readonly #options: WaysOptions;
  readonly #ways = new Map<string, Way>();

  constructor(options: WaysOptions) {
    this.#options = options;
  }

  /** Whether one more may go there. */
  hasRoom(origin: string): boolean {
    const { sent = 0, waiting = [] } = this.#ways.get(origin) ?? {};
    return sent + waiting.length < this.#share();
  }

  /** Puts one at the end of its way; it moves with the next `proceed`. */
  add(item: Item): void {
    const { origin } = item.push;
    const way = this.#ways.get(origin);
    if (way === undefined) this.#ways.set(origin, { sent: 0, waiting: [item], isFull: false });
    else way.waiting.push(item);
  }

  /** Begins with what has its turn. */
  proceed(): void {
    for (const [origin, way] of this.#ways) this.#proceed(origin, way);
  }

  /** Origins to which so much goes that nothing more is to be claimed for them, until `onRoom`. */
  full(): string[] {
    const full: string[] = [];
    for (const [origin, way] of this.#ways) {
      way.isFull = this.#isCrowded(way);
      if (way.isFull) full.push(origin);
    }
    return full;
  }

  /** Takes all back that was not begun. */
  clear(): Item[] {
    return [...this.#ways.values()].flatMap(({ waiting }) => waiting.splice(0));
  }

  /** How many may go to one origin: so much of the room that is left that several slow ones leave some to others. */
  #share(): number {
    return Math.min(mostSent + mostWaiting, Math.floor(this.#options.room() / 4));
  }

  /** More than half of what may go there does. */
  #isCrowded({ sent, waiting }: Way): boolean {
    return sent + waiting.length > this.#share() / 2;
  }

  #proceed(origin: string, way: Way): void {
    const { send, left, onRoom } = this.#options;
    while (way.sent < mostSent) {
      const item = way.waiting.shift();
      if (item === undefined) break;
      way.sent++;
      void send(item).then(() => {
        way.sent--;
        left(item);
        this.#proceed(origin, way);
      });
    }
    if (way.isFull && !this.#isCrowded(way)) {
      way.isFull = false;
      onRoom();
    }
    if (way.sent === 0 && way.waiting.length === 0) this.#ways.delete(origin);
  }
}
