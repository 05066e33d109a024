import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../src/config/load.js';
import type { PushOutcome, Settled } from '../src/services/web-push/web-push.js';
import { openStorage } from '../src/storage/open.js';
import { parseSubscription } from '../src/web-push/subscription.js';
import { openWebPushing, type WebPushing } from '../src/web-pushing.js';
import { waitFor } from './harness/net.js';
import { answers } from './harness/push-answers.js';
import { type PushService, startPushService, type TestSubscription } from './harness/push-service.js';
import { recordingEvents } from './harness/recording-events.js';

const sender = { service: 'test', reference: 'ana@example.org' };

let folder: string;
let service: PushService;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'belfry-web-pushing-'));
  service = await startPushService();
  writeFileSync(join(folder, 'ca.pem'), service.ca);
});

afterEach(async () => {
  await service.close();
  rmSync(folder, { recursive: true });
});

const configWith = (env: Record<string, string>) => loadConfig({ cwd: folder, env });

const reachable = {
  BELFRY_DOMAIN: 'example.org',
  BELFRY_WEB_PUSH_ALLOW_PRIVATE_NETWORKS: 'true',
  BELFRY_WEB_PUSH_CA: 'ca.pem',
};

const component = {
  BELFRY_HOST: 'component',
  BELFRY_COMPONENT_JID: 'push.example.org',
  BELFRY_COMPONENT_SECRET: 'x',
};

interface Running {
  readonly webPushing: WebPushing;
  readonly settled: Settled[];
  stop(): Promise<void>;
}

async function start(env: Record<string, string> = reachable): Promise<Running> {
  const config = configWith(env);
  const { events } = recordingEvents();
  const storage = await openStorage(config.storage, { events });
  onTestFinished(() => storage.close());
  const webPushing = await openWebPushing(config, { version: '1.2.3', storage, events });
  if (webPushing === undefined) throw new Error('there is no Web Push');
  const settled: Settled[] = [];
  webPushing.webPush.onSettled(sender.service, (one) => void settled.push(one));
  await webPushing.start();
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= webPushing.stop().then(() => storage.close()));
  onTestFinished(stop);
  return { webPushing, settled, stop };
}

function push({ webPushing }: Running, to: TestSubscription, text: string): Promise<PushOutcome> {
  const subscription = parseSubscription(to, webPushing.guard.parse);
  if ('kind' in subscription) throw new Error(subscription.why);
  const payload = Buffer.from(text);
  const message = { payload, shorter: undefined, ttl: 60, urgency: 'normal', topic: 'tea' } as const;
  return webPushing.webPush.push(subscription, message, sender, new AbortController().signal);
}

describe('what sends to push services', () => {
  it('is not there on a component without a gateway', async () => {
    const config = configWith({ ...component, BELFRY_GATEWAY_ENABLED: 'false' });
    const { events } = recordingEvents();
    const storage = await openStorage(config.storage, { events });
    onTestFinished(() => storage.close());
    expect(await openWebPushing(config, { version: '1.2.3', storage, events })).toBeUndefined();
  });

  it('sends from a component with a gateway', async () => {
    const { BELFRY_DOMAIN: _, ...network } = reachable;
    const running = await start({ ...component, ...network });
    const browser = service.subscribe(running.webPushing.webPush.publicKey);
    expect(await push(running, browser, 'Hello!')).toEqual({ kind: 'delivered' });
    const contact = 'mailto:postmaster@push.example.org';
    expect(browser.received).toMatchObject([{ payload: 'Hello!', sender: { subject: contact } }]);
  });

  it('says who it is, and encrypts', async () => {
    const running = await start();
    const browser = service.subscribe(running.webPushing.webPush.publicKey);
    expect(await push(running, browser, 'Hello!')).toEqual({ kind: 'delivered' });
    expect(browser.received).toMatchObject([
      {
        payload: 'Hello!',
        problem: undefined,
        headers: { 'user-agent': 'Belfry/1.2.3', urgency: 'normal', topic: 'tea', ttl: '60' },
        sender: { subject: 'mailto:postmaster@example.org', audience: service.origin },
      },
    ]);
  });

  it('has the same key after a restart, and what waits', async () => {
    const former = await start();
    const key = former.webPushing.webPush.publicKey;
    const browser = service.subscribe(key);
    browser.answer(answers.unavailable, answers.created);
    expect(await push(former, browser, 'Hello!')).toMatchObject({ kind: 'queued' });
    expect(await former.webPushing.waiting()).toBe(1);
    await former.stop();
    const running = await start();
    expect(running.webPushing.webPush.publicKey).toBe(key);
    await waitFor('the outcome', () => running.settled.length > 0);
    expect(running.settled).toEqual([
      { endpoint: browser.endpoint, reference: sender.reference, outcome: { kind: 'delivered' } },
    ]);
    expect(browser.received.map(({ payload }) => payload)).toEqual(['Hello!', 'Hello!']);
    await waitFor('an empty queue', async () => (await running.webPushing.waiting()) === 0);
  });

  it('lets no more wait than it may, from the moment that the setting changes', async () => {
    const running = await start();
    service.answer(answers.unavailable);
    running.webPushing.reload(configWith({ ...reachable, BELFRY_WEB_PUSH_MAX_WAITING: '1' }));
    const browser = service.subscribe();
    expect(await push(running, browser, 'first')).toMatchObject({ kind: 'queued' });
    const { endpoint, p256dh, auth } = service.subscribe();
    expect(await push(running, { ...browser, endpoint, p256dh, auth }, 'second')).toMatchObject({
      kind: 'retry',
    });
    expect(await running.webPushing.waiting()).toBe(1);
  });

  it('goes into no private network unless it may', async () => {
    const { webPushing } = await start({ BELFRY_DOMAIN: 'example.org' });
    expect(webPushing.guard.parse(service.subscribe().endpoint)).toMatchObject({ kind: 'refused' });
    expect(await webPushing.guard.judge('127.0.0.1')).toMatch(/not in the public network/);
  });

  it('does not begin without the authorities that it is to trust', async () => {
    await expect(start({ ...reachable, BELFRY_WEB_PUSH_CA: 'none.pem' })).rejects.toMatchObject({
      name: 'TlsError',
      message: expect.stringMatching(/none\.pem cannot be read/),
      remedy: expect.stringMatching(/web_push\.ca/),
    });
  });
});
