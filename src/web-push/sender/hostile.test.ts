import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type PushService, startPushService } from '../../../tests/harness/push-service.js';
import { type HostileEndpoint, hostileByForm, hostileByName } from '../../../tests/hostile-endpoints.js';
import { createGuard } from '../../net/guard.js';
import type { Sender } from '../request.js';
import { createSender } from './sender.js';

const setTrap = () => startPushService({ isLenient: true });

/** What a request would reach if it went to this machine. */
let trap: PushService;

beforeAll(async () => {
  trap = await setTrap();
});

afterAll(() => trap.close());

/** With the trap's port where there is none that is to be refused itself. */
function atTrap(endpoint: string): string {
  if (!URL.canParse(endpoint) || /^https:\/\/[^/]*:\d+\//.test(endpoint)) return endpoint;
  return endpoint.replace(/^(https:\/\/[^/\\]+)(?=\/push\/)/, `$1:${trap.port}`);
}

/** What DNS says next, the last of it for good. */
let dns: (readonly string[])[] = [];
const resolve = async () => (dns.length > 1 ? dns.shift() : dns[0]) ?? [];
const guard = createGuard({ allowPrivateNetworks: false, resolve });
const vapid = { authorization: () => '' };
let sender: Sender;

beforeAll(() => {
  sender = createSender({ guard, vapid, ca: [trap.ca], userAgent: 'Belfry' });
});

afterAll(() => sender.stop());

const rest = { origin: '', body: Buffer.alloc(100), ttl: 0, urgency: 'normal', topic: undefined } as const;

async function sendTo({ endpoint, dns: answers = [] }: HostileEndpoint) {
  dns = [...answers];
  if (dns.length > 1) expect(await guard.judge('a.hostile.net')).toBeUndefined();
  return sender.send({ ...rest, endpoint: atTrap(endpoint) }, new AbortController().signal);
}

describe('nothing is sent', () => {
  it.each([...hostileByForm, ...hostileByName])('to $name: $endpoint', async (endpoint) => {
    expect(await sendTo(endpoint)).toEqual({ kind: 'rejected', reason: expect.any(String) });
    expect(trap.connections.made).toBe(0);
  });

  it('but to such a trap, if it were allowed', async () => {
    const like = await setTrap();
    onTestFinished(() => like.close());
    const open = createGuard({ allowPrivateNetworks: true });
    const other = createSender({ guard: open, vapid, ca: [like.ca], userAgent: 'Belfry' });
    const { endpoint } = like.subscribe();
    const outcome = await other.send({ ...rest, endpoint }, new AbortController().signal);
    expect(outcome).toEqual({ kind: 'delivered' });
    expect(like.connections.made).toBe(1);
    await other.stop();
  });
});
