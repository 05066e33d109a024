import type { Reporter } from './reporter.js';

/** The app server that turns publishes of XMPP servers into Web Push. JIDs are bare; `origin` is that of a push service. */
export interface GatewayEvents {
  /** A client registered, or renewed what it had. */
  gatewayRegistered(event: { account: string; origin: string }): void;
  /** What a client asked for cannot be. `reason` is what it was told. */
  gatewayRefused(event: { jid: string; reason: string }): void;
  /** A registration is gone: by its client, or because it led nowhere, or a newer one took its place. */
  gatewayUnregistered(event: {
    account: string;
    why: 'client' | 'gone' | 'rejected' | 'too many' | 'replaced';
  }): void;
  /** A publish was answered. */
  gatewayPublish(event: GatewayPublish): void;
}

interface GatewayPublish {
  /** The domain that it came from. */
  from: string;
  outcome: GatewayOutcome;
  /** Why it was not delivered. */
  reason?: string;
  /** From its arrival to the answer. */
  seconds: number;
}

type GatewayOutcome =
  | 'delivered'
  /** On disk: its push service did not take it yet. */
  | 'queued'
  /** On disk, to be sent with what else comes in that minute. */
  | 'coalesced'
  /** Its client wants to hear of nothing that is not important. */
  | 'unwanted'
  /** There is no such browser any more. */
  | 'gone'
  | 'retry'
  | 'rejected'
  /** Not by whom the device has registered with, or without the secret. */
  | 'forbidden'
  | 'unknown'
  | 'malformed';

/** Lines and metrics of the gateway. */
export function gatewayEvents(reporter: Reporter): GatewayEvents {
  const { logger, metrics, never, gate } = reporter;
  return {
    gatewayRegistered({ account, origin }) {
      never(() => {
        metrics.gatewayRegistrations.inc({ result: 'ok' });
        logger.info({ jid: account, origin }, 'gateway registered');
      });
    },
    gatewayRefused({ jid, reason }) {
      never(() => {
        metrics.gatewayRegistrations.inc({ result: 'refused' });
        const { level, ...more } = gate('gateway refused', 'info');
        logger[level]({ jid, reason, ...more }, 'gateway registration refused');
      });
    },
    gatewayUnregistered({ account, why }) {
      never(() => {
        metrics.gatewayRemovals.inc({ why });
        logger.info({ jid: account, why }, 'gateway registration removed');
      });
    },
    gatewayPublish(event) {
      never(() => {
        metrics.gatewayPublishes.inc({ outcome: event.outcome });
        metrics.gatewayPublishSeconds.observe(event.seconds);
      });
      never(() => logPublish(event, reporter));
    },
  };
}

/** What of publishes is everyday; that a browser is gone is told by its removal. */
const everyday: ReadonlySet<GatewayOutcome> = new Set([
  'delivered',
  'queued',
  'coalesced',
  'unwanted',
  'gone',
]);

function logPublish({ from, outcome, reason, seconds }: GatewayPublish, { logger, gate }: Reporter): void {
  const { level, ...more } = gate(`publish ${outcome}`, everyday.has(outcome) ? 'debug' : 'info');
  if (level === 'debug' && !logger.isLevelEnabled('debug')) return;
  const ms = Math.round(seconds * 1000);
  logger[level]({ from, outcome, reason, ms, ...more }, 'gateway publish answered');
}
