import { Counter, Gauge, type Registry } from 'prom-client';

/** Metrics of sessions that outlive their connection, and of the archive. */
export interface SessionMetrics {
  readonly hibernating: Gauge;
  readonly hibernations: Counter;
  readonly hibernationsEnded: Counter<'how'>;
  readonly resumptions: Counter<'result'>;
  readonly replayed: Counter;
  readonly acknowledgementsDelayed: Counter;
  readonly archived: Counter<'direction'>;
}

/** Makes them in the registries. */
export function sessionMetrics(registers: Registry[]): SessionMetrics {
  return {
    hibernating: new Gauge({
      name: 'belfry_sessions_hibernating',
      help: 'Sessions without connection that wait for their client.',
      registers,
    }),
    hibernations: new Counter({
      name: 'belfry_hibernations_total',
      help: 'Sessions that lost their connection and waited for their client.',
      registers,
    }),
    hibernationsEnded: new Counter({
      name: 'belfry_hibernations_ended_total',
      help: 'Sessions whose client did not come back, by why they ended.',
      labelNames: ['how'] as const,
      registers,
    }),
    resumptions: new Counter({
      name: 'belfry_resumptions_total',
      help: 'Attempts to resume a session, by ok or failed.',
      labelNames: ['result'] as const,
      registers,
    }),
    replayed: new Counter({
      name: 'belfry_stanzas_replayed_total',
      help: 'Stanzas sent again to clients that resumed.',
      registers,
    }),
    acknowledgementsDelayed: new Counter({
      name: 'belfry_acknowledgements_delayed_total',
      help: 'Clients that did not acknowledge in time over an open connection.',
      registers,
    }),
    archived: new Counter({
      name: 'belfry_messages_archived_total',
      help: 'Messages taken into archives, by direction as the account sees it.',
      labelNames: ['direction'] as const,
      registers,
    }),
  };
}

/** Metrics of other servers and of components. */
export interface PeerMetrics {
  readonly serverStreams: Gauge<'direction'>;
  readonly serverConnects: Counter<'direction' | 'authentication'>;
  readonly serversUnreachable: Counter;
  readonly serversRefused: Counter;
  readonly componentAttached: Gauge<'component'>;
  readonly componentsRefused: Counter;
}

/** Makes them in the registries. */
export function peerMetrics(registers: Registry[]): PeerMetrics {
  return {
    serverStreams: new Gauge({
      name: 'belfry_server_streams',
      help: 'Streams with other servers that are ready for stanzas, by direction.',
      labelNames: ['direction'] as const,
      registers,
    }),
    serverConnects: new Counter({
      name: 'belfry_server_connects_total',
      help: 'Streams with other servers that became ready, by direction and how the peer proved its name.',
      labelNames: ['direction', 'authentication'] as const,
      registers,
    }),
    serversUnreachable: new Counter({
      name: 'belfry_servers_unreachable_total',
      help: 'Failures to reach another server that stanzas were for.',
      registers,
    }),
    serversRefused: new Counter({
      name: 'belfry_servers_refused_total',
      help: 'Connections of other servers that were ended with an error.',
      registers,
    }),
    componentAttached: new Gauge({
      name: 'belfry_component_attached',
      help: '1 while this component is connected, else 0.',
      labelNames: ['component'] as const,
      registers,
    }),
    componentsRefused: new Counter({
      name: 'belfry_components_refused_total',
      help: 'Connections of components that were ended with an error.',
      registers,
    }),
  };
}
