import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { Cast, newText, Stage } from '../harness/cloud-notify/stage.js';
import { password } from '../harness/federated.js';
import { metricsOf, untilWaiting } from '../harness/metrics.js';
import { freePort, waitFor } from '../harness/net.js';
import { answers, type PushAnswer } from '../harness/push-answers.js';
import type { PushService } from '../harness/push-service.js';
import { reload } from '../harness/reload.js';
import { runBelfry } from '../harness/run-belfry.js';
import { Browser, disableWebPush } from '../harness/web-push/browser.js';
import { type BrowserWorld, startBrowserWorld } from '../harness/web-push/world.js';
import { connectPeer } from '../harness/xmpp-peer.js';

let world: BrowserWorld;
let cast: Cast;
let stage: Stage;

beforeAll(async () => {
  world = await startBrowserWorld();
  cast = new Cast(world);
});
afterAll(async () => {
  await cast?.leave();
  await world?.close();
});
beforeEach(async () => {
  world.pushService.answer(answers.created);
  stage = await Stage.build(cast);
});
afterEach(() => stage.close());

const status = (code: number, headers: Readonly<Record<string, string>> = {}): PushAnswer => ({
  kind: 'status',
  status: code,
  headers,
});

/** A browser whose client is there. */
const present = async (bare?: string, service: PushService = world.pushService) =>
  Browser.enable(await stage.device(bare), service);

/** A browser whose client has logged out. */
async function absent(bare?: string, service?: PushService): Promise<Browser> {
  const browser = await present(bare, service);
  await stage.leave(browser.phone);
  return browser;
}

/** A friend writes to the browser's account, and it is told of it. */
async function wake(browser: Browser) {
  const before = browser.requests.length;
  stage.write(browser.bare);
  return browser.next(before);
}

/** Whatever was begun before has led to what it leads to: another browser was told of something later. */
async function settle(): Promise<void> {
  await stage.heard();
  await wake(await absent());
}

const logHas = (...parts: readonly string[]) =>
  world.server
    .log()
    .split('\n')
    .some((line) => parts.every((part) => line.includes(part)));

const push = (action: 'ping' | 'list', jid: string) =>
  runBelfry(['push', action, jid, '--config', world.server.configFile]);

const friend = () => stage.friend.jid.bare().toString();

describe('a browser that is not connected', () => {
  it('is told of a message as a phone is, once each', async () => {
    const browser = await absent();
    const phone = await stage.absentee(browser.bare);
    stage.write(browser.bare);
    expect(await stage.heardBy(phone)).toEqual(['important']);
    await settle();
    expect(browser.told).toEqual([
      {
        v: 1,
        account: browser.bare,
        count: 1,
        importance: 'important',
        kind: 'message',
        conversation: friend(),
        body: 'New Message!',
      },
    ]);
    const { sender, problem, headers } = await browser.next(0);
    expect(problem).toBeUndefined();
    expect(sender?.subject).toBe(`mailto:postmaster@${world.domain}`);
    expect(headers).toMatchObject({ urgency: 'normal', ttl: String(3 * 24 * 60 * 60) });
    expect(headers['topic']).toMatch(/^[\w-]{32}$/);
  });

  it('is not told of what its client gets, and the client gets what it was told of', async () => {
    const browser = await present();
    stage.write(browser.bare);
    await waitFor('the message', () => browser.phone.messages.length === 1);
    await settle();
    expect(browser.requests).toEqual([]);
    await stage.leave(browser.phone);
    await wake(browser);
    const other = await stage.device(browser.bare);
    await waitFor('the message', () => other.messages.length > 0);
  });

  it('is told of each conversation by a topic of its own, and of further messages by the same', async () => {
    const browser = await absent();
    const other = await connectPeer(
      { connect: { host: '127.0.0.1', port: world.server.c2sPort } },
      `${stage.account()}/other`,
      password,
    );
    stage.write(browser.bare);
    const text = el('body', ns.client, {}, newText());
    other.send(message({ to: browser.bare, type: 'chat', id: 'of-other' }, text));
    await browser.next(1);
    const topics = browser.requests.map(({ headers }) => headers['topic']);
    const conversations = browser.told.map(({ conversation }) => conversation);
    expect(conversations.toSorted()).toEqual([friend(), other.jid.bare().toString()].toSorted());
    expect(new Set(topics).size).toBe(2);
    const again = await wake(browser);
    expect(again.headers['topic']).toBe(topics[conversations.indexOf(friend())]);
    expect(browser.told[2]).toMatchObject({ conversation: friend(), count: 2 });
    await other.close();
  });

  it('rings at once for a call, which is of no use later, and hears that it was missed', async () => {
    const browser = await absent();
    const audio = el('description', 'urn:xmpp:jingle:apps:rtp:1', { media: 'audio' });
    stage.write(browser.bare, [el('propose', ns.callSignals, { id: 'call-1' }, audio)]);
    const { headers: ringing } = await browser.next(0);
    stage.write(browser.bare, [el('retract', ns.callSignals, { id: 'call-1' })]);
    const { headers: missed } = await browser.next(1);
    expect(ringing).toMatchObject({ urgency: 'high', ttl: '60' });
    expect(missed).toMatchObject({ urgency: 'normal', ttl: '259200', topic: ringing['topic'] });
    expect(browser.told).toMatchObject([
      { kind: 'call', conversation: friend() },
      { kind: 'missed-call', conversation: friend(), count: 1 },
    ]);
  });

  it('is told no more when it was disabled, nor of another one than the one that was', async () => {
    const [browser, other] = [await present(), await present()];
    const sibling = await absent(browser.bare);
    await browser.phone.ask('set', disableWebPush(browser.subscription.endpoint));
    await other.phone.ask('set', disableWebPush());
    await stage.leave(browser.phone, other.phone);
    stage.write(browser.bare);
    stage.write(other.bare);
    await sibling.next(0);
    await settle();
    expect([browser, other].map(({ requests }) => requests.length)).toEqual([0, 0]);
  });
});

