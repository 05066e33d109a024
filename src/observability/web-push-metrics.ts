import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Metrics of messages for the push services of browsers. */
export interface WebPushMetrics {
  readonly webPushesSent: Counter<'service' | 'outcome'>;
  readonly webPushSeconds: Histogram;
  readonly webPushesQueued: Counter<'service'>;
  readonly webPushesDropped: Counter<'why'>;
  readonly webPushOriginsHeld: Counter;
  /** From now on `belfry_web_pushes_waiting` is what this answers, whenever metrics are asked for; nothing if it rejects. */
  countWebPushesWaiting(count: () => Promise<number>): void;
}

/** Makes them in the registries. */
export function webPushMetrics(registers: Registry[]): WebPushMetrics {
  return {
    ...waitingMetric(registers),
    webPushesSent: new Counter({
      name: 'belfry_web_pushes_sent_total',
      help: 'Requests to push services of browsers, by outcome.',
      labelNames: ['service', 'outcome'] as const,
      registers,
    }),
    webPushSeconds: new Histogram({
      name: 'belfry_web_push_duration_seconds',
      help: 'From a request to a push service to its answer.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    webPushesQueued: new Counter({
      name: 'belfry_web_pushes_queued_total',
      help: 'How often a message could not be sent and waits on disk.',
      labelNames: ['service'] as const,
      registers,
    }),
    webPushesDropped: new Counter({
      name: 'belfry_web_pushes_dropped_total',
      help: 'Messages that were not sent, or not any more, by why.',
      labelNames: ['why'] as const,
      registers,
    }),
    webPushOriginsHeld: new Counter({
      name: 'belfry_web_push_origins_held_total',
      help: 'How often a push service was left alone for a while because it was out of reach.',
      registers,
    }),
  };
}

/** Counted where they wait, since several processes may take from there. */
function waitingMetric(registers: Registry[]): Pick<WebPushMetrics, 'countWebPushesWaiting'> {
  let count: (() => Promise<number>) | undefined;
  const gauge = new Gauge({
    name: 'belfry_web_pushes_waiting',
    help: 'Messages on disk that could not be sent yet.',
    registers,
    async collect() {
      this.remove();
      const waiting = await count?.().catch(() => undefined);
      if (waiting !== undefined) this.set(waiting);
    },
  });
  gauge.remove();
  return {
    countWebPushesWaiting: (read) => {
      count = read;
    },
  };
}
