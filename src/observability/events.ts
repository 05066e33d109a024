import { type ErrorCode, errorTable } from '../errors.js';
import { createFloodGate, type FloodGate } from './flood-gate.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';

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
  iqAnswerIgnored(event: {
    domain: string;
    from: string;
    reason: 'unknown-id' | 'other-process' | 'wrong-sender';
  }): void;
  /** A stanza that nobody can take: its sender wrote it so, or the server handed it on so. */
  stanzaDropped(event: { domain: string; reason: string; from?: string }): void;
  /** The XMPP server sent a stanza for another domain than the one that this connection is for. */
  stanzaMisrouted(event: { domain: string; to: string }): void;
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
  /** The HTTP server refused a request by itself, before it was a push. `client` is the sender's address. */
  httpRefused(event: { code: ErrorCode; client?: string }): void;
  /** The embedded server listens for clients. */
  listening(event: { what: string; address: string }): void;
  /** A client authenticated and bound a resource. */
  sessionStarted(event: { jid: string; transport: string }): void;
  /** A session is over. `lost` stanzas had been given to its connection and had not left. */
  sessionEnded(event: { jid: string; transport: string; lost: number }): void;
  /** Somebody failed to authenticate; `account` is what was claimed. */
  authenticationFailed(event: {
    client: string;
    mechanism: string;
    condition: string;
    /** What the client is told beside the condition. */
    text?: string;
    account?: string;
  }): void;
  /** A client's stream was ended with an error of ours. `jid` is known once it has authenticated. */
  streamFailed(event: { client: string; condition: string; text: string; jid?: string }): void;
  /** A connection was closed before its client had authenticated: there are too many, or it is a WebSocket in clear. */
  connectionRefused(event: { client: string; reason: string }): void;
  /** Messages were kept for an account without sessions, or could not be. */
  offlineMessage(event: { jid: string; result: 'stored' | 'full' }): void;
  accountCreated(event: { jid: string; by: 'operator' | 'registration'; client?: string }): void;
  accountRemoved(event: { jid: string; by: 'operator' | 'user' }): void;
  passwordChanged(event: { jid: string; by: 'operator' | 'user' }): void;
  /** The certificate was read, at the start or again; `until` is its last day, `problems` what clients will dislike. */
  certificateLoaded(event: { names: readonly string[]; until: Date; problems: readonly string[] }): void;
  /** The certificate could not be read again: the one before stays. */
  certificateRejected(event: { reason: string }): void;
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
  const gate = createFloodGate(now);
  return {
    ...hostEvents(logger, metrics, never, gate),
    ...registrationEvents(logger, metrics, never, gate),
    ...failureEvents(logger, metrics, never, gate),
    ...clientEvents(logger, metrics, never, gate),
    ...accountEvents(logger, metrics, never),
    pushAnswered(event) {
      never(() => countPush(event, metrics));
      if (event.code === 'delivered' && !logger.isLevelEnabled('debug')) return;
      never(() => logPush(event, logger, gate));
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

type Never = (fn: () => void) => void;
type EventsNamed<Name extends keyof Events> = Pick<Events, Name>;

/** Whoever reports an event must not fail because of the report. */
function runQuietly(fn: () => void, metrics: Metrics): void {
  try {
    fn();
  } catch {
    metrics.eventFailures.inc();
  }
}

function countPush(event: Parameters<Events['pushAnswered']>[0], metrics: Metrics): void {
  metrics.pushes.inc({ code: event.code });
  metrics.pushSeconds.observe(event.seconds);
  metrics.pushBytes.observe(event.bytes);
}

function logPush(
  { code, jid, bytes, seconds }: Parameters<Events['pushAnswered']>[0],
  logger: Logger,
  gate: FloodGate,
): void {
  const { level, ...more } = gate(`push ${code}`, code === 'delivered' ? 'debug' : errorTable[code].log);
  logger[level]({ code, jid, bytes, ms: Math.round(seconds * 1000), ...more }, 'push answered');
}

function hostEvents(
  logger: Logger,
  metrics: Metrics,
  never: Never,
  gate: FloodGate,
): EventsNamed<
  'hostConnected' | 'hostDisconnected' | 'iqAnswerIgnored' | 'stanzaDropped' | 'stanzaMisrouted'
> {
  return {
    hostConnected({ domain }) {
      never(() => {
        metrics.hostConnected.set({ host: domain }, 1);
        logger.info({ host: domain }, 'host connected');
      });
    },
    hostDisconnected({ domain, reason, remedy }) {
      never(() => {
        metrics.hostConnected.set({ host: domain }, 0);
        metrics.hostDisconnects.inc({ host: domain });
        logger.warn({ host: domain, reason, remedy }, 'host not connected');
      });
    },
    iqAnswerIgnored({ domain, from, reason }) {
      never(() => {
        metrics.iqAnswersIgnored.inc({ reason });
        logger.debug({ host: domain, from, reason }, 'iq answer ignored: nobody waits for it');
      });
    },
    stanzaDropped({ domain, reason, from }) {
      never(() => {
        metrics.stanzasDropped.inc();
        const { level, ...more } = gate(`dropped ${domain}`, 'warn');
        logger[level]({ host: domain, from, reason, ...more }, 'malformed stanza dropped');
      });
    },
    stanzaMisrouted({ domain, to }) {
      never(() => {
        metrics.stanzasMisrouted.inc();
        const { level, ...more } = gate(`misrouted ${domain}`, 'warn');
        const remedy =
          'Give each component a listener of its own, or, on ejabberd, set global_routes: false on the listener.';
        logger[level]({ host: domain, to, remedy, ...more }, 'stanza for another domain dropped');
      });
    },
  };
}

function registrationEvents(
  logger: Logger,
  metrics: Metrics,
  never: Never,
  gate: FloodGate,
): EventsNamed<'registered' | 'registrationRefused' | 'registrationRevoked' | 'swept'> {
  return {
    registered({ jid, backend, expiresAt }) {
      never(() => {
        metrics.registrations.inc({ result: 'ok' });
        const expires = new Date(expiresAt * 1000).toISOString();
        logger.info({ jid, backend, expires }, 'registered');
      });
    },
    registrationRefused({ jid, code }) {
      never(() => {
        metrics.registrations.inc({ result: code });
        const { level, ...more } = gate(`registration ${code}`, errorTable[code].log);
        logger[level]({ jid, code, ...more }, 'registration refused');
      });
    },
    registrationRevoked({ jid, backend, reason }) {
      never(() => {
        metrics.revocations.inc();
        logger.info({ jid, backend, reason }, 'registration revoked: the device disowned it');
      });
    },
    swept({ what, rows }) {
      never(() => {
        metrics.sweptRows.inc({ what }, rows);
        logger.debug({ what, rows }, 'expired rows removed');
      });
    },
  };
}

function failureEvents(
  logger: Logger,
  metrics: Metrics,
  never: Never,
  gate: FloodGate,
): EventsNamed<'handlerFailed' | 'storageFailed'> {
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

function clientEvents(
  logger: Logger,
  metrics: Metrics,
  never: Never,
  gate: FloodGate,
): EventsNamed<
  | 'listening'
  | 'sessionStarted'
  | 'sessionEnded'
  | 'authenticationFailed'
  | 'streamFailed'
  | 'connectionRefused'
  | 'offlineMessage'
> {
  return {
    listening({ what, address }) {
      never(() => logger.info({ what, address }, 'listening'));
    },
    sessionStarted({ jid, transport }) {
      never(() => {
        metrics.sessions.inc({ transport });
        metrics.logins.inc({ transport });
        logger.debug({ jid, transport }, 'session started');
      });
    },
    sessionEnded({ jid, transport, lost }) {
      never(() => {
        metrics.sessions.dec({ transport });
        logger.debug({ jid, transport, lost }, 'session ended');
      });
    },
    authenticationFailed({ client, mechanism, condition, text, account }) {
      never(() => {
        metrics.authenticationFailures.inc({ condition });
        const { level, ...more } = gate(`authentication ${condition}`, 'info');
        logger[level]({ client, mechanism, condition, text, account, ...more }, 'authentication failed');
      });
    },
    streamFailed({ client, condition, text, jid }) {
      never(() => {
        metrics.streamErrors.inc({ condition });
        const { level, ...more } = gate(`stream ${condition}`, 'info');
        logger[level]({ client, jid, condition, text, ...more }, 'stream ended with an error');
      });
    },
    connectionRefused({ client, reason }) {
      never(() => {
        metrics.connectionsRefused.inc();
        const { level, ...more } = gate('connection refused', 'warn');
        logger[level]({ client, reason, ...more }, 'connection refused');
      });
    },
    offlineMessage({ jid, result }) {
      never(() => {
        metrics.offlineMessages.inc({ result });
        logger.debug({ jid, result }, 'message for an account without sessions');
      });
    },
  };
}

function accountEvents(
  logger: Logger,
  metrics: Metrics,
  never: Never,
): EventsNamed<
  'accountCreated' | 'accountRemoved' | 'passwordChanged' | 'certificateLoaded' | 'certificateRejected'
> {
  return {
    accountCreated({ jid, by, client }) {
      never(() => {
        metrics.accountChanges.inc({ change: 'created', by });
        logger.info({ jid, by, client }, 'account created');
      });
    },
    accountRemoved({ jid, by }) {
      never(() => {
        metrics.accountChanges.inc({ change: 'removed', by });
        logger.info({ jid, by }, 'account removed');
      });
    },
    passwordChanged({ jid, by }) {
      never(() => {
        metrics.accountChanges.inc({ change: 'password', by });
        logger.info({ jid, by }, 'password changed');
      });
    },
    certificateLoaded({ names, until, problems }) {
      never(() => {
        metrics.certificateExpiry.set(until.getTime() / 1000);
        const loaded = { names, until: until.toISOString() };
        if (problems.length === 0) logger.info(loaded, 'certificate loaded');
        else logger.warn({ ...loaded, problems }, 'certificate loaded, with problems');
      });
    },
    certificateRejected({ reason }) {
      never(() => logger.error({ reason }, 'certificate not loaded: the former one stays'));
    },
  };
}
