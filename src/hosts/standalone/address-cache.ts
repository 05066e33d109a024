import { Jid } from '../../xmpp/jid.js';

/**
 * Addresses that were read lately, by the text they had: reading one costs more than all the rest of routing, and who
 * writes to somebody will do it again.
 */
export class AddressCache {
  readonly #max: number;
  readonly #known = new Map<string, Jid>();

  /** `max`: how many texts are remembered; the oldest are forgotten first. */
  constructor(max: number) {
    this.#max = max;
  }

  /** As `Jid.tryParse`. */
  read(text: string | undefined): Jid | undefined {
    if (text === undefined) return undefined;
    return this.#known.get(text) ?? this.#parse(text);
  }

  #parse(text: string): Jid | undefined {
    const jid = Jid.tryParse(text);
    if (jid === undefined) return undefined;
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < this.#max) break;
      this.#known.delete(oldest);
    }
    this.#known.set(text, jid);
    return jid;
  }
}
