import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { type Belfry, startBelfry } from '../harness/belfry.js';
import { hasChromium, PushStandIn, startChromium } from '../harness/chromium.js';
import { hasEjabberd, startEjabberd } from '../harness/ejabberd.js';
import { startWebClientServer, WebClient, type WebClientServer } from '../harness/gateway/web-client.js';
import { countUndelivered } from '../harness/metrics.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody, startProsody } from '../harness/prosody.js';
import { answers } from '../harness/push-answers.js';
import type { PushService, TestSubscription } from '../harness/push-service.js';
import { createPushServices, type PushServices } from '../harness/web-push/world.js';
import { connectPeer, type Peer } from '../harness/xmpp-peer.js';
import type { WebSocketServer, XmppServerOptions } from '../harness/xmpp-server.js';

const domain = 'example.test';
const gateway = `push.${domain}`;
const secret = 'the-components-secret';
const ana = `ana@${domain}`;
const bob = `bob@${domain}`;
const eve = 'eve@elsewhere.test';
const passwords: Readonly<Record<string, string>> = {
  [ana]: 'password-of-ana',
  [bob]: 'password-of-bob',
  [eve]: 'password-of-eve',
};

interface Kind {
  readonly peers: Readonly<Record<string, boolean>>;
  start(options: XmppServerOptions): Promise<WebSocketServer>;
  /** What the worker shows of a chat message of bob's with that text. */
  shown(text: string): object;
}

/** Prosody as Debian sets it up: it says that there is a message, and neither whose nor what it says. */
const prosody: Kind = {
  peers: { prosody: hasProsody },
  start: (options) => startProsody({ ...options, modules: ['smacks', 'offline', 'cloud_notify'] }),
  shown: () => ({ title: ana, body: 'New Message!' }),
};

/** An ejabberd that tells everything. */
const ejabberd: Kind = {
  peers: { ejabberd: hasEjabberd },
  start: (options) =>
    startEjabberd({
      ...options,
      modules: {
        mod_push: { include_body: true, include_sender: true },
        mod_stream_mgmt: {},
        mod_offline: {},
      },
    }),
  shown: (text) => ({ title: bob, body: text, about: { conversation: bob } }),
};

