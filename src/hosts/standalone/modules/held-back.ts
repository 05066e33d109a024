import type { Element } from '../../../xmpp/element.js';
import { importance } from '../../../xmpp/importance.js';
import { stateKey } from '../latest-state.js';
import type { Server } from '../module.js';
import { keptCost } from '../queue-cost.js';
import type { Filter, Session } from '../session.js';

/** What is held back for one session at most; when there is more, all of it is sent. `bytes` as `keptCost` counts. */
export const heldBackLimits = { stanzas: 200, bytes: 128 * 1024 } as const;

interface Held {
  readonly stanza: Element;
  /** When it came: Unix time in milliseconds. */
  readonly at: number;
  readonly cost: number;
}

/**
 * Holds back what an inactive client may hear of later (XEP-0352). Whatever is sent to it is preceded by all that is held, so
 * that nothing changes its place; but of what only tells of a state, the latest is kept (`stateKey`).
 */
export class HeldBack implements Filter {
  readonly #session: Session;
  readonly #server: Pick<Server, 'delays' | 'now'>;
  /** In the order in which they came; by the state that they tell of, if they tell of one. */
  #held = new Map<string | Element, Held>();
  #bytes = 0;
  #isOver = false;
  /** Directed presence leads into rooms. */
  readonly #isOwnOccupant = (jid: string): boolean => this.#session.directed.has(jid);

  constructor(session: Session, server: Pick<Server, 'delays' | 'now'>) {
    this.#session = session;
    this.#server = server;
  }

  send(stanza: Element): boolean {
    if (this.#isOver || importance(stanza, this.#isOwnOccupant).level !== 'unimportant') {
      return this.flush() && this.#session.link.send(stanza);
    }
    return this.#hold(stanza);
  }

  /** Sends what is held; false if not all of it was taken. */
  flush(): boolean {
    for (const [key, held] of this.#held) {
      this.#remove(key, held);
      if (this.#session.link.send(this.#stamp(held))) continue;
      this.#held = new Map([[key, held], ...this.#held]);
      this.#bytes += held.cost;
      return false;
    }
    return true;
  }

  takeHeld(): readonly Element[] {
    const stanzas = Array.from(this.#held.values(), (held) => this.#stamp(held));
    this.#held.clear();
    this.#bytes = 0;
    this.#isOver = true;
    return stanzas;
  }

  #hold(stanza: Element): boolean {
    const key = stateKey(stanza) ?? stanza;
    const former = this.#held.get(key);
    if (former !== undefined) this.#remove(key, former);
    const cost = keptCost(stanza);
    if (!this.#hasRoomFor(cost) && !this.flush()) return false;
    if (cost > heldBackLimits.bytes) return this.#session.link.send(stanza);
    this.#held.set(key, { stanza, at: this.#server.now(), cost });
    this.#bytes += cost;
    return true;
  }

  #hasRoomFor(cost: number): boolean {
    return this.#held.size < heldBackLimits.stanzas && this.#bytes + cost <= heldBackLimits.bytes;
  }

  #remove(key: string | Element, { cost }: Held): void {
    this.#held.delete(key);
    this.#bytes -= cost;
  }

  #stamp({ stanza, at }: Held): Element {
    return this.#server.delays.stamp(stanza, at);
  }
}
