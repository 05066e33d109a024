import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PushService, startPushService } from '../../../tests/harness/push-service.js';
import { type HostileEndpoint, hostileByForm, hostileByName } from '../../../tests/hostile-endpoints.js';
import { createGuard } from '../../net/guard.js';
import { createSender } from './sender.js';

/** What a request would reach if it went to this machine. */
let trap: PushService;

beforeAll(async () => {
  trap = await startPushService({ isLenient: true });
});

afterAll(() => trap.close());

/** With the trap's port where there is none that is to be refused itself. */
function atTrap(endpoint: string): string {
  if (!URL.canParse(endpoint) || /^https:\/\/[^/]*:\d+\//.test(endpoint)) return endpoint;
  return endpoint.replace(/^(https:\/\/[^/\\]+)(?=\/push\/)/, `$1:${trap.port}`);
}

async function sendTo({ endpoint, dns = [] }: HostileEndpoint) {
  const answers = [...dns];
  const resolve = async () => (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
  const guard = createGuard({ allowPrivateNetworks: false, resolve });
  if (dns.length > 1) await guard.judge('asked first');
  const sender = createSender({
    guard,
    vapid: { authorization: () => '' },
    ca: [trap.ca],
    userAgent: 'Belfry',
  });
  const request = {
    endpoint: atTrap(endpoint),
    origin: 'https://push.example.org',
    body: Buffer.alloc(100),
    ttl: 0,
    urgency: 'normal' as const,
    topic: undefined,
  };
  const outcome = await sender.send(request, new AbortController().signal);
  await sender.stop();
  return outcome;
}

describe('nothing is sent', () => {
  it.each([...hostileByForm, ...hostileByName])('to $name: $endpoint', async (endpoint) => {
    expect(await sendTo(endpoint)).toEqual({ kind: 'rejected', reason: expect.any(String) });
    expect(trap.connections.made).toBe(0);
  });

  it('but to the trap itself, if it were allowed', async () => {
    const guard = createGuard({ allowPrivateNetworks: true });
    const sender = createSender({
      guard,
      vapid: { authorization: () => '' },
      ca: [trap.ca],
      userAgent: 'Belfry',
    });
    const { endpoint } = trap.subscribe();
    const request = { endpoint, origin: '', body: Buffer.alloc(100), ttl: 0, urgency: 'normal' as const };
    const outcome = await sender.send({ ...request, topic: undefined }, new AbortController().signal);
    expect(outcome).toEqual({ kind: 'delivered' });
    await sender.stop();
  });
});
