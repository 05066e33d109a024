import puppeteer, { type Browser, type CDPSession, type Page, type WebWorker } from 'puppeteer-core';
import { z } from 'zod';
import { waitFor } from './net.js';
import { findExecutable } from './peer.js';
import type { PushService, TestSubscription } from './push-service.js';

const executable = findExecutable('chromium');

/** True if Chromium is installed. */
export const hasChromium = executable !== undefined;

/** Starts Chromium with a profile of its own, and nobody but the tests to talk to. */
export async function startChromium(): Promise<Browser> {
  if (executable === undefined) throw new Error('Chromium is not installed');
  return puppeteer.launch({
    executablePath: executable,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/**
 * What Chromium does by the push service of its maker, done by one of the tests: `PushManager` hands out a subscription of that, and
 * what comes for it is handed to the service worker by the developer tools. All else is the browser's own.
 */
export class PushStandIn {
  readonly #browser: Browser;
  readonly #service: PushService;
  /** As base64url; what the page subscribed with. */
  key: string | undefined;
  subscription: TestSubscription | undefined;
  /** Messages of the subscriptions so far that were handed over. */
  readonly #delivered = new WeakMap<TestSubscription, number>();

  constructor(browser: Browser, service: PushService) {
    this.#browser = browser;
    this.#service = service;
  }

  /** To be done to each tab before a page is in it. */
  readonly prepare = async (tab: Page): Promise<void> => {
    await tab.exposeFunction('askPushStandIn', (action: unknown, key: unknown) => this.#answer(action, key));
    await tab.evaluateOnNewDocument(standIn);
  };

  subscribe(key: string | undefined): TestSubscription {
    this.key = key;
    this.subscription = this.#service.subscribe(key);
    return this.subscription;
  }

  #answer(action: unknown, key: unknown) {
    if (action === 'subscribe') this.subscribe(z.string().parse(key));
    if (action === 'unsubscribe') this.subscription = undefined;
    if (this.subscription === undefined) return null;
    const { endpoint, auth, p256dh } = this.subscription;
    return { endpoint, auth, p256dh, key: this.key };
  }

  /** Waits for the next message, and hands it to the worker, as far as the service could decrypt it. */
  async deliverNext(tab: Page): Promise<string> {
    const { subscription } = this;
    if (subscription === undefined) throw new Error('there is no subscription');
    const before = this.#delivered.get(subscription) ?? 0;
    await waitFor('a push', () => subscription.received.length > before, { timeout: 20_000 });
    this.#delivered.set(subscription, before + 1);
    const { payload } = subscription.received[before] ?? {};
    if (payload === undefined) throw new Error('the browser could not decrypt it');
    await deliver(tab, payload);
    return payload;
  }

  /** The browser drops the subscription, and makes the worker subscribe anew; answers by which key it does. */
  async change(scope: string): Promise<string> {
    const worker = await serviceWorker(this.#browser, scope);
    const { key } = this;
    const changed = z.object({ key: z.string(), userVisibleOnly: z.literal(true) });
    const before = this.subscription;
    this.subscribe(key);
    const asked = changed.parse(await worker.evaluate(changeInWorker));
    if (before === undefined) throw new Error('there was no subscription');
    return asked.key;
  }
}

/**
 * Hands a message to the service worker of a prepared tab's site, as if the push service had, and waits until that has told the
 * tab: whoever asks Chromium what it shows while it begins to show something makes it forget that.
 */
export async function deliver(tab: Page, data: string): Promise<void> {
  const told = async () => z.number().parse(await tab.evaluate('toldOfPushes'));
  const before = await told();
  const session = await tab.createCDPSession();
  try {
    const registrationId = await registrationOf(session, new URL('./', tab.url()).href);
    const { origin } = new URL(tab.url());
    await session.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data });
    await waitFor('the worker to have shown it', async () => (await told()) > before);
  } finally {
    await session.detach();
  }
}

function registrationOf(session: CDPSession, scope: string): Promise<string> {
  return new Promise((resolve, reject) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const ours = registrations.find(({ scopeURL, isDeleted }) => scopeURL === scope && !isDeleted);
      if (ours !== undefined) resolve(ours.registrationId);
    });
    session.send('ServiceWorker.enable').catch(reject);
  });
}

/** The worker below that URL, started if it sleeps. */
export async function serviceWorker(browser: Browser, scope: string): Promise<WebWorker> {
  const isOurs = (one: { type(): string; url(): string }) =>
    one.type() === 'service_worker' && one.url().startsWith(scope);
  const target = await browser.waitForTarget(isOurs, { timeout: 20_000 });
  const worker = await target.worker();
  if (worker === null) throw new Error(`${scope} has no service worker`);
  return worker;
}

/** Runs in the page. Texts, because these tests are checked without the types of browsers. */
const standIn = `(() => {
  const decode = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  const encode = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const ask = async (...question) => {
    const facts = await askPushStandIn(...question);
    if (facts === null) return null;
    const { endpoint, auth, p256dh, key } = facts;
    return {
      endpoint,
      options: { userVisibleOnly: true, applicationServerKey: decode(key).buffer },
      toJSON: () => ({ endpoint, expirationTime: null, keys: { auth, p256dh } }),
      unsubscribe: () => ask('unsubscribe').then(() => true),
    };
  };
  window.toldOfPushes = 0;
  navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if (data.type === 'belfry-push:received') window.toldOfPushes += 1;
  });
  navigator.serviceWorker.startMessages();
  PushManager.prototype.getSubscription = () => ask('get');
  PushManager.prototype.subscribe = ({ applicationServerKey }) => ask('subscribe', encode(applicationServerKey));
})()`;

/** Runs in the worker. */
const changeInWorker = `new Promise((resolve) => {
  const encode = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
    resolve({ key: encode(applicationServerKey), userVisibleOnly });
  };
  self.dispatchEvent(new ExtendableEvent('pushsubscriptionchange'));
})`;
