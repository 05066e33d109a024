import { Jid } from '../../xmpp/jid.js';

/** Longer ones are not remembered, so that nobody can make the cache large; real ones are far shorter. */
const maxLength = 256;

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
    if (text.length > maxLength) return Jid.tryParse(text);
    const copy = copyOf(text);
    const jid = Jid.tryParse(copy);
    if (jid === undefined) return undefined;
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < this.#max) break;
      this.#known.delete(oldest);
    }
    this.#known.set(copy, jid);
    return jid;
  }
}

/** Text of its own: a slice would keep all that it was cut out of in memory, the stanza that it came with. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
