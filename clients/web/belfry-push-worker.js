// The service worker of belfry-push.js: shows the notifications. A classic script, so that every browser takes it and another
// worker can import it (`importScripts`); it leaves nothing behind in the global scope.
(() => {
  const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

  /**
   * What a push says (`docs/web-push.md`); nothing, if it is empty, or of a version that is not known here.
   * @typedef {object} Push
   * @property {string} [account]
   * @property {string} [conversation]
   * @property {string} [kind]
   * @property {'important' | 'unimportant'} [importance]
   * @property {number} [count]
   * @property {string} [sender]
   * @property {string} [body]
   */
  /** @typedef {Record<'account' | 'conversation' | 'kind', string | undefined>} About */
  /** @typedef {{ key?: number[], page?: string, texts?: Record<string, string>, icon?: string, badge?: string }} Settings */

  const defaultTexts = {
    unknown: 'New activity',
    title: '{conversation}',
    titleOfSeveral: '{conversation} ({count})',
    message: 'New message',
    call: 'Incoming call',
    missedCall: 'Missed call',
    invitation: 'Invitation',
    subscription: 'Contact request',
    ping: 'Notifications work.',
    other: 'Something new',
  };

  worker.addEventListener('push', (event) => event.waitUntil(receive(readPush(event.data))));
  worker.addEventListener('notificationclick', (event) => {
    event.notification.close();
    event.waitUntil(open(event.notification.data));
  });
  worker.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(subscribeAnew(event)));
  worker.addEventListener('message', (event) => {
    if (event.data?.type === 'belfry-push:close') event.waitUntil(close(event.data.about));
  });

  /** @param {PushMessageData | null} data @returns {Push} */
  function readPush(data) {
    const payload = parse(data);
    if (payload.v !== 1) return {};
    const texts = ['account', 'conversation', 'kind', 'importance', 'sender', 'body']
      .map((name) => [name, payload[name]])
      .filter(([, value]) => typeof value === 'string' && value !== '');
    const count = Number.isSafeInteger(payload.count) && payload.count > 0 ? { count: payload.count } : {};
    return { ...Object.fromEntries(texts), ...count };
  }

  /** @param {PushMessageData | null} data @returns {Record<string, any>} */
  function parse(data) {
    try {
      const value = data?.json();
      return typeof value === 'object' && value !== null ? value : {};
    } catch {
      return {};
    }
  }

  /** @param {Push} push */
  async function receive(push) {
    const about = { account: push.account, conversation: push.conversation, kind: push.kind };
    try {
      await show(push, about);
    } finally {
      // Only now: a page may want to take away what it shows itself.
      await tellPages({ type: 'belfry-push:received', about });
    }
  }

  /** @param {Push} push @param {About} about */
  async function show(push, about) {
    const isQuiet = push.importance === 'unimportant';
    // Browsers want each push to be seen, and are content with a notification that is there already. A person waits for a test.
    if (isQuiet && push.kind !== 'ping' && (await worker.registration.getNotifications()).length > 0) return;
    const { texts, icon, badge } = await readSettings();
    const { title, body } = describe(push, { ...defaultTexts, ...texts });
    const isRinging = push.kind === 'call';
    const isCall = isRinging || push.kind === 'missed-call';
    const isAnybodys = push.kind === 'subscription' && push.conversation === undefined;
    const aside = isCall ? ['call'] : isAnybodys ? ['subscription'] : [];
    const options = {
      body,
      data: about,
      // One for each conversation, and what is aside of it: a newer one takes its place, and may be heard again.
      tag: ['belfry', push.account, push.conversation, ...aside].join(' '),
      renotify: !isQuiet,
      silent: isQuiet,
      requireInteraction: isRinging && !isQuiet,
      ...(icon !== undefined && { icon }),
      ...(badge !== undefined && { badge }),
    };
    await worker.registration.showNotification(title, options);
  }

  /** @param {Push} push @param {typeof defaultTexts} texts */
  function describe(push, texts) {
    const fill = (/** @type {string} */ template) => fillIn(template, (name) => partOf(push, name));
    const { account, conversation, count = 1 } = push;
    if (account === undefined) return { title: fill(texts.unknown), body: '' };
    // Many servers do not tell a gateway who has written.
    const isVague = conversation === undefined || push.importance === 'unimportant';
    const title = isVague ? account : fill(count > 1 ? texts.titleOfSeveral : texts.title);
    const text = textOf(push, texts);
    return { title, body: text === undefined ? (push.body ?? '') : fill(text) };
  }

  /**
   * Nothing for what speaks for itself. What is no message is said here; what is not known, of somebody, is one.
   * @param {Push} push
   * @param {typeof defaultTexts} texts
   */
  function textOf({ kind, importance, conversation, body }, texts) {
    if (kind === 'ping') return texts.ping;
    if (importance === 'unimportant') return texts.other;
    if (kind === 'missed-call') return texts.missedCall;
    if (kind === 'call' || kind === 'invitation' || kind === 'subscription') return texts[kind];
    if (body !== undefined) return undefined;
    const isMessage = conversation !== undefined || kind === 'message' || kind === 'encrypted';
    return isMessage ? texts.message : texts.other;
  }

  /** @param {Push} push @param {string} name */
  function partOf({ account, conversation, sender, count = 1 }, name) {
    return { account, conversation, sender: sender ?? conversation, count: String(count) }[name];
  }

  /** @param {string} template @param {(name: string) => string | undefined} value */
  const fillIn = (template, value) => template.replace(/\{(\w+)\}/g, (_, name) => value(name) ?? '');

  /** Brings a page to the front, or opens one, and tells it what was clicked. @param {About | null} about */
  async function open(about) {
    const { page = '' } = await readSettings();
    const values = new Map(Object.entries(about ?? {}));
    const path = fillIn(page, (name) => encodeURIComponent(values.get(name) ?? ''));
    const url = new URL(path, worker.registration.scope);
    const client = await findPage(url);
    if (client === undefined) return void (await worker.clients.openWindow(url.href));
    client.postMessage({ type: 'belfry-push:open', about: about ?? {} });
    await client.focus();
  }

  /** Of the pages that show the client, the one in front. @param {URL} url */
  async function findPage(url) {
    const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const isOurs = (/** @type {WindowClient} */ client) => new URL(client.url).pathname === url.pathname;
    const ours = pages.filter(isOurs);
    return (
      ours.find((client) => client.focused) ??
      ours.find((client) => client.visibilityState === 'visible') ??
      ours[0]
    );
  }

  /** @param {object} message */
  async function tellPages(message) {
    const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
    for (const page of pages) page.postMessage(message);
  }

  /**
   * Without a conversation: all of the account, and those that say nothing of themselves.
   * @param {{ account?: string, conversation?: string }} about
   */
  async function close({ account, conversation }) {
    for (const notification of await worker.registration.getNotifications()) {
      const { data } = notification;
      const isOfAccount = data?.account === account && account !== undefined;
      const isMeant =
        conversation === undefined
          ? isOfAccount || data?.account === undefined
          : isOfAccount && data.conversation === conversation;
      if (isMeant) notification.close();
    }
  }

  /**
   * The browser has dropped its subscription. A page has to tell the server, for only a page has a connection: one that is open
   * does it now, else the next one that connects.
   * @param {Event & { oldSubscription?: PushSubscription | null, newSubscription?: PushSubscription | null }} event
   */
  async function subscribeAnew({ oldSubscription, newSubscription }) {
    if (!newSubscription) {
      const { key = [] } = await readSettings();
      const applicationServerKey = oldSubscription?.options.applicationServerKey ?? Uint8Array.from(key);
      await worker.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
    }
    await tellPages({ type: 'belfry-push:subscription-changed' });
  }

  /** What belfry-push.js has left, or nothing. @returns {Promise<Settings>} */
  async function readSettings() {
    try {
      const cache = await caches.open('belfry-push');
      const stored = await cache.match(new URL('belfry-push-settings', worker.registration.scope));
      return (await stored?.json()) ?? {};
    } catch {
      return {};
    }
  }
})();
