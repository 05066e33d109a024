import type { Host } from '../../hosts/host.js';
import type { Events } from '../../observability/events.js';
import { RandomText } from '../../xmpp/random-text.js';
import type { Acl } from '../acl.js';
import { judge, overloaded, renewedMeanwhile } from './answer.js';
import type { PushLimits } from './limits.js';
import type { PushOutcome } from './outcome.js';
import { pushElement } from './payload.js';
import type { PushPayload } from './push-payload.js';
import type { TokenBackend, Verified } from './tokens/backend.js';

export interface PushOptions {
  readonly host: Pick<Host, 'sendIq'>;
  readonly tokens: Pick<TokenBackend, 'verify'>;
  /** The list of the moment: who is taken off it gets no pushes any more. */
  readonly acl: () => Acl;
  readonly limits: PushLimits;
  /** Seconds that a push waits for the device's answer. */
  readonly pushTimeout: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Events;
}

/** Carries one push to its device; how it ended is the value. Never rejects. */
export type Push = (token: string, payload: PushPayload) => Promise<PushOutcome>;

/** Expired, tampered, revoked, unknown: a stranger learns no more than that it does not count. */
const unknownEndpoint = { kind: 'gone', code: 'unknown-endpoint' } as const;
const registrationGone = { kind: 'gone', code: 'registration-gone' } as const;
const storageFailed = { kind: 'rejected', code: 'storage-failed' } as const;
/** Not final: the list may be a mistake, and who hears that an endpoint is gone forgets it for good. */
const notPermitted = { kind: 'retry', code: 'recipient-not-permitted', retryAfter: 3600 } as const;

/** The way of a push: token → registration → limits → IQ → the device's answer → outcome. */
export function createPush(options: PushOptions): Push {
  const { host, tokens, acl, limits, now, events } = options;
  const timeout = options.pushTimeout * 1000;
  const messageIds = new RandomText(options.randomBytes);

  async function lookUp(token: string): Promise<Verified | typeof unknownEndpoint | typeof storageFailed> {
    try {
      const verified = await tokens.verify(token);
      return verified ?? unknownEndpoint;
    } catch (error) {
      events.storageFailed({ what: 'unified-push look-up', error });
      return storageFailed;
    }
  }

  async function deliver(verified: Verified, payload: PushPayload): Promise<PushOutcome> {
    if (!acl()(verified.registration.jid)) return notPermitted;
    if (!limits.enter(verified.key)) return tooMany(options.pushTimeout);
    try {
      const wait = (await limits.count(verified.key)) ?? 0;
      return wait > 0 ? tooMany(wait) : await send(verified, payload);
    } finally {
      limits.leave(verified.key);
    }
  }

  async function send(verified: Verified, payload: PushPayload): Promise<PushOutcome> {
    const { registration } = verified;
    const iq = { type: 'set', to: registration.jid, payload: pushElement(registration, payload) } as const;
    const verdict = judge(await host.sendIq(iq, { timeout }));
    if (verdict.kind === 'delivered') return { kind: 'delivered', messageId: messageIds.next() };
    return verdict.kind === 'disowned' ? revoke(verified) : verdict;
  }

  /**
   * The sender hears of it only after it is on disk, so that it hears the same from now on. Where that fails it keeps the
   * endpoint, and its next push is disowned again.
   */
  async function revoke({ revoke, registration, backend }: Verified): Promise<PushOutcome> {
    try {
      if (!(await revoke())) return renewedMeanwhile;
      const jid = registration.jid.bare().toString();
      events.registrationRevoked({ jid, backend, reason: 'disowned by the device' });
    } catch (error) {
      events.storageFailed({ what: 'unified-push revocation', error });
      return storageFailed;
    }
    return registrationGone;
  }

  function report(outcome: PushOutcome, verified: Verified | undefined, bytes: number, started: number) {
    const code = outcome.kind === 'delivered' ? outcome.kind : outcome.code;
    // The clock may be set back meanwhile; no push took less than no time.
    const seconds = Math.max(0, now() - started) / 1000;
    if (verified === undefined) events.pushAnswered({ code, bytes, seconds });
    else events.pushAnswered({ code, jid: verified.registration.jid.bare().toString(), bytes, seconds });
    return outcome;
  }

  return async (token, payload) => {
    const started = now();
    if (!limits.admit()) return report(overloaded, undefined, payload.length, started);
    try {
      const found = await lookUp(token);
      if ('kind' in found) return report(found, undefined, payload.length, started);
      return report(await deliver(found, payload), found, payload.length, started);
    } finally {
      limits.release();
    }
  };
}

function tooMany(retryAfter: number): PushOutcome {
  return { kind: 'retry', code: 'too-many-pushes', retryAfter };
}
