import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const source = readFileSync(new URL('belfry-push-worker.js', import.meta.url), 'utf8');
const scope = 'https://chat.example.org/app/';

interface Shown {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly silent: boolean;
  readonly renotify: boolean;
  readonly requireInteraction: boolean;
  readonly icon?: string;
  readonly data: { readonly account?: string; readonly conversation?: string; readonly kind?: string };
}

type Listener = (event: object) => void;

/** A page of the site. */
class FakePage {
  readonly url: string;
  readonly focused: boolean;
  readonly visibilityState: string;
  readonly told: unknown[] = [];
  isInFront = false;

  constructor(url: string, { focused = false, visible = true } = {}) {
    this.url = url;
    this.focused = focused;
    this.visibilityState = visible ? 'visible' : 'hidden';
  }

  postMessage(message: unknown): void {
    this.told.push(message);
  }

  async focus(): Promise<void> {
    this.isInFront = true;
  }
}

/** The worker in a browser that a test makes up. */
class FakeBrowser {
  readonly shown = new Map<string, Shown>();
  readonly opened: string[] = [];
  readonly subscribed: { readonly userVisibleOnly: boolean; readonly applicationServerKey: Uint8Array }[] =
    [];
  readonly pages: FakePage[] = [];
  /** Whether the person has taken the permission back. */
  isForbidden = false;
  settings: object | undefined;
  readonly #listeners = new Map<string, Listener>();

  constructor() {
    const self = {
      addEventListener: (type: string, listener: Listener) => this.#listeners.set(type, listener),
      registration: {
        scope,
        showNotification: async (title: string, options: Omit<Shown, 'title'>) => {
          if (this.isForbidden) throw new TypeError('not allowed');
          this.shown.set(options.tag, { title, ...options });
        },
        getNotifications: async () =>
          [...this.shown.values()].map((one) => ({ ...one, close: () => this.shown.delete(one.tag) })),
        pushManager: { subscribe: async (options: never) => this.subscribed.push(options) },
      },
      clients: { matchAll: async () => this.pages, openWindow: async (url: string) => this.opened.push(url) },
    };
    const match = async (url: URL) =>
      url.href === `${scope}belfry-push-settings` && this.settings !== undefined
        ? { json: async () => this.settings }
        : undefined;
    runInNewContext(source, { self, caches: { open: async () => ({ match }) }, URL, Uint8Array });
  }

  async dispatch(type: string, event: object): Promise<void> {
    const works: Promise<void>[] = [];
    this.#listeners.get(type)?.({ ...event, waitUntil: (work: Promise<void>) => works.push(work) });
    await Promise.all(works);
  }

  /** A push with that text; none at all if undefined. */
  push(text: string | undefined): Promise<void> {
    return this.dispatch('push', { data: text === undefined ? null : { json: () => JSON.parse(text) } });
  }

  say(payload: object): Promise<void> {
    return this.push(JSON.stringify({ v: 1, account, count: 1, importance: 'important', ...payload }));
  }

  click(data: object | null): Promise<boolean> {
    let isClosed = false;
    const notification = { data, close: () => (isClosed = true) };
    return this.dispatch('notificationclick', { notification }).then(() => isClosed);
  }

  get only(): Shown {
    const [one, ...others] = this.shown.values();
    if (one === undefined || others.length > 0) throw new Error(`${this.shown.size} are shown`);
    return one;
  }
}

const account = 'ana@example.org';
const conversation = 'ben@example.net';
const message = { kind: 'message', conversation };

