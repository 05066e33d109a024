import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'puppeteer-core';
import { z } from 'zod';
import { type ShownNotification, showsIn } from '../shown-notifications.js';

/** The web server of a client: its pages are below `url`. */
export interface WebClientServer {
  readonly origin: string;
  readonly url: string;
  close(): Promise<void>;
}

/** Where a page logs in. */
export interface WebAccount {
  readonly webSocketUrl: string;
  readonly domain: string;
  readonly username: string;
  readonly password: string;
}

const memorySchema = z.object({
  endpoints: z.record(z.string(), z.string()),
  gateways: z.record(z.string(), z.object({ jid: z.string(), node: z.string(), device: z.string() })),
});

const progressSchema = z.array(z.looseObject({ step: z.string() }));

const triedSchema = z.union([
  z.object({ value: z.boolean().nullable() }),
  z.object({
    error: z.object({ code: z.string(), condition: z.string().nullable(), message: z.string() }),
  }),
]);

/** Serves a client of one page on 127.0.0.1, which browsers take for as safe as HTTPS: xmpp.js and `clients/web`, as they are. */
export async function startWebClientServer(): Promise<WebClientServer> {
  const xmppJs = createRequire(import.meta.url)
    .resolve('@xmpp/client')
    .replace('index.js', 'dist/xmpp.min.js');
  const ours = (name: string) => readFileSync(new URL(`../../../clients/web/${name}`, import.meta.url));
  const scripts = ['belfry-push.js', 'belfry-push-xmpp.js', 'belfry-push-worker.js'];
  const files = new Map<string, [string, string | Buffer]>([
    ['/app/', ['text/html', page]],
    ['/app/client.js', ['text/javascript', script]],
    ['/app/xmpp.js', ['text/javascript', readFileSync(xmppJs)]],
    ...scripts.map((name): [string, [string, Buffer]] => [`/app/${name}`, ['text/javascript', ours(name)]]),
  ]);
  const server = createServer(({ url = '' }, response) => {
    const [type, content] = files.get(url) ?? ['text/plain', undefined];
    response.writeHead(content === undefined ? 404 : 200, { 'content-type': type }).end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    url: `${origin}/app/`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A tab with the client in it. */
export class WebClient {
  readonly tab: Page;

  private constructor(tab: Page) {
    this.tab = tab;
  }

  /** `prepare`: what is to be done to the tab before the page is in it. */
  static async open(
    browser: Browser,
    url: string,
    prepare: (tab: Page) => Promise<void>,
  ): Promise<WebClient> {
    const tab = await browser.newPage();
    await prepare(tab);
    await tab.goto(url);
    await tab.waitForFunction('window.logIn !== undefined');
    return new WebClient(tab);
  }

  /** Logs in, is available and has got what was kept for it; answers the full JID. `options`: further ones of `createBelfryPush`. */
  async logIn(account: WebAccount, options: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const all = JSON.stringify({ ...account, options });
    return z.string().parse(await this.tab.evaluate(`logIn(${all})`));
  }

  /** In good order: the session ends. */
  async logOut(): Promise<void> {
    await this.tab.evaluate('xmpp.stop().then(() => {})');
  }

  /** A method of the module; rejects with `code`, and the condition if there is one. */
  async call(method: 'enable' | 'renew' | 'disable'): Promise<boolean | null> {
    const tried = triedSchema.parse(await this.tab.evaluate(`attempt(() => push.${method}())`));
    if ('value' in tried) return tried.value;
    const { code, condition, message } = tried.error;
    throw new Error([code, condition, message].filter((part) => part !== null).join(': '));
  }

  /** What the module has reported since it was asked last. */
  async progress(): Promise<z.infer<typeof progressSchema>> {
    return progressSchema.parse(await this.tab.evaluate('steps.splice(0)'));
  }

  /** What the module keeps in this browser. */
  async memory(): Promise<z.infer<typeof memorySchema>> {
    return memorySchema.parse(await this.tab.evaluate(`JSON.parse(localStorage.getItem('belfry-push'))`));
  }

  /** Waits until the browser shows as many. */
  shows(count: number): Promise<ShownNotification[]> {
    return showsIn(this.tab, count);
  }

  /** As a person closes a tab: nobody logs out. */
  close(): Promise<void> {
    return this.tab.close();
  }
}

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>A client</title>
    <script src="xmpp.js"></script>
    <script type="module" src="client.js"></script>
  </head>
  <body></body>
</html>`;

/** Runs in the page. A text, because tests are checked without the types of browsers. */
const script = `
import { createBelfryPush, requestByXmppJs } from './belfry-push.js';

const { client, xml } = window.XMPP;
window.steps = [];

window.logIn = async ({ webSocketUrl, options, ...account }) => {
  const xmpp = client({ service: webSocketUrl, resource: 'web', ...account });
  xmpp.timeout = 20_000;
  xmpp.reconnect.stop();
  xmpp.on('error', () => {});
  const jid = await xmpp.start();
  await xmpp.send(xml('presence'));
  // The server answers when it has handed over what it has kept; were that not acknowledged, it would be pushed once more.
  await xmpp.iqCaller.get(xml('ping', 'urn:xmpp:ping'), account.domain, 20_000);
  const push = createBelfryPush({
    account: jid.bare().toString(),
    request: requestByXmppJs(xmpp, xml),
    worker: 'belfry-push-worker.js',
    onProgress: ({ key, ...step }) => window.steps.push(step),
    ...options,
  });
  Object.assign(window, { xmpp, push });
  return jid.toString();
};

window.attempt = (work) =>
  work().then(
    (value = null) => ({ value }),
    ({ code, condition = null, message }) => ({ error: { code: String(code), condition, message } }),
  );
`;
