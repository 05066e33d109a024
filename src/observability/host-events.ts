import type { Reporter } from './reporter.js';

/** Stanzas, and the connection that a component has to its server. */
export interface HostEvents {
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
}

/** Lines and metrics of what happens between Belfry and stanzas. */
export function hostEvents({ logger, metrics, never, gate }: Reporter): HostEvents {
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
