import type { ErrorCode } from '../errors.js';

/**
 * What happens in Belfry that an operator or a graph wants to know, one function per event: log line and metric
 * together. None throws. JIDs are bare; payloads, tokens, hashes and secrets never come here.
 */
export interface Events {
  /** A host can send and receive stanzas. */
  hostConnected(event: { domain: string }): void;
  /** A host lost its connection or failed to make it; called once per change of `reason`, not per attempt. */
  hostDisconnected(event: { domain: string; reason: string; remedy?: string }): void;
  /** An IQ answer that nobody waits for: late, twice, or from somebody who was not asked. */
  iqAnswerIgnored(event: { domain: string; from: string }): void;
  /** A handler threw what it should not have. */
  handlerFailed(event: { what: string; error: unknown }): void;
  /** A device registered for pushes. */
  registered(event: { jid: string; backend: string; expiresAt: number }): void;
  registrationRefused(event: { jid: string; code: ErrorCode }): void;
  /** A push request was answered. `code` is `delivered` or why not; `jid` is absent for unknown endpoints. */
  pushAnswered(event: { code: 'delivered' | ErrorCode; jid?: string; bytes: number; seconds: number }): void;
  /** A device disowned a registration, and its endpoint is dead from now on. */
  registrationRevoked(event: { jid: string; backend: string; reason: string }): void;
  /** Expired rows were removed. */
  swept(event: { what: string; rows: number }): void;
  storageFailed(event: { what: string; error: unknown }): void;
  /** The HTTP server refused a request before a route saw it. */
  httpRefused(event: { code: ErrorCode }): void;
}
