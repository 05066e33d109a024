import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { deliver, hasChromium, PushStandIn, serviceWorker, startChromium } from '../harness/chromium.js';
import { DemoPage } from '../harness/demo-page.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import type { PushService, TestSubscription } from '../harness/push-service.js';
import { runBelfry } from '../harness/run-belfry.js';
import { createPushServices, type PushServices } from '../harness/web-push/world.js';
import { connectPeer, type Peer } from '../harness/xmpp-peer.js';

const domain = 'belfry.example';
const ana = `ana@${domain}`;
const bob = `bob@${domain}`;
const password = 'a-password';

const xmppJs = readFileSync(
  createRequire(import.meta.url)
    .resolve('@xmpp/client')
    .replace('index.js', 'dist/xmpp.min.js'),
  'utf8',
);

describeWithPeers('Chromium, with a stand-in for its push service', { chromium: hasChromium }, () => {
  let services: PushServices;
  let service: PushService;
  let server: StandaloneServer;
  let chromium: Browser;
  let peer: Peer;
  let standIn: PushStandIn;
  const pages: DemoPage[] = [];

  beforeAll(async () => {
    services = await createPushServices();
    service = await services.start();
    server = await startStandalone({
      accounts: { [ana]: password, [bob]: password },
      more: { web_push: { ...services.keys, with_body: true } },
    });
    chromium = await startChromium();
    await chromium.defaultBrowserContext().overridePermissions(server.httpBase, ['notifications']);
    standIn = new PushStandIn(chromium, service);
    peer = await connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, `${bob}/pc`, password);
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close()));
  });
  afterAll(async () => {
    await Promise.all([peer?.close(), chromium?.close()]);
    await server?.stop();
    await services?.close();
  });

  async function open(query = ''): Promise<DemoPage> {
    const page = await DemoPage.open(chromium, server.httpBase, standIn.prepare, query);
    pages.push(page);
    return page;
  }

  async function openAs(account: string): Promise<DemoPage> {
    const page = await open();
    await page.logIn(account, password);
    return page;
  }

  /** The tab is closed, and the server knows. */
  async function close(page: DemoPage): Promise<void> {
    pages.splice(pages.indexOf(page), 1);
    await page.leave(peer);
  }

  const write = (text: string) =>
    peer.send(message({ to: ana, type: 'chat', id: text }, el('body', ns.client, {}, text)));

  function current(): TestSubscription {
    if (standIn.subscription === undefined) throw new Error('there is no subscription');
    return standIn.subscription;
  }

  it('says why nobody gets in', async () => {
    const page = await open();
    await expect(page.logIn(ana, 'another')).rejects.toThrow(
      'There is no such account, or the password is wrong.',
    );
    expect(await page.text('#log')).toContain('There is no such account');
  });

  it('shows what has been reached, and loads nothing from elsewhere', async () => {
    const page = await open();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.tab.on('request', (request) => asked.push(request.url()));
    page.tab.on('console', (line) => complaints.push(line.text()));
    page.tab.on('pageerror', (error) => complaints.push(String(error)));
    await page.tab.reload();
    await page.logIn(ana, password);
    expect(await page.progress()).toEqual(['', '', '', '', '']);
    await page.enable();
    const { origin } = new URL(current().endpoint);
    expect(await page.progress()).toEqual([
      'given',
      expect.stringMatching(/^04( \w\w){5}…$/),
      'active',
      origin,
      'yes',
    ]);
    expect(asked.filter((url) => !url.startsWith(`${server.httpBase}/demo/`))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('shows each message that comes while the tab is closed, one notification for each conversation', async () => {
    await close(await openAs(ana));
    write('Are you there?');
    const elsewhere = await open();
    const payload = await standIn.deliverNext(elsewhere.tab);
    expect(JSON.parse(payload)).toMatchObject({ v: 1, account: ana, conversation: bob });
    expect(current().received[0]?.sender).toMatchObject({ publicKey: standIn.key });
    const about = { conversation: bob };
    expect(await elsewhere.shows(1)).toEqual([{ title: bob, body: 'Are you there?', about }]);
    write('Hello?');
    await standIn.deliverNext(elsewhere.tab);
    await waitFor('the newer one', async () => (await elsewhere.notifications())[0]?.body === 'Hello?');
    expect(await elsewhere.shows(1)).toMatchObject([{ title: `${bob} (2)` }]);
  });

  it('shows something general for what it cannot read', async () => {
    const page = await open();
    await deliver(page.tab, '{"v":99,"body":"secret"}');
    const shown = await page.shows(2);
    expect(shown.map(({ title, body }) => [title, body])).toEqual([
      [`${bob} (2)`, 'Hello?'],
      ['New activity', ''],
    ]);
  });

  it('leads from a click to the conversation, and the page clears what was read', async () => {
    const page = await openAs(ana);
    const worker = await serviceWorker(chromium, server.httpBase);
    await worker.evaluate(`registration.getNotifications().then((all) => {
      const notification = all.find(({ data }) => data.conversation === '${bob}');
      dispatchEvent(new NotificationEvent('notificationclick', { notification }));
    })`);
    await waitFor('the conversation', async () =>
      (await page.text('#log')).includes(`notification of ${bob}`),
    );
    expect(await page.value('#to')).toBe(bob);
    await page.shows(1);
    // Whoever looks at the page needs no notification.
    await deliver(
      page.tab,
      JSON.stringify({ v: 1, account: ana, conversation: bob, kind: 'message', count: 1 }),
    );
    await waitFor('the push', async () => (await page.text('#log')).includes(`push has come for ${bob}`));
    expect(await page.shows(1)).toMatchObject([{ title: 'New activity' }]);
  });

  it('tells the server of another subscription, at once by an open page', async () => {
    const before = current();
    const page = await openAs(ana);
    await page.enabled();
    const { key } = standIn;
    expect(await standIn.change(server.httpBase)).toBe(key);
    const { endpoint } = current();
    expect(endpoint).not.toBe(before.endpoint);
    const enabledAgain = async () =>
      (await page.text('#log')).split('The server knows where to push').length > 2;
    await waitFor('the page to tell', enabledAgain);
    const received = before.received.length;
    await close(page);
    write('And now?');
    await standIn.deliverNext((await open()).tab);
    expect(before.received).toHaveLength(received);
  });

  it('tells the server of another subscription when it connects again', async () => {
    const before = current();
    const received = before.received.length;
    standIn.subscribe(standIn.key);
    const page = await openAs(ana);
    await page.enabled();
    await close(page);
    write('Or now?');
    await standIn.deliverNext((await open()).tab);
    expect(before.received).toHaveLength(received);
  });

  it('subscribes anew when the key is not that of the server', async () => {
    const { key } = standIn;
    const before = standIn.subscribe('BTBZMqHH6r4Tts7J_aSIgg');
    const page = await openAs(ana);
    await page.enabled();
    expect(standIn.key).toBe(key);
    expect(current()).not.toBe(before);
    await close(page);
    write('Who is it?');
    await standIn.deliverNext((await open()).tab);
  });

  it('is told nothing more when its user has had enough', async () => {
    const page = await openAs(ana);
    await page.enabled();
    const before = current();
    await page.disable();
    expect(standIn.subscription).toBeUndefined();
    expect(await page.progress()).toEqual(['', '', '', '', '']);
    expect(await page.shows(0)).toEqual([]);
    expect((await runBelfry(['push', 'list', ana, '--config', server.configFile])).status).toBe(1);
    const received = before.received.length;
    await close(page);
    write('Nobody there?');
    await peer.settle();
    const again = await openAs(ana);
    expect(await again.progress()).toEqual(['', '', '', '', '']);
    expect(before.received).toHaveLength(received);
  });

  it('says so when the browser waits in vain for its push service, and tries again', async () => {
    const page = await open();
    await page.logIn(ana, password);
    await page.tab.evaluate(`(() => {
      const { setTimeout } = window;
      const { subscribe } = PushManager.prototype;
      window.setTimeout = (work, milliseconds) => setTimeout(work, milliseconds < 60_000 ? milliseconds : 0);
      PushManager.prototype.subscribe = () => {
        Object.assign(PushManager.prototype, { subscribe });
        return new Promise(() => {});
      };
      window.reach = () => Object.assign(window, { setTimeout });
    })()`);
    await expect(page.enable()).rejects.toThrow('its push service does not answer');
    expect(await page.progress()).toEqual(['given', expect.stringMatching(/^04/), 'active', '', '']);
    await page.tab.evaluate('void reach()');
    await page.enable();
    await page.disable();
  });

  it('goes by the gateway of the same server if it is told to, and back by what it had', async () => {
    const page = await open('?way=gateway');
    await page.logIn(ana, password);
    await page.enable();
    expect(await page.text('#log')).toContain(`push.${domain} has told its key`);
    const list = async () => (await runBelfry(['push', 'list', ana, '--config', server.configFile])).out;
    expect(await list()).toContain(`cloud-notify, push.${domain}`);
    await close(page);
    write('By the gateway?');
    const inBand = await open();
    expect(JSON.parse(await standIn.deliverNext(inBand.tab))).toMatchObject({
      v: 1,
      account: ana,
      kind: 'message',
    });
    await inBand.logIn(ana, password);
    await inBand.enabled();
    await waitFor('the gateway to be left', async () => !(await list()).includes('cloud-notify'));
    expect(await list()).toContain('web-push');
    await inBand.disable();
    await inBand.shows(0);
  });

  it('goes by the address that the server has bound, however it was typed', async () => {
    const page = await open();
    await page.logIn(ana.toUpperCase(), password);
    await page.enable();
    const about = { v: 1, account: ana, conversation: bob, kind: 'message', count: 1 };
    await deliver(page.tab, JSON.stringify(about));
    await waitFor('the push', async () => (await page.text('#log')).includes(`push has come for ${bob}`));
    await page.disable();
  });

  it('enables by the connection of xmpp.js', async () => {
    const page = await open();
    await page.tab.evaluate(xmppJs);
    const jid = await page.tab.evaluate(`(async () => {
      const { createBelfryPush, requestByXmppJs } = await import('./belfry-push.js');
      const { client, xml } = window.XMPP;
      const service = location.origin.replace('http', 'ws') + '/xmpp-websocket';
      const xmpp = client({ service, domain: '${domain}', username: 'ana', password: '${password}', resource: 'xmpp.js' });
      xmpp.on('error', () => {});
      const address = await xmpp.start();
      const push = createBelfryPush({
        account: '${ana}',
        request: requestByXmppJs(xmpp, xml),
        worker: 'belfry-push-worker.js',
        texts: { title: 'From {conversation}' },
      });
      await push.enable();
      window.push = push;
      window.xmpp = xmpp;
      return address.toString();
    })()`);
    expect(jid).toBe(`${ana}/xmpp.js`);
    await page.tab.evaluate('xmpp.stop()');
    write('By xmpp.js?');
    await standIn.deliverNext(page.tab);
    expect(await page.shows(1)).toMatchObject([{ title: `From ${bob}`, body: 'By xmpp.js?' }]);
    const refused = `push.disable().then(() => 'disabled', (error) => error.code)`;
    expect(await page.tab.evaluate(refused)).toBe('disabled');
    expect(standIn.subscription).toBeUndefined();
  });
});
