/** @typedef {import('./belfry-push.d.ts').BelfryPushOptions} Options */
/** @typedef {{ endpoints: Record<string, string> }} Memory */

const nsWebPush = 'urn:xmpp:webpush:0';
const keyFormType = 'http://jabber.org/protocol/webpush#public-key';
const keyField = 'webpush#public-key';

/** Bytes of an uncompressed point on P-256, and so of the server's key (RFC 8292 §3.2). */
const keyBytes = 65;

/** Milliseconds that Strophe.js waits for an answer. */
const answerTimeout = 30_000;

/** Milliseconds that the browser may take to subscribe: Chromium waits without end for a push service that it does not reach. */
const subscribeTimeout = 60_000;

export class PushError extends Error {
  /**
   * @param {import('./belfry-push.d.ts').PushErrorCode} code
   * @param {string} message
   * @param {{ cause?: unknown, condition?: string }} [options]
   */
  constructor(code, message, { condition, ...options } = {}) {
    super(message, options);
    this.name = 'PushError';
    this.code = code;
    this.condition = condition;
  }
}

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
    const key = await fetchKey(options);
    progress({ step: 'key', key });
    const registration = await registered();
    progress({ step: 'worker', scope: registration.scope });
    await writeSettings(registration, key, options);
    const { subscription, isNew } = await subscribe(registration, key);
    progress({ step: 'subscription', origin: new URL(subscription.endpoint).origin, isNew });
    await enableAt(options, subscription);
    const before = swapEndpoint(account, subscription.endpoint);
    progress({ step: 'enabled' });
    // The server finds out by itself as well, when the push service answers that the subscription is gone.
    if (before !== undefined && before !== subscription.endpoint)
      await disableAt(options, before).catch(() => {});
  }

  async function disable() {
    const endpoint = swapEndpoint(account, undefined);
    /** @type {unknown} */
    let failure;
    if (endpoint !== undefined) {
      await disableAt(options, endpoint).catch((error) => {
        failure = error;
      });
    }
    const registration = await registered();
    await closeNotifications(registration, account);
    const isEnded = endpoint === undefined || (await unsubscribe(registration, endpoint));
    // An endpoint that is no more needs no word to the server, which hears of it from the push service.
    if (failure !== undefined && !isEnded) {
      swapEndpoint(account, endpoint);
      throw failure;
    }
    progress({ step: 'disabled' });
  }

  async function renew() {
    if (endpointOf(account) === undefined || !isSupported()) return false;
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
      return endpointOf(account) !== undefined;
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
  if (Object.values(readMemory().endpoints).includes(endpoint)) return false;
  const subscription = await pushManager.getSubscription();
  return subscription?.endpoint !== endpoint || (await subscription.unsubscribe());
}

// What is remembered: with which endpoint an account's pushes are enabled. Nowhere else than in this browser.

const memoryKey = 'belfry-push';

/** @returns {Memory} */
function readMemory() {
  try {
    return { endpoints: { ...JSON.parse(localStorage.getItem(memoryKey) ?? '{}').endpoints } };
  } catch {
    return { endpoints: {} };
  }
}

/** @param {string} account */
function endpointOf(account) {
  const { endpoints } = readMemory();
  return Object.hasOwn(endpoints, account) ? endpoints[account] : undefined;
}

/** Remembers another one, or none, and answers the one before. @param {string} account @param {string | undefined} endpoint */
function swapEndpoint(account, endpoint) {
  const before = endpointOf(account);
  const { endpoints } = readMemory();
  delete endpoints[account];
  const entries = Object.entries(endpoints);
  if (endpoint !== undefined) entries.push([account, endpoint]);
  localStorage.setItem(memoryKey, JSON.stringify({ endpoints: Object.fromEntries(entries) }));
  return before;
}

// What is said to the server

/** The server's key, out of the account's disco#info. @param {Options} options */
async function fetchKey(options) {
  const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
  const answer = await ask(
    options,
    `<iq xmlns='jabber:client' type='get' to='${escapeXml(options.account)}'>${query}</iq>`,
  );
  const form = elements(answer, 'jabber:x:data', 'x').find((x) => fieldValue(x, 'FORM_TYPE') === keyFormType);
  const key = form && decodeKey(fieldValue(form, keyField) ?? '');
  if (key === undefined)
    throw new PushError('not-offered', 'The server offers no Web Push for this account.');
  return key;
}

