/** A multiple of three bytes, so that base64 has no padding: 144 bits, which nobody guesses. */
const bytesPerText = 18;
const charactersPerText = 24;
const textsPerBlock = 64;

/**
 * Unguessable texts of 24 letters, digits, `-` and `_`. Random bytes are fetched in blocks, because a call for each text
 * would be the dearest step of what needs it.
 */
export class RandomText {
  readonly #randomBytes: (size: number) => Uint8Array;
  #block = '';
  #used = 0;

  constructor(randomBytes: (size: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  next(): string {
    if (this.#used === this.#block.length) {
      this.#block = Buffer.from(this.#randomBytes(bytesPerText * textsPerBlock)).toString('base64url');
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += charactersPerText;
    return this.#block.slice(start, this.#used);
  }
}
