import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type GatewayMetrics, gatewayMetrics } from './gateway-metrics.js';
import { type NotifyMetrics, notifyMetrics } from './notify-metrics.js';
import { type PeerMetrics, peerMetrics, type SessionMetrics, sessionMetrics } from './server-metrics.js';
import { type WebPushMetrics, webPushMetrics } from './web-push-metrics.js';

/** Every metric of Belfry's own, by the name that `events.ts` uses. `docs/metrics.md` lists the same. */
export interface Metrics extends SessionMetrics, PeerMetrics, NotifyMetrics, WebPushMetrics, GatewayMetrics {
  readonly pushes: Counter<'code'>;
  readonly pushSeconds: Histogram;
  readonly pushBytes: Histogram;
  readonly registrations: Counter<'result'>;
  readonly revocations: Counter;
  readonly hostConnected: Gauge<'host'>;
  readonly hostDisconnects: Counter<'host'>;
  readonly iqAnswersIgnored: Counter<'reason'>;
  readonly stanzasDropped: Counter;
  readonly stanzasMisrouted: Counter;
  readonly handlerFailures: Counter<'what'>;
  readonly storageFailures: Counter<'what'>;
  readonly httpRefusals: Counter<'code'>;
  readonly sweptRows: Counter<'what'>;
  readonly eventFailures: Counter;
  readonly sessions: Gauge<'transport'>;
  readonly logins: Counter<'transport'>;
  readonly authenticationFailures: Counter<'condition'>;
  readonly streamErrors: Counter<'condition'>;
  readonly connectionsRefused: Counter;
  readonly offlineMessages: Counter<'result'>;
  readonly accountChanges: Counter<'change' | 'by'>;
  readonly certificateExpiry: Gauge;
  /** The media type of what `render` answers. */
  readonly contentType: string;
  /** All metrics, those of the process included, in Prometheus' text format. */
  render(): Promise<string>;
}

/** Metrics in a registry of their own, so that two programs in one process (tests) do not mix. */
export function createMetrics({ version }: { version: string }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'belfry_build_info',
    help: 'Always 1; the labels name what runs.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1);
  return {
    ...pushMetrics(registers),
    ...hostMetrics(registers),
    ...failureMetrics(registers),
    ...serverMetrics(registers),
    ...sessionMetrics(registers),
    ...peerMetrics(registers),
    ...notifyMetrics(registers),
    ...webPushMetrics(registers),
    ...gatewayMetrics(registers),
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}

function pushMetrics(registers: Registry[]) {
  return {
    pushes: new Counter({
      name: 'belfry_pushes_total',
      help: 'Push requests answered, by delivered or the error code.',
      labelNames: ['code'] as const,
      registers,
    }),
    pushSeconds: new Histogram({
      name: 'belfry_push_duration_seconds',
      help: 'From a complete push request to its answer; most of it is the wait for the device.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60],
      registers,
    }),
    pushBytes: new Histogram({
      name: 'belfry_push_payload_bytes',
      help: 'Size of the payload of push requests.',
      buckets: [128, 256, 512, 1024, 2048, 3072, 4096],
      registers,
    }),
    registrations: new Counter({
      name: 'belfry_registrations_total',
      help: 'Registration requests, by ok or the error code.',
      labelNames: ['result'] as const,
      registers,
    }),
    revocations: new Counter({
      name: 'belfry_revocations_total',
      help: 'Registrations that a device disowned.',
      registers,
    }),
    sweptRows: new Counter({
      name: 'belfry_swept_rows_total',
      help: 'Expired rows removed from storage, by kind.',
      labelNames: ['what'] as const,
      registers,
    }),
  };
}

function hostMetrics(registers: Registry[]) {
  return {
    hostConnected: new Gauge({
      name: 'belfry_host_connected',
      help: '1 while stanzas can be sent through this host, else 0.',
      labelNames: ['host'] as const,
      registers,
    }),
    hostDisconnects: new Counter({
      name: 'belfry_host_disconnects_total',
      help: 'Connections lost, or attempts that failed for a new reason.',
      labelNames: ['host'] as const,
      registers,
    }),
    iqAnswersIgnored: new Counter({
      name: 'belfry_iq_answers_ignored_total',
      help: 'IQ answers that nobody waits for: late, twice, or from somebody who was not asked.',
      labelNames: ['reason'],
      registers,
    }),
    stanzasDropped: new Counter({
      name: 'belfry_stanzas_dropped_total',
      help: 'Stanzas dropped because they are malformed, too complex, or without a valid address.',
      registers,
    }),
    stanzasMisrouted: new Counter({
      name: 'belfry_stanzas_misrouted_total',
      help: 'Stanzas for another domain than the connection is for, dropped.',
      registers,
    }),
  };
}

function failureMetrics(registers: Registry[]) {
  return {
    handlerFailures: new Counter({
      name: 'belfry_handler_failures_total',
      help: 'Unexpected errors in the handling of a request or stanza, by where.',
      labelNames: ['what'] as const,
      registers,
    }),
    storageFailures: new Counter({
      name: 'belfry_storage_failures_total',
      help: 'Storage operations that failed, by operation.',
      labelNames: ['what'] as const,
      registers,
    }),
    httpRefusals: new Counter({
      name: 'belfry_http_refused_total',
      help: 'HTTP requests refused before they became a push, by error code.',
      labelNames: ['code'] as const,
      registers,
    }),
    eventFailures: new Counter({
      name: 'belfry_event_failures_total',
      help: 'Events that could not be logged or counted.',
      registers,
    }),
  };
}

function serverMetrics(registers: Registry[]) {
  return {
    sessions: new Gauge({
      name: 'belfry_sessions',
      help: 'Bound sessions of the embedded server, by transport.',
      labelNames: ['transport'] as const,
      registers,
    }),
    logins: new Counter({
      name: 'belfry_logins_total',
      help: 'Sessions bound since the start, by transport.',
      labelNames: ['transport'] as const,
      registers,
    }),
    authenticationFailures: new Counter({
      name: 'belfry_authentication_failures_total',
      help: 'Failed authentications, by SASL condition.',
      labelNames: ['condition'] as const,
      registers,
    }),
    streamErrors: new Counter({
      name: 'belfry_stream_errors_total',
      help: 'Client streams ended with an error, by condition.',
      labelNames: ['condition'] as const,
      registers,
    }),
    connectionsRefused: new Counter({
      name: 'belfry_connections_refused_total',
      help: 'Client connections closed before authentication: too many, or WebSockets in clear.',
      registers,
    }),
    offlineMessages: new Counter({
      name: 'belfry_offline_messages_total',
      help: 'Messages for accounts without sessions, by what became of them.',
      labelNames: ['result'] as const,
      registers,
    }),
    accountChanges: new Counter({
      name: 'belfry_account_changes_total',
      help: 'Accounts created and removed and passwords changed, by whom.',
      labelNames: ['change', 'by'] as const,
      registers,
    }),
    certificateExpiry: certificateExpiry(registers),
  };
}

/** Without a certificate it has no value, not the 0 that such a gauge begins with: nothing expired in 1970. */
function certificateExpiry(registers: Registry[]): Gauge {
  const gauge = new Gauge({
    name: 'belfry_certificate_expiry_timestamp_seconds',
    help: "Unix time at which the embedded server's certificate expires.",
    registers,
  });
  gauge.remove();
  return gauge;
}
