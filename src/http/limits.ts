/** Bounds on what strangers may occupy. Times are in milliseconds. `docs/http.md` explains each. */
export interface HttpLimits {
  /** Open connections; one more is closed at once. */
  readonly maxConnections: number;
  /** Request line and header fields together, in bytes. */
  readonly maxHeaderBytes: number;
  /** From the connection, or the first byte of the next request on it, to the end of the header. */
  readonly headersTimeout: number;
  /** The same until the end of the body. The wait for a device does not count. */
  readonly requestTimeout: number;
  /** How long a connection stays open without a request. */
  readonly keepAliveTimeout: number;
  /** How often the timeouts are looked at, and so how late they can be. */
  readonly checkInterval: number;
  /** How long a refused sender may go on sending before the connection is cut. */
  readonly lingerTimeout: number;
}

export const defaultLimits: HttpLimits = {
  maxConnections: 4_096,
  maxHeaderBytes: 8_192,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  // Longer than the 60 seconds for which nginx keeps its side, so that it is the proxy that closes first.
  keepAliveTimeout: 75_000,
  checkInterval: 2_000,
  lingerTimeout: 1_000,
};

/** The longest path segment that may be a token; an endpoint has at most 1,000 bytes. */
export const maxTokenLength = 1_024;
