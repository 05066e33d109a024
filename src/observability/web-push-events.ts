import type { Reporter } from './reporter.js';

/**
 * Messages for the push services of browsers. `origin` is that of a push service; of an endpoint nothing else comes here.
 * `service` is which of ours has sent them.
 */
export interface WebPushEvents {
  /** A request to a push service has ended; `attempt` is 1 for the first of a message. */
  webPushSent(event: WebPushSent): void;
  /** A message is on disk, to be tried (again) later. */
  webPushQueued(event: WebPushQueued): void;
  /** Messages that waited are not sent any more, or did not get a place (`full`). */
  webPushDropped(event: WebPushDropped): void;
  /** A push service is out of reach: nothing is sent there for so long, and then one message to find out whether it is back. */
  webPushOriginHeld(event: { origin: string; seconds: number; reason: string }): void;
}

interface WebPushSent {
  origin: string;
  service: string;
  outcome: 'delivered' | 'gone' | 'too-large' | 'retry' | 'rejected';
  /** Why it was not delivered. */
  reason?: string;
  attempt: number;
  seconds: number;
}

interface WebPushQueued {
  origin: string;
  service: string;
  reason: string;
}

interface WebPushDropped {
  /** Absent where those of several went. */
  origin?: string;
  service?: string;
  why: 'expired' | 'superseded' | 'too many' | 'withdrawn' | 'full';
  count: number;
}

/** Lines and metrics of Web Push. */
export function webPushEvents(reporter: Reporter): WebPushEvents {
  const { logger, metrics, never, gate } = reporter;
  return {
    webPushSent(event) {
      never(() => {
        const { service, outcome, seconds } = event;
        metrics.webPushesSent.inc({ service, outcome });
        metrics.webPushSeconds.observe(seconds);
      });
      never(() => logSent(event, reporter));
    },
    webPushQueued({ origin, service, reason }) {
      never(() => {
        metrics.webPushesQueued.inc({ service });
        logger.debug({ origin, service, reason }, 'web push waits');
      });
    },
    webPushDropped({ origin, service, why, count }) {
      never(() => {
        metrics.webPushesDropped.inc({ why }, count);
        const isLoss = why === 'expired' || why === 'too many' || why === 'full';
        const { level, ...more } = gate(`web push ${why}`, isLoss ? 'info' : 'debug');
        logger[level]({ origin, service, why, count, ...more }, 'web push dropped');
      });
    },
    webPushOriginHeld({ origin, seconds, reason }) {
      never(() => {
        metrics.webPushOriginsHeld.inc();
        const { level, ...more } = gate('push origin held', 'warn');
        logger[level](
          { origin, seconds: Math.ceil(seconds), reason, ...more },
          'push service is left alone for a while',
        );
      });
    },
  };
}

/** What failed shows by itself, but not each of many. */
function logSent({ seconds, ...event }: WebPushSent, { logger, gate }: Reporter): void {
  const isDelivered = event.outcome === 'delivered';
  const { level, ...more } = gate(`web push ${event.outcome}`, isDelivered ? 'debug' : 'info');
  if (level === 'debug' && !logger.isLevelEnabled('debug')) return;
  const ms = Math.round(seconds * 1000);
  logger[level]({ ...event, ms, ...more }, isDelivered ? 'web push sent' : 'web push not taken');
}
