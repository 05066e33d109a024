import type { Reporter } from './reporter.js';

/** Sessions that outlive their connection (XEP-0198), and the archive. */
export interface SessionEvents {
  /** A session lost its connection and waits for its client. Each has one `sessionResumed` or `hibernationEnded` after it. */
  sessionHibernated(event: { jid: string }): void;
  /** A client came back to its session. `replayed` stanzas were sent again. */
  sessionResumed(event: { jid: string; transport: string; replayed: number }): void;
  /**
   * A session that waited is over: its client did not come back in time, more came than it keeps, or it was ended.
   * `lost` stanzas had not been acknowledged, and go where stanzas for a session that is gone go.
   */
  hibernationEnded(event: { jid: string; how: 'expired' | 'overflow' | 'ended'; lost: number }): void;
  /** A client asked for a session that it cannot have. */
  resumptionFailed(event: { jid: string; reason: string }): void;
  /** A client does not acknowledge, though its connection is open: it probably sleeps. */
  acknowledgementDelayed(event: { jid: string }): void;
  /** A message was taken into an account's archive. Only counted. */
  messageArchived(event: { direction: 'incoming' | 'outgoing' }): void;
}

/** Lines and metrics of sessions that outlive their connection, and of the archive. */
export function sessionEvents({ logger, metrics, never }: Reporter): SessionEvents {
  return {
    sessionHibernated({ jid }) {
      never(() => {
        metrics.hibernating.inc();
        metrics.hibernations.inc();
        logger.debug({ jid }, 'session hibernates');
      });
    },
    sessionResumed({ jid, transport, replayed }) {
      never(() => {
        metrics.hibernating.dec();
        metrics.resumptions.inc({ result: 'ok' });
        metrics.replayed.inc(replayed);
        logger.debug({ jid, transport, replayed }, 'session resumed');
      });
    },
    hibernationEnded({ jid, how, lost }) {
      never(() => {
        metrics.hibernating.dec();
        metrics.hibernationsEnded.inc({ how });
        logger.debug({ jid, how, unacknowledged: lost }, 'session ended: its client did not come back');
      });
    },
    resumptionFailed({ jid, reason }) {
      never(() => {
        metrics.resumptions.inc({ result: 'failed' });
        logger.debug({ jid, reason }, 'session not resumed');
      });
    },
    acknowledgementDelayed({ jid }) {
      never(() => {
        metrics.acknowledgementsDelayed.inc();
        logger.debug({ jid }, 'client does not acknowledge: it probably sleeps');
      });
    },
    messageArchived({ direction }) {
      never(() => metrics.archived.inc({ direction }));
    },
  };
}
