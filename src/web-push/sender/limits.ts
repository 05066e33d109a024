/** Times in milliseconds. */
export interface SenderLimits {
  /** How long a connection to a push service may take to be made, names and TLS included. */
  readonly connectTime: number;
  /** How long a request may take in all, what it waits for included. */
  readonly answerTime: number;
  /** After what time without a request a connection is closed. */
  readonly idleTime: number;
  /** Requests at once on an HTTP/2 connection; the push service may want fewer. */
  readonly streams: number;
  /** HTTP/1.1 connections to one push service. */
  readonly connections: number;
  /** Requests that wait for one push service. */
  readonly waiting: number;
  /** Push services with connections. */
  readonly origins: number;
}

export const defaultSenderLimits: SenderLimits = {
  connectTime: 10_000,
  answerTime: 30_000,
  idleTime: 60_000,
  streams: 100,
  connections: 8,
  waiting: 1_000,
  origins: 1_000,
};
