/** Time as primitives and hosts see it: handed in, so that tests turn the hands themselves. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Calls `action` once in `delay` milliseconds, unless the function it returns was called before. */
  after(delay: number, action: () => void): () => void;
}
