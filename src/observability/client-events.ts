import type { Reporter } from './reporter.js';

/** Clients of the embedded server. */
export interface ClientEvents {
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
}

/** Lines and metrics of clients. */
export function clientEvents({ logger, metrics, never, gate }: Reporter): ClientEvents {
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
