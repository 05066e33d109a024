import { randomBytes } from 'node:crypto';
import { parsePushPayload } from '../src/services/unified-push/push-payload.js';
import { createUnifiedPush } from '../src/services/unified-push/service.js';
import type { TokenBackendName } from '../src/services/unified-push/tokens/backend.js';
import { createTokens } from '../src/services/unified-push/tokens/tokens.js';
import { Jid } from '../src/xmpp/jid.js';
import { FakeHost } from '../tests/harness/fake-host.js';
import { memoryStores } from '../tests/harness/memory-stores.js';
import { recordingEvents } from '../tests/harness/recording-events.js';

const endpoints = 1000;
const rounds = 50;
const bodyBytes = 1024;

async function measure(backend: TokenBackendName, rateLimit: number): Promise<void> {
  const host = new FakeHost();
  const { events } = recordingEvents();
  const quiet = { ...events, pushAnswered: () => {} };
  const tokens = await createTokens({
    ...memoryStores(),
    backend,
    secret: backend === 'jwt' ? 'throw-away' : undefined,
    now: Date.now,
    randomBytes,
  });
  const service = createUnifiedPush({
    host,
    tokens,
    acl: [Jid.parse('example.org')],
    publicUrl: 'https://push.example.org',
    registrationTtl: 86400,
    pushTimeout: 30,
    rateLimit,
    now: Date.now,
    randomBytes,
    events: quiet,
  });
  const payload = parsePushPayload(randomBytes(bodyBytes));
  if (typeof payload === 'string') throw new Error(payload);
  const all = await Promise.all(Array.from({ length: endpoints }, (_, n) => tokens.mint(registration(n))));
  const minted = all.filter((token) => token !== undefined);

  const timings: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (const token of minted) await service.push(token, payload);
    timings.push(((performance.now() - start) * 1000) / endpoints);
    host.requests.length = 0;
  }
  service.stop();
  const [first = 0, ...others] = timings;
  const median = others.sort((a, b) => a - b)[Math.floor(others.length / 2)] ?? 0;
  process.stdout.write(
    `${backend.padEnd(8)} ${rateLimit === 0 ? 'no rate limit' : 'rate limited '}   first push of an endpoint ` +
      `${first.toFixed(1)} µs   further ones ${median.toFixed(1)} µs\n`,
  );
}

function registration(n: number) {
  return {
    jid: Jid.parse(`user${n}@example.org/phone`),
    application: randomBytes(32).toString('base64'),
    instance: randomBytes(32).toString('base64'),
    expiresAt: Math.floor(Date.now() / 1000) + 86400,
  };
}

/** Microseconds that a push takes from the HTTP edge to the host and back; stores and host are in memory. */
export async function run(): Promise<void> {
  for (const rateLimit of [0, 1_000_000]) {
    for (const backend of ['paseto', 'jwt', 'storage'] as const) await measure(backend, rateLimit);
  }
}