describe('a push', () => {
  it.each([
    ['a message', { ...message }, conversation, 'New message'],
    ['its text', { ...message, body: 'See you at 8' }, conversation, 'See you at 8'],
    ['several', { ...message, count: 3, body: 'x' }, `${conversation} (3)`, 'x'],
    ['a kind that is not known', { kind: 'new', conversation, body: 'x' }, conversation, 'x'],
    ['a call', { kind: 'call', conversation, body: 'New Message!' }, conversation, 'Incoming call'],
    ['a call that was missed', { kind: 'missed-call', conversation, body: 'x' }, conversation, 'Missed call'],
    ['a kind that objects have', { kind: 'constructor', conversation, body: 'x' }, conversation, 'x'],
    ['a request', { kind: 'subscription', conversation, body: 'x' }, conversation, 'Contact request'],
    ['an invitation', { kind: 'invitation', conversation }, conversation, 'Invitation'],
    ['a trial', { kind: 'ping' }, account, 'Notifications work.'],
    ['a message of whom is not told', { kind: 'message' }, account, 'New message'],
    ['its text', { kind: 'message', body: 'New Message!', count: 2 }, account, 'New Message!'],
    ['what cannot be read', { kind: 'encrypted', encrypted: { iv: 'x', data: 'y' } }, account, 'New message'],
    ['a call of whom is not told', { kind: 'call' }, account, 'Incoming call'],
    ['requests', { kind: 'subscription', requests: 2 }, account, 'Contact request'],
    ['something', { kind: 'iq' }, account, 'Something new'],
    [
      'something of little',
      { kind: 'other', importance: 'unimportant', body: 'x' },
      account,
      'Something new',
    ],
    ['little', { kind: 'iq', conversation, importance: 'unimportant' }, account, 'Something new'],
  ])('of %s says so', async (_, payload, title, body) => {
    const browser = new FakeBrowser();
    await browser.say(payload);
    expect(browser.only).toMatchObject({ title, body, data: { account, kind: payload.kind } });
  });

  it.each([
    undefined,
    '',
    'x',
    'null',
    '1',
    '"v"',
    '[]',
    '{}',
    '{"v":2,"account":"a@b","body":"x"}',
    '{"v":"1","account":"a@b"}',
    '{"v":1,"account":1}',
    '{"v":1,"account":""}',
  ])('with %j says something general', async (text) => {
    const browser = new FakeBrowser();
    await browser.push(text);
    expect(browser.only).toMatchObject({ title: 'New activity', body: '' });
    expect(browser.only.data.account).toBeUndefined();
  });

  it('whatever is in it, shows one notification of texts', async () => {
    const part = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.constantFrom('call', 'missed-call', 'unimportant'),
    );
    const payload = fc.record(
      {
        account: part,
        conversation: part,
        kind: part,
        importance: part,
        count: part,
        sender: part,
        body: part,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(payload, async (parts) => {
        const browser = new FakeBrowser();
        await browser.push(JSON.stringify({ v: 1, ...parts }));
        expect(typeof browser.only.title).toBe('string');
        expect(browser.only.title).not.toBe('');
        expect(typeof browser.only.body).toBe('string');
      }),
    );
  });

  it('takes the place of the one of the same conversation, and is heard again', async () => {
    const browser = new FakeBrowser();
    await browser.say({ ...message, body: 'one' });
    await browser.say({ ...message, body: 'two', count: 2 });
    expect(browser.only).toMatchObject({ body: 'two', renotify: true, silent: false });
    await browser.say({ ...message, conversation: 'cara@example.net' });
    await browser.say({ ...message, account: 'other@example.org' });
    await browser.say({ kind: 'call', conversation });
    expect(browser.shown.size).toBe(4);
    const calls = [...browser.shown.values()].filter(({ requireInteraction }) => requireInteraction);
    expect(calls.map(({ body }) => body)).toEqual(['Incoming call']);
  });

  it('of a call rings until the next one says that it was missed, in its place', async () => {
    const browser = new FakeBrowser();
    browser.settings = { texts: { missedCall: 'Verpasst: {conversation}' } };
    await browser.say({ kind: 'call', conversation });
    expect(browser.only).toMatchObject({ body: 'Incoming call', requireInteraction: true });
    await browser.say({ kind: 'missed-call', conversation });
    const missed = {
      body: `Verpasst: ${conversation}`,
      requireInteraction: false,
      data: { kind: 'missed-call' },
    };
    expect(browser.only).toMatchObject(missed);
    await browser.say(message);
    expect(browser.shown.size).toBe(2);
  });

  it('of somebody who is not told takes the place of the one before, beside calls and requests', async () => {
    const browser = new FakeBrowser();
    await browser.say({ kind: 'message', body: 'one' });
    await browser.say({ kind: 'encrypted' });
    expect(browser.only).toMatchObject({ title: account, body: 'New message', renotify: true });
    await browser.say({ kind: 'call' });
    await browser.say({ kind: 'subscription', requests: 1 });
    await browser.say({ kind: 'subscription', requests: 2 });
    await browser.say({ kind: 'message', account: 'other@example.org' });
    expect(browser.shown.size).toBe(4);
  });

  it('of little makes no sound, and is not shown beside others', async () => {
    const browser = new FakeBrowser();
    await browser.say({ kind: 'presence', importance: 'unimportant' });
    expect(browser.only).toMatchObject({ silent: true, renotify: false });
    browser.shown.clear();
    await browser.say(message);
    await browser.say({ kind: 'presence', importance: 'unimportant' });
    expect(browser.only).toMatchObject({ title: conversation });
  });

  it('of a test is shown beside others, without a sound', async () => {
    const browser = new FakeBrowser();
    await browser.say(message);
    await browser.say({ kind: 'ping', importance: 'unimportant', count: 0 });
    const shown = [...browser.shown.values()].map(({ body, silent }) => [body, silent]);
    expect(shown).toEqual([
      ['New message', false],
      ['Notifications work.', true],
    ]);
  });

  it('says what the page has chosen, with its icon', async () => {
    const browser = new FakeBrowser();
    const texts = { title: '{sender} → {account}', message: 'Neu: {count}{nothing}' };
    browser.settings = { texts, icon: 'https://chat.example.org/i.png' };
    await browser.say({ ...message, sender: 'ben@example.net/phone' });
    expect(browser.only).toMatchObject({
      title: 'ben@example.net/phone → ana@example.org',
      body: 'Neu: 1',
      icon: 'https://chat.example.org/i.png',
    });
  });

  it('is told to all pages', async () => {
    const browser = new FakeBrowser();
    const page = new FakePage(scope);
    browser.pages.push(page);
    await browser.say(message);
    expect(page.told).toMatchObject([
      { type: 'belfry-push:received', about: { account, conversation, kind: 'message' } },
    ]);
    expect(browser.shown.size).toBe(1);
    browser.isForbidden = true;
    await expect(browser.say(message)).rejects.toThrow('not allowed');
    expect(page.told).toHaveLength(2);
  });

  it('says, if nothing else was chosen, what the documentation says', () => {
    const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
    const rows = [...readme.matchAll(/^\| `(\w+)` \| `([^`]+)` \| /gm)].map(([, name, text]) => [name, text]);
    const [defaults = ''] = /defaultTexts = \{.*?\};/s.exec(source) ?? [];
    const texts = [...defaults.matchAll(/(\w+): '([^']*)'/g)].map(([, name, text]) => [name, text]);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(texts));
    expect(texts).toHaveLength(10);
  });
});

describe('a click', () => {
  const about = { account, conversation, kind: 'message' };

  it('opens the page of the conversation if none is open', async () => {
    const browser = new FakeBrowser();
    expect(await browser.click(about)).toBe(true);
    browser.settings = { page: 'chat/?with={conversation}&as={account}#x' };
    browser.pages.push(new FakePage(`${scope}about`));
    await browser.click({ ...about, conversation: 'a&b@example.net' });
    expect(browser.opened).toEqual([scope, `${scope}chat/?with=a%26b%40example.net&as=ana%40example.org#x`]);
  });

  it('brings an open page to the front, the one in use if there are several, and tells it', async () => {
    const browser = new FakeBrowser();
    const [behind, visible, focused] = [
      new FakePage(scope, { visible: false }),
      new FakePage(`${scope}#conversation=x`),
      new FakePage(`${scope}?x`, { focused: true }),
    ] as const;
    browser.pages.push(behind);
    await browser.click(about);
    browser.pages.push(visible);
    await browser.click(about);
    browser.pages.push(focused);
    await browser.click(about);
    for (const page of browser.pages) {
      expect(page.told).toEqual([{ type: 'belfry-push:open', about }]);
      expect(page.isInFront).toBe(true);
    }
    expect(browser.opened).toEqual([]);
  });

  it('on one that says nothing of itself opens the page', async () => {
    const browser = new FakeBrowser();
    await browser.click(null);
    expect(browser.opened).toEqual([scope]);
  });
});

