export interface BackOffOptions {
  /** Upper end of the first delay, in milliseconds. */
  readonly first: number;
  /** Upper end of the longest delay, in milliseconds. */
  readonly longest: number;
  /** A number from 0 up to 1, evenly distributed. */
  readonly jitter: () => number;
}

/**
 * Delays between attempts: the upper end doubles up to the longest, and each delay is somewhere in the upper half,
 * so that many processes do not return to a restarted server all at once.
 */
export class BackOff {
  readonly #options: BackOffOptions;
  #end: number;

  constructor(options: BackOffOptions) {
    this.#options = options;
    this.#end = options.first;
  }

  /** The next delay in milliseconds. */
  next(): number {
    const end = this.#end;
    this.#end = Math.min(end * 2, this.#options.longest);
    return (end / 2) * (1 + this.#options.jitter());
  }

  /** Begins again with the first delay. */
  reset(): void {
    this.#end = this.#options.first;
  }
}