describe('a push service that says', () => {
  it.each([404, 410])('%i: is asked no further', async (code) => {
    const browser = await absent();
    browser.subscription.answer(status(code));
    await wake(browser);
    await waitFor('the registration to go', async () => (await push('list', browser.bare)).status === 1);
    stage.write(browser.bare);
    await settle();
    expect(browser.requests).toHaveLength(1);
  });

  it.each([
    ['503', () => status(503)],
    ['429 and when', () => status(429, { 'retry-after': '1' })],
    ['429 and until when', () => status(429, { 'retry-after': new Date(Date.now() + 4_000).toUTCString() })],
    ['nothing, and resets the connection', () => answers.reset],
  ])('%s: gets it again, with the same topic, until it takes it', async (_, answerNow) => {
    const browser = await absent();
    const answer = answerNow();
    browser.subscription.answer(answer, answer, answers.created);
    const first = await wake(browser);
    const last = await browser.next(2);
    await settle();
    expect(browser.requests).toHaveLength(3);
    expect(last.headers['topic']).toBe(first.headers['topic']);
    expect(last.payload).toBe(first.payload);
  });

  it('400: does not get that again, but the next one', async () => {
    const browser = await absent();
    browser.subscription.answer(status(400), answers.created);
    await wake(browser);
    await settle();
    expect(browser.requests).toHaveLength(1);
    await wake(browser);
    expect((await push('list', browser.bare)).out).toContain(world.pushService.origin);
  });

  it('413: gets less', async () => {
    const browser = await absent();
    browser.subscription.answer({ kind: 'at most', bytes: 100 });
    await wake(browser);
    const shorter = await browser.next(1);
    expect(browser.told[1]?.body).toBeUndefined();
    expect(shorter.body.length).toBeLessThan(browser.requests[0]?.body.length ?? 0);
    await settle();
    expect(browser.requests).toHaveLength(2);
  });
});

describe('a message that waits for its push service', () => {
  it('is sent no more when the client is back', async () => {
    // The client has so long to come back.
    const script = [status(503, { 'retry-after': '5' }), answers.created];
    const browser = await absent();
    browser.subscription.answer(...script);
    await wake(browser);
    await untilWaiting(world.server.httpBase, 1);
    await browser.phone.wakeUp();
    await untilWaiting(world.server.httpBase, 0);
    const other = await absent();
    other.subscription.answer(...script);
    await wake(other);
    await other.next(1);
    expect(browser.requests).toHaveLength(1);
  });

  it('goes out after a restart', async () => {
    const browser = await absent();
    browser.subscription.answer(answers.unavailable);
    await wake(browser);
    await untilWaiting(world.server.httpBase, 1);
    await world.server.kill();
    expect(world.server.exitCode).toBe(0);
    browser.subscription.answer(answers.created);
    const before = browser.requests.length;
    await stage.restart();
    const { payload } = await browser.next(before);
    expect(payload).toBe(browser.requests[0]?.payload);
  });

  it('goes out when a push service is there again that was not', async () => {
    const port = await freePort();
    const first = await world.pushServices.start({ port });
    const browser = await absent(undefined, first);
    await world.pushServices.stop(first);
    stage.write(browser.bare);
    await waitFor('the origin to be left alone', () => logHas('left alone', `:${port}`), { timeout: 30_000 });
    const again = await world.pushServices.start({ port });
    await waitFor('the push', () => again.requests.length > 0, { timeout: 60_000 });
    expect(again.requests).toHaveLength(1);
  });
});

describe('what a browser is told of a message', () => {
  afterAll(() => reload(world.server, { web_push: { with_body: false, with_sender: false } }));

  it('is its text and its sender, if the operator wants that, unless it is encrypted', async () => {
    const browser = await absent();
    const omemo = 'eu.siacs.conversations.axolotl';
    await reload(world.server, { web_push: { with_body: true, with_sender: true } });
    stage.write(browser.bare, [el('body', ns.client, {}, 'The tea is ready')]);
    await browser.next(0);
    stage.write(browser.bare, [
      el('encrypted', omemo, {}, el('payload', omemo, {}, 'AAAA')),
      el('body', ns.client, {}, 'Your client cannot read it'),
    ]);
    await browser.next(1);
    const sender = stage.friend.jid.toString();
    expect(browser.told).toMatchObject([
      { count: 1, body: 'The tea is ready', sender },
      { count: 2, body: 'New Message!', sender },
    ]);
    expect(logHas('The tea is ready')).toBe(false);
  });

  it('is in no line of the log and no metric, nor is where it went', async () => {
    const browser = await absent();
    browser.subscription.answer(status(503), status(400, {}), answers.created);
    await wake(browser);
    await browser.next(1);
    await settle();
    const known = world.server.log() + (await metricsOf(world.server.httpBase));
    expect(known).toContain('web push not taken');
    const { endpoint, auth, p256dh } = browser.subscription;
    const { headers } = await browser.next(0);
    const path = endpoint.slice(world.pushService.origin.length);
    const secrets = [
      path,
      auth,
      p256dh,
      String(headers['topic']),
      String(headers['authorization']).slice(0, 40),
    ];
    for (const secret of secrets) expect(known).not.toContain(secret);
  });
});