describe('a page that says what was read', () => {
  it.each([
    [{ account, conversation }, ['cara@example.net', 'dan@example.net']],
    [{ account }, ['dan@example.net']],
    [{ account: 'nobody@example.org' }, [conversation, 'cara@example.net', 'dan@example.net']],
  ])('%j: others stay', async (about, left) => {
    const browser = new FakeBrowser();
    await browser.say(message);
    await browser.say({ ...message, conversation: 'cara@example.net' });
    await browser.say({ ...message, account: 'other@example.org', conversation: 'dan@example.net' });
    await browser.dispatch('message', { data: { type: 'belfry-push:close', about } });
    expect([...browser.shown.values()].map(({ data }) => data.conversation)).toEqual(left);
  });

  it('takes away what says nothing of itself with all the rest alone', async () => {
    const browser = new FakeBrowser();
    await browser.push(undefined);
    await browser.dispatch('message', {
      data: { type: 'belfry-push:close', about: { account, conversation } },
    });
    expect(browser.shown.size).toBe(1);
    await browser.dispatch('message', { data: { type: 'belfry-push:close', about: { account } } });
    expect(browser.shown.size).toBe(0);
  });

  it('of something else changes nothing', async () => {
    const browser = new FakeBrowser();
    await browser.say(message);
    for (const data of [null, 'x', { type: 'other', about: { account } }]) {
      await browser.dispatch('message', { data });
    }
    expect(browser.shown.size).toBe(1);
  });
});

describe('a subscription that the browser drops', () => {
  const key = Uint8Array.of(4, 1, 2);
  const told = [{ type: 'belfry-push:subscription-changed' }];

  it.each([
    ['that it knows', { oldSubscription: { options: { applicationServerKey: key } } }, undefined],
    ['that the page has left', { oldSubscription: null, newSubscription: null }, { key: [...key] }],
    ['of an event without anything', {}, { key: [...key] }],
  ])('is made anew with the key %s, and pages are told', async (_, event, settings) => {
    const browser = new FakeBrowser();
    browser.settings = settings;
    browser.pages.push(new FakePage(scope));
    await browser.dispatch('pushsubscriptionchange', event);
    expect(browser.subscribed).toEqual([{ userVisibleOnly: true, applicationServerKey: key }]);
    expect(browser.pages[0]?.told).toEqual(told);
  });

  it('is left to the browser if it has made one', async () => {
    const browser = new FakeBrowser();
    browser.pages.push(new FakePage(scope));
    await browser.dispatch('pushsubscriptionchange', { newSubscription: {} });
    expect(browser.subscribed).toEqual([]);
    expect(browser.pages[0]?.told).toEqual(told);
  });
});