for (const [name, kind] of Object.entries({ Prosody: prosody, ejabberd })) {
  describeWithPeers(
    `a page with xmpp.js that ${name} pushes to by the gateway`,
    { ...kind.peers, chromium: hasChromium },
    () => {
      let services: PushServices;
      let service: PushService;
      let server: WebSocketServer;
      let belfry: Belfry;
      let web: WebClientServer;
      let chromium: Browser;
      let standIn: PushStandIn;
      let peer: Peer;
      const tabs: WebClient[] = [];

      beforeAll(async () => {
        services = await createPushServices();
        service = await services.start();
        server = await kind.start({
          accounts: passwords,
          components: { [gateway]: secret },
          webSocket: true,
        });
        belfry = await startBelfry({
          component: { jid: gateway, secret, port: server.componentPort },
          backend: 'paseto',
          more: { web_push: services.keys },
          logLevel: 'debug',
        });
        web = await startWebClientServer();
        chromium = await startChromium();
        await chromium.defaultBrowserContext().overridePermissions(web.origin, ['notifications']);
        standIn = new PushStandIn(chromium, service);
        const connect = { host: '127.0.0.1', port: server.c2sPort };
        peer = await connectPeer({ connect }, `${bob}/pc`, passwords[bob] ?? '');
      });
      afterEach(async () => {
        await Promise.all(tabs.splice(0).map((tab) => tab.close()));
      });
      afterAll(async () => {
        await Promise.all([peer?.close(), chromium?.close(), web?.close()]);
        await belfry?.stop();
        await server?.stop();
        await services?.close();
      });

      async function open(): Promise<WebClient> {
        const tab = await WebClient.open(chromium, web.url, standIn.prepare);
        tabs.push(tab);
        return tab;
      }

      async function openAs(
        jid: string,
        options: Readonly<Record<string, unknown>> = {},
      ): Promise<WebClient> {
        const tab = await open();
        const [username = '', at = ''] = jid.split('@');
        const { webSocketUrl } = server;
        await tab.logIn({ webSocketUrl, domain: at, username, password: passwords[jid] ?? '' }, options);
        return tab;
      }

      async function close(tab: WebClient): Promise<void> {
        tabs.splice(tabs.indexOf(tab), 1);
        await tab.close();
      }

      function current(): TestSubscription {
        if (standIn.subscription === undefined) throw new Error('there is no subscription');
        return standIn.subscription;
      }

      const write = (text: string) =>
        peer.send(message({ to: ana, type: 'chat', id: text }, el('body', ns.client, {}, text)));

      /** Everything that bob has sent before has come to the gateway, as far as the server has passed it on. */
      async function settle(): Promise<void> {
        await peer.settle();
        const asked = { type: 'get', to: Jid.parse(gateway), payload: el('query', ns.discoInfo) } as const;
        expect((await peer.client.request(asked)).kind).toBe('result');
      }

      it('finds the gateway, and is told of what comes while its tab is closed', async () => {
        const tab = await openAs(ana);
        await tab.call('enable');
        const { origin } = new URL(current().endpoint);
        expect(await tab.progress()).toEqual([
          { step: 'permission' },
          { step: 'key', gateway },
          { step: 'worker', scope: web.url },
          { step: 'subscription', origin, isNew: true },
          { step: 'enabled' },
        ]);
        // The connection is cut, and the session kept (XEP-0198).
        await close(tab);
        write('Are you there?');
        const elsewhere = await open();
        const payload = await standIn.deliverNext(elsewhere.tab);
        expect(JSON.parse(payload)).toMatchObject({
          v: 1,
          account: ana,
          kind: 'message',
          importance: 'important',
        });
        const [push] = current().received;
        expect(push).toMatchObject({ problem: undefined, sender: { publicKey: standIn.key } });
        expect(push?.headers['urgency']).toBe('normal');
        expect(await elsewhere.shows(1)).toMatchObject([kind.shown('Are you there?')]);
      });

      it('keeps its node when it comes back, and is told of what is kept for it when it has logged out', async () => {
        const tab = await openAs(ana);
        const before = await tab.memory();
        expect(await tab.call('renew')).toBe(true);
        expect(await tab.memory()).toEqual(before);
        await tab.logOut();
        write('Still there?');
        await standIn.deliverNext(tab.tab);
        expect(await tab.shows(1)).toMatchObject([kind.shown('Still there?')]);
      });

      it('is told by another subscription when the browser has changed it, and by the old one no more', async () => {
        const before = current();
        standIn.subscribe(standIn.key);
        const tab = await openAs(ana);
        const { gateways } = await tab.memory();
        expect(await tab.call('renew')).toBe(true);
        expect(await tab.memory()).toEqual({ gateways, endpoints: { [ana]: current().endpoint } });
        await tab.logOut();
        const received = before.received.length;
        write('And now?');
        await standIn.deliverNext(tab.tab);
        expect(before.received).toHaveLength(received);
      });

      it('has another node when the push service had given the browser up', async () => {
        const before = current();
        before.answer(answers.gone);
        const tab = await openAs(ana);
        const { gateways } = await tab.memory();
        await tab.logOut();
        const received = before.received.length;
        write('Is this the end?');
        // The browser has the push before the gateway has the answer that it is gone.
        const isRemoved = () => belfry.log().includes(`"jid":"${ana}","why":"gone"`);
        await waitFor('the registration to be removed', isRemoved, { timeout: 20_000 });
        expect(before.received).toHaveLength(received + 1);
        standIn.subscribe(standIn.key);
        const again = await openAs(ana);
        expect(await again.call('renew')).toBe(true);
        const after = await again.memory();
        expect(after.gateways[ana]?.device).toBe(gateways[ana]?.device);
        expect(after.gateways[ana]?.node).not.toBe(gateways[ana]?.node);
        await again.logOut();
        write('A new beginning?');
        await standIn.deliverNext(again.tab);
        expect(before.received).toHaveLength(received + 1);
      });

      it('is told nothing more when its user has had enough, and the server publishes no more', async () => {
        const tab = await openAs(ana);
        const before = current();
        await tab.call('disable');
        expect(standIn.subscription).toBeUndefined();
        expect(await tab.memory()).toEqual({ endpoints: {}, gateways: {} });
        expect(await tab.shows(0)).toEqual([]);
        await tab.logOut();
        const received = before.received.length;
        const publishes = await countUndelivered(belfry.httpBase);
        expect(publishes).toBeGreaterThan(0);
        write('Nobody there?');
        await settle();
        expect(await countUndelivered(belfry.httpBase)).toBe(publishes);
        expect(before.received).toHaveLength(received);
        expect(await (await openAs(ana)).call('renew')).toBe(false);
      });

      it('enables again after that', async () => {
        const tab = await openAs(ana, { gateway });
        await tab.call('enable');
        await tab.logOut();
        write('Back again?');
        await standIn.deliverNext(tab.tab);
        expect(await tab.shows(1)).toMatchObject([kind.shown('Back again?')]);
      });

      it('says why it gets no pushes', async () => {
        const inBand = await openAs(ana, { way: 'in-band' });
        await expect(inBand.call('enable')).rejects.toThrow('not-offered: The server offers no Web Push');
        const wrong = await openAs(ana, { gateway: domain });
        await expect(wrong.call('enable')).rejects.toThrow(`not-offered: ${domain} is no gateway`);
        const nowhere = await openAs(ana, { gateway: 'nobody.test' });
        await expect(nowhere.call('enable')).rejects.toThrow(/^refused: [a-z-]+: The server refused: /);
        const notAllowed = await openAs(eve, { gateway });
        await expect(notAllowed.call('enable')).rejects.toThrow('refused: forbidden: ');
        const without = await openAs(eve);
        await expect(without.call('enable')).rejects.toThrow('not-offered: elsewhere.test knows no gateway');
        expect(await without.call('renew')).toBe(false);
      });
    },
  );
}
