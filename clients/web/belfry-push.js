import { disableAt, enableAt, findOffer, leave, messageOf, PushError } from './belfry-push-xmpp.js';

export { PushError, requestByStrophe, requestByXmppJs } from './belfry-push-xmpp.js';

/** @typedef {import('./belfry-push.d.ts').BelfryPushOptions} Options */
/** @typedef {import('./belfry-push-xmpp.js').Place} Place */

/** Milliseconds that the browser may take to subscribe: Chromium waits without end for a push service that it does not reach. */
const subscribeTimeout = 60_000;

export function isSupported() {
  return (
    globalThis.isSecureContext &&
    'serviceWorker' in navigator &&
    'PushManager' in globalThis &&
    'Notification' in globalThis
  );
}

/** @type {typeof import('./belfry-push.d.ts').createBelfryPush} */
export function createBelfryPush(options) {
  const { account } = options;
  const progress = options.onProgress?.bind(options) ?? (() => {});
  const inTurn = createTurns();
  const registered = once(() => register(options));

  async function subscribeAndEnable() {
    const before = placeOf(account);
    const offer = await findOffer(options, before?.gateway?.jid);
    progress({ step: 'key', ...offer });
    const registration = await registered();
    progress({ step: 'worker', scope: registration.scope });
    await writeSettings(registration, offer.key, options);
    const { subscription, isNew } = await subscribe(registration, offer.key);
    progress({ step: 'subscription', origin: new URL(subscription.endpoint).origin, isNew });
    const place = await enableAt(options, offer, subscription, before);
    remember(account, place);
    progress({ step: 'enabled' });
    // The server finds out by itself as well, when the push service answers that the subscription is gone.
    if (before !== undefined) await leave(options, before, place).catch(() => {});
  }

  async function disable() {
    const place = placeOf(account);
    remember(account, undefined);
    /** @type {unknown} */
    let failure;
    if (place !== undefined) {
      await disableAt(options, place).catch((error) => {
        failure = error;
      });
    }
    const registration = await registered();
    await closeNotifications(registration, account);
    const isEnded = place === undefined || (await unsubscribe(registration, place.endpoint));
    // An endpoint that is no more needs no word to the server, which hears of it from the push service.
    if (failure !== undefined && !isEnded) {
      remember(account, place);
      throw failure;
    }
    progress({ step: 'disabled' });
  }

  async function renew() {
    if (placeOf(account) === undefined || !isSupported()) return false;
    if (Notification.permission === 'granted') {
      await subscribeAndEnable();
      return true;
    }
    await disable();
    return false;
  }

  const stop = listen(options, () => void inTurn(renew).catch(() => {}));
  return {
    get isEnabled() {
      return placeOf(account) !== undefined;
    },
    async enable() {
      // At once: a browser asks only as long as it remembers the click.
      await askPermission();
      progress({ step: 'permission' });
      await inTurn(subscribeAndEnable);
    },
    renew: () => inTurn(renew),
    disable: () => inTurn(disable),
    async closeNotifications(conversation) {
      if (isSupported()) await closeNotifications(await registered(), account, conversation);
    },
    stop,
  };
}

/** One after the other: two at once could each subscribe. */
function createTurns() {
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();
  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}