/** @param {Options} options @param {PushSubscription} subscription */
async function enableAt(options, subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const children = Object.entries({ endpoint, auth: keys?.['auth'], p256dh: keys?.['p256dh'] })
    .map(([name, value]) => `<${name}>${escapeXml(value ?? '')}</${name}>`)
    .join('');
  await ask(
    options,
    `<iq xmlns='jabber:client' type='set'><enable xmlns='${nsWebPush}'>${children}</enable></iq>`,
  );
}

/** @param {Options} options @param {string} endpoint */
async function disableAt(options, endpoint) {
  const child = `<endpoint>${escapeXml(endpoint)}</endpoint>`;
  await ask(
    options,
    `<iq xmlns='jabber:client' type='set'><disable xmlns='${nsWebPush}'>${child}</disable></iq>`,
  );
}

/** @param {Options} options @param {string} iq */
async function ask({ request }, iq) {
  // Parsed, so that namespaces are attributes too: that is where Strophe.js looks for them.
  const answer = await request(parseXml(iq)).catch((error) => {
    throw refusal(error);
  });
  if (answer.getAttribute('type') === 'error') throw refusal(answer);
  return answer;
}

/** @param {string} text */
function parseXml(text) {
  return new DOMParser().parseFromString(text, 'text/xml').documentElement;
}

/** A stanza error in the forms that libraries give it, or whatever else has gone wrong. @param {unknown} error */
function refusal(error) {
  const { condition, text } = error instanceof Element ? readStanzaError(error) : fieldsOf(error);
  if (condition === undefined) {
    return new PushError('refused', `The server did not answer: ${messageOf(error)}`, { cause: error });
  }
  const message = `The server refused: ${text === undefined || text === '' ? condition : text}`;
  return new PushError('refused', message, { cause: error, condition });
}

/** @param {Element} answer */
function readStanzaError(answer) {
  const children = [...(answer.getElementsByTagName('error')[0]?.children ?? [])];
  const text = children.find((child) => child.localName === 'text')?.textContent ?? undefined;
  return { condition: children.find((child) => child.localName !== 'text')?.localName, text };
}

/** @param {unknown} error @returns {{ condition?: string, text?: string }} */
function fieldsOf(error) {
  if (typeof error !== 'object' || error === null || !('condition' in error)) return {};
  const text = 'text' in error && typeof error.text === 'string' ? { text: error.text } : {};
  return { condition: String(error.condition), ...text };
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : 'no answer in time');

/** @param {Element} parent @param {string} namespace @param {string} name */
const elements = (parent, namespace, name) => [...parent.getElementsByTagNameNS(namespace, name)];

/** @param {Element} form @param {string} name */
function fieldValue(form, name) {
  const field = elements(form, 'jabber:x:data', 'field').find((child) => child.getAttribute('var') === name);
  return field && elements(field, 'jabber:x:data', 'value')[0]?.textContent?.trim();
}

/** In base64 or base64url; an older form has the point at the end of a DER structure. @param {string} text */
function decodeKey(text) {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0)).slice(-keyBytes);
    return bytes.length === keyBytes && bytes[0] === 4 ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} text */
function escapeXml(text) {
  return text.replace(/[&<>'"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

// Libraries

/** @type {typeof import('./belfry-push.d.ts').requestByStrophe} */
export function requestByStrophe(connection) {
  return (iq) =>
    new Promise((resolve, reject) => {
      connection.sendIQ(iq, resolve, reject, answerTimeout);
    });
}

/** @type {typeof import('./belfry-push.d.ts').requestByXmppJs} */
export function requestByXmppJs({ iqCaller }, xml) {
  /** @type {(element: Element) => ReturnType<typeof xml>} */
  const convert = (element) => {
    const attrs = Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value]));
    const children = [...element.childNodes].map((node) =>
      node instanceof Element ? convert(node) : (node.textContent ?? ''),
    );
    return xml(element.nodeName, attrs, ...children);
  };
  return async (iq) => {
    const answer = await iqCaller.request(convert(iq));
    return parseXml(answer.toString());
  };
}
