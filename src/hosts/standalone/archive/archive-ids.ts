import { StanzaError } from '../../../xmpp/stanza-error.js';

export interface ArchiveIdsOptions {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** Random bytes that are fetched at once, two for an id: each call costs more than the rest of the work. */
const randomAtOnce = 256;

/**
 * Gives ids to messages: microseconds since 1970, of which the last three digits are none of the clock's but random, so
 * that nobody knows an id before he is told (XEP-0359 §3, rule 1). Each is higher than all before, whatever the clock does.
 */
export class ArchiveIds {
  readonly #options: ArchiveIdsOptions;
  #last = 0;
  #random: Uint8Array = new Uint8Array();
  #used = 0;

  constructor(options: ArchiveIdsOptions) {
    this.#options = options;
  }

  /** No id that is given from now on is as low as this one. */
  passOver(id: number): void {
    this.#last = Math.max(this.#last, id);
  }

  next(): number {
    const time = Math.floor(this.#options.now()) * 1000;
    const chance = this.#chance();
    // Of many in a millisecond each is a little higher than the one before.
    this.#last = this.#last < time ? time + (chance % 1000) : this.#last + 1 + (chance % 8);
    return this.#last;
  }

  /** 0 to 65,535. */
  #chance(): number {
    if (this.#used >= this.#random.length) {
      this.#random = this.#options.randomBytes(randomAtOnce);
      this.#used = 0;
    }
    const high = this.#random[this.#used++] ?? 0;
    const low = this.#random[this.#used++] ?? 0;
    return high * 256 + low;
  }
}

/** When a message of this id was archived: Unix time in milliseconds. */
export function timeOfId(id: number): number {
  return Math.floor(id / 1000);
}

/**
 * Reads an id that a client was told.
 * @throws {StanzaError} `item-not-found` if it cannot be one (XEP-0313 §3.1.5)
 */
export function parseArchiveId(text: string): number {
  const id = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(id)) return id;
  throw unknownId();
}

/** The answer to a client that names a message which its archive does not have. */
export function unknownId(): StanzaError {
  return new StanzaError('item-not-found', 'The archive has no message of that id.');
}