/** The same promise for all, until it has failed. @template T @param {() => Promise<T>} make */
function once(make) {
  /** @type {Promise<T> | undefined} */
  let made;
  return () => {
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

async function askPermission() {
  if (!isSupported()) throw new PushError('unsupported', 'This browser has no Web Push here.');
  const answer = await Notification.requestPermission();
  if (answer !== 'granted') throw new PushError('denied', 'Notifications are not allowed.');
}

/** What the worker tells. @param {Options} options @param {() => void} onSubscriptionChanged */
function listen({ account, onOpen, onPush }, onSubscriptionChanged) {
  if (!isSupported()) return () => {};
  /** @param {MessageEvent} event */
  const onMessage = ({ data }) => {
    const isMine = data?.about?.account === account || data?.about?.account === undefined;
    if (data?.type === 'belfry-push:subscription-changed') onSubscriptionChanged();
    else if (data?.type === 'belfry-push:open' && isMine) onOpen?.(data.about);
    else if (data?.type === 'belfry-push:received' && isMine) onPush?.(data.about);
  };
  navigator.serviceWorker.addEventListener('message', onMessage);
  navigator.serviceWorker.startMessages();
  return () => navigator.serviceWorker.removeEventListener('message', onMessage);
}

// The worker

/** @param {Options} options */
async function register({ worker, scope }) {
  if (worker instanceof ServiceWorkerRegistration) return activated(worker);
  try {
    return await activated(
      await navigator.serviceWorker.register(worker, scope === undefined ? {} : { scope }),
    );
  } catch (cause) {
    throw new PushError('failed', 'The service worker could not be started.', { cause });
  }
}

/** There is no subscription without an active worker. @param {ServiceWorkerRegistration} registration */
async function activated(registration) {
  const coming = registration.active ? null : (registration.installing ?? registration.waiting);
  if (coming !== null && coming.state !== 'activated') {
    await new Promise((resolve, reject) => {
      coming.addEventListener('statechange', () => {
        if (coming.state === 'activated') resolve(undefined);
        else if (coming.state === 'redundant')
          reject(new Error('The service worker could not be installed.'));
      });
    });
  }
  return registration;
}

/**
 * Leaves the worker what it needs when no page is there. Of what pages and workers share, a cache is the simplest that lasts.
 * @param {ServiceWorkerRegistration} registration @param {Uint8Array} key @param {Options} options
 */
async function writeSettings({ scope }, key, { page, texts, icon, badge }) {
  const absolute = (/** @type {string | undefined} */ url) => url && new URL(url, document.baseURI).href;
  const settings = { key: [...key], page, texts, icon: absolute(icon), badge: absolute(badge) };
  const cache = await caches.open('belfry-push');
  await cache.put(new URL('belfry-push-settings', scope), new Response(JSON.stringify(settings)));
}

/** @param {ServiceWorkerRegistration} registration @param {string} account @param {string} [conversation] */
async function closeNotifications({ active }, account, conversation) {
  active?.postMessage({ type: 'belfry-push:close', about: { account, conversation } });
}

// The subscription

/** @param {ServiceWorkerRegistration} registration @param {Uint8Array<ArrayBuffer>} key */
async function subscribe({ pushManager }, key) {
  try {
    const existing = await pushManager.getSubscription();
    if (existing !== null) {
      if (isSame(existing.options.applicationServerKey, key)) return { subscription: existing, isNew: false };
      await existing.unsubscribe();
    }
    const subscribing = pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const subscription = await inTime(subscribing, 'its push service does not answer');
    return { subscription, isNew: true };
  } catch (cause) {
    throw new PushError('failed', `The browser could not subscribe: ${messageOf(cause)}`, { cause });
  }
}

/** @template T @param {Promise<T>} work @param {string} complaint @returns {Promise<T>} */
function inTime(work, complaint) {
  return new Promise((resolve, reject) => {
    const impatience = setTimeout(() => reject(new Error(complaint)), subscribeTimeout);
    work.then(resolve, reject).finally(() => clearTimeout(impatience));
  });
}

/** @param {ArrayBuffer | null} buffer @param {Uint8Array} key */
function isSame(buffer, key) {
  if (buffer === null || buffer.byteLength !== key.length) return false;
  return new Uint8Array(buffer).every((byte, at) => byte === key[at]);
}

/**
 * Ends the subscription, unless another account of this site uses it. Answers whether the endpoint is of no use any more.
 * @param {ServiceWorkerRegistration} registration @param {string} endpoint
 */
async function unsubscribe({ pushManager }, endpoint) {
  if (readMemory().some(([, place]) => place.endpoint === endpoint)) return false;
  const subscription = await pushManager.getSubscription();
  return subscription?.endpoint !== endpoint || (await subscription.unsubscribe());
}

// What is remembered: where each account's pushes are enabled. Nowhere else than in this browser.

const memoryKey = 'belfry-push';

/** By account. @returns {[string, Place][]} */
function readMemory() {
  try {
    const { endpoints, gateways = {} } = JSON.parse(localStorage.getItem(memoryKey) ?? '');
    const byAccount = new Map(Object.entries(gateways));
    return Object.entries(endpoints).map(([account, endpoint]) => {
      const gateway = byAccount.get(account);
      return [account, gateway === undefined ? { endpoint } : { endpoint, gateway }];
    });
  } catch {
    return [];
  }
}

/** @param {string} account */
const placeOf = (account) => new Map(readMemory()).get(account);

/** Another one, or none any more. @param {string} account @param {Place | undefined} place */
function remember(account, place) {
  const places = readMemory().filter(([other]) => other !== account);
  if (place !== undefined) places.push([account, place]);
  const endpoints = Object.fromEntries(places.map(([one, { endpoint }]) => [one, endpoint]));
  const gateways = Object.fromEntries(
    places.flatMap(([one, { gateway }]) => (gateway ? [[one, gateway]] : [])),
  );
  localStorage.setItem(memoryKey, JSON.stringify({ endpoints, gateways }));
}
