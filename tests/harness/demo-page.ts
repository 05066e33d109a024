import { setTimeout as later } from 'node:timers/promises';
import type { Browser, Page } from 'puppeteer-core';
import { z } from 'zod';
import { el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { waitFor } from './net.js';
import { notificationsIn, type ShownNotification, showsIn } from './shown-notifications.js';
import type { Peer } from './xmpp-peer.js';

/** The page of `/demo/` in a tab of its own. */
export class DemoPage {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** `prepare`: what is to be done to the tab before the page is in it; `query`: of the page's address, with its question mark. */
  static async open(
    browser: Browser,
    httpBase: string,
    prepare: (tab: Page) => Promise<void> = async () => {},
    query = '',
  ): Promise<DemoPage> {
    const page = await browser.newPage();
    await prepare(page);
    await page.goto(`${httpBase}/demo/${query}`);
    return new DemoPage(page);
  }

  /** The tab that it is in. */
  get tab(): Page {
    return this.#page;
  }

  /** Answers the full JID that the server has bound. */
  async logIn(account: string, password: string): Promise<string> {
    await this.#page.type('#jid', account);
    await this.#page.type('#password', password);
    await this.#page.click('#login button');
    await this.#appears('#session');
    return z.string().parse(await this.#page.evaluate('document.getElementById("me").textContent'));
  }

  /** Allows notifications, and waits until the server knows. */
  async enable(): Promise<void> {
    await this.#page.click('#enable');
    await this.enabled();
  }

  /** Waits until the page says that the server knows where to push. */
  enabled(): Promise<void> {
    return this.#appears('#disable');
  }

  /** Sends a chat message. */
  async write(to: string, text: string): Promise<void> {
    await this.#page.type('#to', to);
    await this.#page.type('#text', text);
    await this.#page.click('#compose button');
  }

  async disable(): Promise<void> {
    await this.#page.click('#disable');
    await this.#appears('#enable');
  }

  /** The browser's subscription goes, and nobody is told. */
  async dropSubscription(): Promise<void> {
    const drop = 'manager => manager.getSubscription().then(subscription => subscription.unsubscribe())';
    expectTrue(
      await this.#page.evaluate(
        `navigator.serviceWorker.ready.then(({ pushManager }) => (${drop})(pushManager))`,
      ),
    );
  }

  /** What the browser shows of this site. */
  notifications(): Promise<ShownNotification[]> {
    return notificationsIn(this.#page);
  }

  /** Waits until the browser shows as many. */
  shows(count: number): Promise<ShownNotification[]> {
    return showsIn(this.#page, count);
  }

  /** What the page says of each step on the way to pushes; empty for those that are not taken. */
  async progress(): Promise<string[]> {
    const texts = '[...document.querySelectorAll("#progress output")].map((output) => output.textContent)';
    return z.array(z.string()).parse(await this.#page.evaluate(texts));
  }

  text(selector: string): Promise<string> {
    return this.#read(`document.querySelector('${selector}').textContent`);
  }

  value(selector: string): Promise<string> {
    return this.#read(`document.querySelector('${selector}').value`);
  }

  /** What the page complains of; undefined if it does not. */
  async trouble(): Promise<string | undefined> {
    const text = await this.#page.evaluate('document.getElementById("trouble").textContent');
    return z.string().parse(text) || undefined;
  }

  close(): Promise<void> {
    return this.#page.close();
  }

  /** The tab of a page that is logged in is closed, and the server knows: it says so to that peer. */
  async leave(peer: Peer): Promise<void> {
    const to = Jid.parse(await this.text('#me'));
    await this.close();
    const isGone = async () => {
      const ping = { type: 'get', to, payload: el('ping', ns.ping) } as const;
      // One that the server still hands on is answered by nobody.
      const answer = await Promise.race([peer.client.request(ping), later(1_000)]);
      return answer?.kind === 'error';
    };
    await waitFor(`the end of ${to}`, isGone, { timeout: 30_000 });
  }

  async #read(expression: string): Promise<string> {
    return z.string().parse(await this.#page.evaluate(expression));
  }

  /** Waits until that part is seen; rejects as soon as the page complains. */
  async #appears(selector: string): Promise<void> {
    const isSeen = `document.querySelector('${selector}').checkVisibility()`;
    let trouble: string | undefined;
    const isDecided = async () => {
      trouble = await this.trouble();
      return trouble !== undefined || (await this.#page.evaluate(isSeen)) === true;
    };
    await waitFor(`${selector} to appear`, isDecided, { timeout: 20_000, interval: 50 });
    if (trouble !== undefined) throw new Error(`${selector} did not appear: ${trouble}`);
  }
}

function expectTrue(value: unknown): void {
  if (value !== true) throw new Error(`it is ${String(value)}`);
}
