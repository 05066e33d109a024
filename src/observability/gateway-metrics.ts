import { Counter, Histogram, type Registry } from 'prom-client';

/** Metrics of the gateway. */
export interface GatewayMetrics {
  readonly gatewayRegistrations: Counter<'result'>;
  readonly gatewayRemovals: Counter<'why'>;
  readonly gatewayPublishes: Counter<'outcome'>;
  readonly gatewayPublishSeconds: Histogram;
}

/** Makes them in the registries. */
export function gatewayMetrics(registers: Registry[]): GatewayMetrics {
  return {
    gatewayRegistrations: new Counter({
      name: 'belfry_gateway_registrations_total',
      help: 'Registrations asked of the gateway, by whether they were made.',
      labelNames: ['result'] as const,
      registers,
    }),
    gatewayRemovals: new Counter({
      name: 'belfry_gateway_removals_total',
      help: 'Registrations of the gateway that were removed, by why.',
      labelNames: ['why'] as const,
      registers,
    }),
    gatewayPublishes: new Counter({
      name: 'belfry_gateway_publishes_total',
      help: 'Publishes of XMPP servers that the gateway answered, by outcome.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    gatewayPublishSeconds: new Histogram({
      name: 'belfry_gateway_publish_duration_seconds',
      help: 'From a publish to its answer; most of it is the wait for the push service.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
  };
}
