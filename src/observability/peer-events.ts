import type { Reporter } from './reporter.js';

type Direction = 'incoming' | 'outgoing';

/** Other servers, and components of this one. */
export interface PeerEvents {
  /** A stream with another server is ready for stanzas; `domain` is the other server's. */
  serverConnected(event: {
    domain: string;
    direction: Direction;
    authentication: 'certificate' | 'dialback';
    encrypted: boolean;
  }): void;
  /** A stream that was ready is over; without a reason it came to a good end. */
  serverDisconnected(event: { domain: string; direction: Direction; reason?: string }): void;
  /** There is no way to another server; stanzas for it go back. */
  serverUnreachable(event: { domain: string; reason: string; remedy?: string }): void;
  /** Another server's connection was ended by us before it was ready, or because of what it sent. */
  serverRefused(event: { client: string; domain?: string; reason: string }): void;
  /** Belfry listens for a component, which has not connected since. */
  componentAwaited(event: { domain: string }): void;
  /** A component connected and proved that it has the secret. */
  componentAttached(event: { domain: string; client: string }): void;
  componentDetached(event: { domain: string }): void;
  /** A component's connection was ended by us before it was ready, or because of what it sent. */
  componentRefused(event: { client: string; domain?: string; reason: string }): void;
}

/** Lines and metrics of other servers and components. */
export function peerEvents(reporter: Reporter): PeerEvents {
  return { ...serverEvents(reporter), ...componentEvents(reporter) };
}

type ServerEvents = Pick<
  PeerEvents,
  'serverConnected' | 'serverDisconnected' | 'serverUnreachable' | 'serverRefused'
>;

function serverEvents({ logger, metrics, never, gate }: Reporter): ServerEvents {
  return {
    serverConnected({ domain, direction, authentication, encrypted }) {
      never(() => {
        metrics.serverStreams.inc({ direction });
        metrics.serverConnects.inc({ direction, authentication });
        logger.info({ domain, direction, authentication, encrypted }, 'server connected');
      });
    },
    serverDisconnected({ domain, direction, reason }) {
      never(() => {
        metrics.serverStreams.dec({ direction });
        logger.info({ domain, direction, reason }, 'server disconnected');
      });
    },
    serverUnreachable({ domain, reason, remedy }) {
      never(() => {
        metrics.serversUnreachable.inc();
        const { level, ...more } = gate(`unreachable ${domain}`, 'warn');
        logger[level]({ domain, reason, remedy, ...more }, 'server not reachable');
      });
    },
    serverRefused({ client, domain, reason }) {
      never(() => {
        metrics.serversRefused.inc();
        const { level, ...more } = gate('server refused', 'info');
        logger[level]({ client, domain, reason, ...more }, 'server refused');
      });
    },
  };
}

type ComponentEvents = Pick<
  PeerEvents,
  'componentAwaited' | 'componentAttached' | 'componentDetached' | 'componentRefused'
>;

function componentEvents({ logger, metrics, never, gate }: Reporter): ComponentEvents {
  return {
    componentAwaited({ domain }) {
      never(() => {
        metrics.componentAttached.set({ component: domain }, 0);
        logger.debug({ component: domain }, 'component may connect');
      });
    },
    componentAttached({ domain, client }) {
      never(() => {
        metrics.componentAttached.set({ component: domain }, 1);
        logger.info({ component: domain, client }, 'component connected');
      });
    },
    componentDetached({ domain }) {
      never(() => {
        metrics.componentAttached.set({ component: domain }, 0);
        logger.info({ component: domain }, 'component disconnected');
      });
    },
    componentRefused({ client, domain, reason }) {
      never(() => {
        metrics.componentsRefused.inc();
        const { level, ...more } = gate('component refused', 'warn');
        logger[level]({ client, component: domain, reason, ...more }, 'component refused');
      });
    },
  };
}
