import { Agent } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import webPush from 'web-push';
import { type PushService, type PushServiceOptions, startPushService } from './harness/push-service.js';

const started: PushService[] = [];

async function start(options: PushServiceOptions = {}): Promise<PushService> {
  const service = await startPushService(options);
  started.push(service);
  return service;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((service) => service.close()));
});

const keys = webPush.generateVAPIDKeys();
const vapidDetails = { subject: 'mailto:admin@example.org', ...keys };

function send(service: PushService, options: webPush.RequestOptions = {}, key = keys.publicKey) {
  const { endpoint, p256dh, auth } = service.subscribe(key);
  const subscription = { endpoint, keys: { p256dh, auth } };
  // Its agent is the way to hand in the authority that the certificate is checked with.
  return webPush.sendNotification(subscription, 'Hello!', {
    vapidDetails,
    agent: agentFor(service),
    ...options,
  });
}

describe('the push service of the tests', () => {
  it('takes and decrypts what another library sends', async () => {
    const service = await start();
    const { statusCode } = await send(service, { TTL: 60, topic: 'abc', urgency: 'high' });
    expect(statusCode).toBe(201);
    expect(service.requests).toEqual([
      expect.objectContaining({ payload: 'Hello!', protocol: 'http/1.1', connection: 1, problem: undefined }),
    ]);
    expect(service.requests[0]?.sender).toMatchObject({
      publicKey: keys.publicKey,
      audience: service.origin,
      subject: 'mailto:admin@example.org',
    });
  });

  it('refuses a signature by another key than the subscription has, and none at all', async () => {
    const service = await start();
    const other = webPush.generateVAPIDKeys();
    await expect(send(service, {}, other.publicKey)).rejects.toMatchObject({ statusCode: 403 });
    const bare = send(service, { vapidDetails: { ...vapidDetails, ...other } });
    await expect(bare).rejects.toMatchObject({ statusCode: 403 });
  });

  it('answers by its script, the last part of it for good', async () => {
    const service = await start();
    service.answer({ kind: 'status', status: 410 }, { kind: 'at most', bytes: 10 });
    await expect(send(service)).rejects.toMatchObject({ statusCode: 410 });
    await expect(send(service)).rejects.toMatchObject({ statusCode: 413 });
    await expect(send(service)).rejects.toMatchObject({ statusCode: 413 });
  });
});

function agentFor({ ca }: PushService): Agent {
  return new Agent({ ca });
}
