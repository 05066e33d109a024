import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { Autopush } from '../harness/autopush.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { DemoPage } from '../harness/demo-page.js';
import { hasFirefox, startFirefox } from '../harness/firefox.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { runBelfry } from '../harness/run-belfry.js';
import { connectPeer, type Peer } from '../harness/xmpp-peer.js';
import { temporaryFolder } from '../harness/xmpp-server.js';

const domain = 'belfry.example';
const ana = `ana@${domain}`;
const password = 'a-password';
/** Of a browser, which is slow where much else goes on. */
const patience = { timeout: 30_000 };

describeWithPeers('Firefox, with a push service that is its own', { firefox: hasFirefox }, () => {
  let folder: string;
  let autopush: Autopush;
  let server: StandaloneServer;
  let firefox: Browser;
  let bob: Peer;
  let carol: Peer;

  beforeAll(async () => {
    autopush = await Autopush.start();
    folder = await temporaryFolder('autopush');
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, autopush.ca);
    server = await startStandalone({
      accounts: Object.fromEntries(['ana', 'bob', 'carol'].map((name) => [`${name}@${domain}`, password])),
      more: { web_push: { ca, allow_private_networks: true } },
    });
    firefox = await startFirefox(autopush.url);
    [bob, carol] = await Promise.all([logIn('bob'), logIn('carol')]);
  });
  afterAll(async () => {
    await Promise.all([bob?.close(), carol?.close(), firefox?.close()]);
    await server?.stop();
    await autopush?.stop();
    await rm(folder, { recursive: true });
  });

  const logIn = (name: string) =>
    connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, `${name}@${domain}/pc`, password);

  const write = (from: Peer, text: string) =>
    from.send(message({ to: ana, type: 'chat', id: text }, el('body', ns.client, {}, text)));

  const devices = () => runBelfry(['push', 'list', ana, '--config', server.configFile]);

  /** What the browser has said of all that it was given: 100, if it could decrypt it and has woken the worker. */
  const fates = () => autopush.acknowledgements.map(({ code }) => code);

  it('is told of messages while no page of the client is open', async () => {
    const page = await DemoPage.open(firefox, server.httpBase);
    await page.logIn(ana, password);
    await page.enable();
    expect(autopush.endpoints).toHaveLength(1);
    await page.leave(bob);
    write(bob, 'Are you there?');
    await waitFor('the push', () => fates().length === 1, patience);

    const elsewhere = await DemoPage.open(firefox, server.httpBase);
    const about = { conversation: `bob@${domain}` };
    expect(await elsewhere.shows(1)).toEqual([
      { title: `bob@${domain}`, body: 'New Message!', about: expect.objectContaining(about) },
    ]);
    expect(fates()).toEqual([100]);
    expect(autopush.statuses).toEqual([201]);
    await elsewhere.close();
  });

  it('that was off is told of each conversation once, with all that it has missed', async () => {
    autopush.hold();
    write(bob, 'Hello?');
    write(carol, 'Tea?');
    await waitFor('two pushes', () => autopush.accepted.length === 3, patience);
    write(bob, 'Hello!');
    await waitFor('one more', () => autopush.accepted.length === 4, patience);
    autopush.release();
    await waitFor('both', () => fates().length === 3, patience);
    const page = await DemoPage.open(firefox, server.httpBase);
    const shown = await page.shows(2);
    expect(shown.map(({ title }) => title)).toEqual([`bob@${domain} (3)`, `carol@${domain}`]);
    await page.close();
  });

  it('keeps its subscription when its client comes back', async () => {
    const [endpoint] = autopush.endpoints;
    const page = await DemoPage.open(firefox, server.httpBase);
    await page.logIn(ana, password);
    await page.enabled();
    expect(autopush.endpoints).toEqual([endpoint]);
    await page.leave(bob);
  });

  it('gets another one after it has lost the first, which the server forgets', async () => {
    const [lost = ''] = autopush.endpoints;
    const page = await DemoPage.open(firefox, server.httpBase);
    await page.dropSubscription();
    await waitFor('the subscription to go', () => autopush.endpoints.length === 0, patience);
    await page.close();
    write(bob, 'Where are you?');
    await waitFor('the server to forget it', async () => (await devices()).status !== 0, patience);
    expect(autopush.statuses.at(-1)).toBe(410);

    const again = await DemoPage.open(firefox, server.httpBase);
    await again.logIn(ana, password);
    await again.enabled();
    expect(autopush.endpoints).toHaveLength(1);
    expect(autopush.endpoints).not.toContain(lost);
    await again.leave(bob);
    const before = fates().length;
    write(bob, 'There you are.');
    await waitFor('the push', () => fates().length > before, patience);
    expect(fates().every((code) => code === 100)).toBe(true);
  });

  it('is told nothing more when its user has had enough', async () => {
    const page = await DemoPage.open(firefox, server.httpBase);
    await page.logIn(ana, password);
    await page.enabled();
    await page.disable();
    await waitFor('the subscription to go', () => autopush.endpoints.length === 0, patience);
    expect(await page.notifications()).toEqual([]);
    expect((await devices()).status).toBe(1);
    await page.leave(bob);
    const before = autopush.statuses.length;
    write(bob, 'Still there?');
    await bob.settle();
    await server.kill();
    expect(autopush.statuses).toHaveLength(before);
  });
});
