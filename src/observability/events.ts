import { type ErrorCode, errorTable } from '../errors.js';
import { type AccountEvents, accountEvents } from './account-events.js';
import { type ClientEvents, clientEvents } from './client-events.js';
import { createFloodGate } from './flood-gate.js';
import { type GatewayEvents, gatewayEvents } from './gateway-events.js';
import { type HostEvents, hostEvents } from './host-events.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import { type NotifyEvents, notifyEvents } from './notify-events.js';
import { type PeerEvents, peerEvents } from './peer-events.js';
import { type RegistrationEvents, registrationEvents } from './registration-events.js';
import type { Reporter } from './reporter.js';
import { type SessionEvents, sessionEvents } from './session-events.js';
import { type WebPushEvents, webPushEvents } from './web-push-events.js';

/**
 * What happens in Belfry that an operator or a graph wants to know, one function per event: log line and metric
 * together. None throws. JIDs are bare; payloads, tokens, hashes and secrets never come here.
 */
export interface Events
  extends HostEvents,
    RegistrationEvents,
    PushEvents,
    FailureEvents,
    ClientEvents,
    SessionEvents,
    PeerEvents,
    AccountEvents,
    NotifyEvents,
    WebPushEvents,
    GatewayEvents {}

/** Pushes, and requests that never became one. */
interface PushEvents {
  /** A push request was answered. `code` is `delivered` or why not; `jid` is absent for unknown endpoints. */
  pushAnswered(event: { code: 'delivered' | ErrorCode; jid?: string; bytes: number; seconds: number }): void;
  /** The HTTP server refused a request by itself, before it was a push. `client` is the sender's address. */
  httpRefused(event: { code: ErrorCode; client?: string }): void;
}

/** What should not happen. */
interface FailureEvents {
  /** A handler threw what it should not have. */
  handlerFailed(event: { what: string; error: unknown }): void;
  storageFailed(event: { what: string; error: unknown }): void;
}

export interface EventsOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Milliseconds since some fixed moment. */
  readonly now?: () => number;
}

/**
 * Each code's log level comes from the error table; what succeeds often is logged at `debug`, and trouble that repeats
 * only now and then.
 */
export function createEvents({ logger, metrics, now = () => performance.now() }: EventsOptions): Events {
  const never = (fn: () => void) => runQuietly(fn, metrics);
  const reporter = { logger, metrics, never, gate: createFloodGate(now) };
  return {
    ...hostEvents(reporter),
    ...registrationEvents(reporter),
    ...pushEvents(reporter),
    ...failureEvents(reporter),
    ...clientEvents(reporter),
    ...sessionEvents(reporter),
    ...peerEvents(reporter),
    ...accountEvents(reporter),
    ...notifyEvents(reporter),
    ...webPushEvents(reporter),
    ...gatewayEvents(reporter),
  };
}

/** Whoever reports an event must not fail because of the report. */
function runQuietly(fn: () => void, metrics: Metrics): void {
  try {
    fn();
  } catch {
    metrics.eventFailures.inc();
  }
}

function pushEvents(reporter: Reporter): PushEvents {
  const { logger, metrics, never, gate } = reporter;
  return {
    pushAnswered(event) {
      never(() => countPush(event, metrics));
      if (event.code === 'delivered' && !logger.isLevelEnabled('debug')) return;
      never(() => logPush(event, reporter));
    },
    httpRefused({ code, client }) {
      never(() => {
        metrics.httpRefusals.inc({ code });
        const { level, ...more } = gate(`http ${code}`, errorTable[code].log);
        logger[level]({ code, client, ...more }, 'http request refused');
      });
    },
  };
}

type PushAnswered = Parameters<Events['pushAnswered']>[0];

function countPush(event: PushAnswered, metrics: Metrics): void {
  metrics.pushes.inc({ code: event.code });
  metrics.pushSeconds.observe(event.seconds);
  metrics.pushBytes.observe(event.bytes);
}

function logPush({ code, jid, bytes, seconds }: PushAnswered, { logger, gate }: Reporter): void {
  const { level, ...more } = gate(`push ${code}`, code === 'delivered' ? 'debug' : errorTable[code].log);
  logger[level]({ code, jid, bytes, ms: Math.round(seconds * 1000), ...more }, 'push answered');
}

function failureEvents({ logger, metrics, never, gate }: Reporter): FailureEvents {
  return {
    handlerFailed({ what, error }) {
      never(() => {
        metrics.handlerFailures.inc({ what });
        const { level, ...more } = gate(`handler ${what}`, 'error');
        logger[level]({ what, err: error, ...more }, 'handler failed');
      });
    },
    storageFailed({ what, error }) {
      never(() => {
        metrics.storageFailures.inc({ what });
        const { level, ...more } = gate(`storage ${what}`, 'error');
        logger[level]({ what, err: error, ...more }, 'storage failed');
      });
    },
  };
}
