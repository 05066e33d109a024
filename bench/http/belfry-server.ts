// Belfry's HTTP server, as built, with its log and metrics, and a push function that answers at once.
const dist = new URL('../../dist/', import.meta.url);
const { createHttpServer }: typeof import('../../src/http/server.js') = await import(`${dist}http/server.js`);
const { createEvents }: typeof import('../../src/observability/events.js') = await import(
  `${dist}observability/events.js`
);
const { createLogger }: typeof import('../../src/observability/logger.js') = await import(
  `${dist}observability/logger.js`
);
const { createMetrics }: typeof import('../../src/observability/metrics.js') = await import(
  `${dist}observability/metrics.js`
);

const metrics = createMetrics({ version: 'bench' });
const events = createEvents({ logger: createLogger({ level: 'info', format: 'json' }), metrics });
const server = createHttpServer({
  listen: { host: '127.0.0.1', port: 0 },
  publicUrl: 'https://push.example.org',
  trustedProxies: [],
  instance: 'bench',
  push: async (_token, payload) => {
    events.pushAnswered({
      code: 'delivered',
      jid: 'ana@example.org',
      bytes: payload.length,
      seconds: 0.01,
    });
    return { kind: 'delivered', messageId: 'AAAAAAAAAAAAAAAAAAAAAA' };
  },
  health: { readiness: async () => ({ isReady: true, checks: {} }) },
  metrics,
  events,
});
process.send?.(await server.start());
process.on('disconnect', () => process.exit());

export {};
