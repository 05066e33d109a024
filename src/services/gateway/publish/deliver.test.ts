import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notification } from '../../../../tests/harness/gateway/requests.js';
import { gatewayStage, gatewayStageWith } from '../../../../tests/harness/gateway/stage.js';
import {
  busy,
  calm,
  dawn,
  pendingAnswer,
  stageWithMemory,
} from '../../../../tests/harness/web-push-stage.js';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import type { PushOutcome } from '../../web-push/web-push.js';
import type { GatewaySettings } from '../settings.js';
import { mostUnderWay } from './under-way.js';

const text = (body: string) => notification({ 'message-count': '1', 'last-message-body': body });
const unimportant = (count: number) => notification({ 'message-count': String(count) });
const call = el('encrypted', ns.pushEncryption, { iv: 'AAAA', type: 'voip' }, 'q83v');
const sealedWith = (name: string) =>
  el('encrypted', ns.sealedEnvelope, {}, el('payload', ns.sealedEnvelope, {}, btoa(name)));

/** The gateway with the real queue of messages for push services, of which all take time as the test has it. */
function wholeStage(settings: Partial<GatewaySettings> = {}) {
  const pushes = stageWithMemory();
  const stage = gatewayStageWith({ webPush: pushes.webPush, clock: pushes.clock, settings });
  return { ...stage, pushes, pass: pushes.pass, sent: () => pushes.sent.map((one) => one.text) };
}

describe('more publishes than may be', () => {
  it('wait for the end of the minute, and the last of each kind and importance is sent', async () => {
    const stage = wholeStage({ rateLimit: 2 });
    await stage.pushes.webPush.start();
    const to = stage.register();
    const publish = (content: Element) => stage.publish(to, content);
    for (const name of ['a', 'b', 'c', 'd']) expect(await publish(text(name))).toBe('result');
    for (const count of [7, 8]) expect(await publish(unimportant(count))).toBe('result');
    expect(await publish(notification(undefined, sealedWith('e')))).toBe('result');
    expect(await publish(notification(undefined, sealedWith('f')))).toBe('result');
    expect(stage.outcomes()).toEqual([
      ...['delivered', 'delivered'],
      ...Array.from({ length: 6 }, () => 'coalesced'),
    ]);
    expect(stage.sent()).toHaveLength(2);
    await stage.pass(59_000);
    expect(stage.sent()).toHaveLength(2);
    await stage.pass(2_000);
    const late = stage.sent().slice(2);
    expect(late.map((one) => (one.startsWith('{') ? JSON.parse(one) : one))).toEqual([
      expect.objectContaining({ body: 'd' }),
      expect.objectContaining({ count: 8 }),
      'f',
    ]);
  });

  it('wait ten seconds for a call: later nobody rings any more', async () => {
    const stage = wholeStage({ rateLimit: 1 });
    await stage.pushes.webPush.start();
    const to = stage.register();
    await stage.publish(to);
    for (let ring = 0; ring < 3; ring++) {
      expect(await stage.publish(to, notification(undefined, call))).toBe('result');
    }
    await stage.pass(9_000);
    expect(stage.sent()).toHaveLength(1);
    await stage.pass(2_000);
    expect(stage.pushes.sent.map(({ request }) => request.urgency)).toEqual(['normal', 'high']);
  });

  it('are not counted for other registrations, nor when there is no limit', async () => {
    const stage = gatewayStage({ rateLimit: 1 });
    const [one, other] = [stage.register(), stage.register()];
    await stage.publish(one);
    await stage.publish(other);
    expect(stage.webPush.pushes.map(({ message }) => message.notBefore)).toEqual([undefined, undefined]);
    stage.settings.rateLimit = 0;
    for (let count = 0; count < 100; count++) await stage.publish(one);
    expect(stage.webPush.pushes.every(({ message }) => message.notBefore === undefined)).toBe(true);
  });

  it('are not those that are not sent at all', async () => {
    const stage = gatewayStage({ rateLimit: 1 });
    const to = stage.register({ onlyImportant: true });
    for (let count = 0; count < 5; count++) await stage.publish(to, unimportant(1));
    await stage.publish(to);
    expect(stage.webPush.pushes.map(({ message }) => message.notBefore)).toEqual([undefined]);
  });
});

describe('publishes at once', () => {
  it('go to disk when too many of a registration wait for its push service', async () => {
    const stage = wholeStage();
    const { answer, give } = pendingAnswer();
    stage.pushes.answers(() => answer);
    const to = stage.register();
    const names = Array.from({ length: 40 }, (_, index) => `m${index}`);
    const publishes = names.map((name) => stage.publish(to, text(name)));
    await calm();
    expect(stage.pushes.sent).toHaveLength(mostUnderWay.each);
    expect(stage.pushes.waiting().at(-1)).toContain('m39');
    give({ kind: 'delivered' });
    expect(new Set(await Promise.all(publishes))).toEqual(new Set(['result']));
  });

  it('that say the same wait for each other, and none is refused', async () => {
    const stage = wholeStage();
    const { answer, give } = pendingAnswer();
    stage.pushes.answers(() => answer);
    const to = stage.register();
    const publishes = Array.from({ length: 50 }, () => stage.publish(to));
    await calm();
    expect(stage.pushes.sent).toHaveLength(1);
    give({ kind: 'delivered' });
    expect(new Set(await Promise.all(publishes))).toEqual(new Set(['result']));
  });

  it('of one topic go to disk in few steps, and are answered when the last is there', async () => {
    const stage = wholeStage({ rateLimit: 1 });
    const to = stage.register();
    const publishes = Array.from({ length: 500 }, (_, index) => stage.publish(to, text(`m${index}`)));
    expect(new Set(await Promise.all(publishes))).toEqual(new Set(['result']));
    expect(stage.pushes.waiting()).toEqual([expect.stringContaining('m499')]);
    expect(stage.pushes.memory.calls.filter((name) => name === 'add').length).toBeLessThan(10);
  });

  it('go to disk when too many wait in all', async () => {
    const stage = gatewayStage();
    let give: () => void = () => undefined;
    const answer = new Promise<PushOutcome>((resolve) => {
      give = () => resolve({ kind: 'delivered' });
    });
    stage.webPush.answer = () => answer;
    const publishes = Array.from({ length: mostUnderWay.inAll }, () => stage.publish(stage.register()));
    await calm();
    publishes.push(stage.publish(stage.register()));
    await calm();
    const times = stage.webPush.pushes.map(({ message }) => message.notBefore);
    expect(times.slice(0, -1).every((time) => time === undefined)).toBe(true);
    expect(times.at(-1)).toBe(dawn);
    give();
    await Promise.all(publishes);
    await stage.publish(stage.register());
    expect(stage.webPush.pushes.at(-1)?.message.notBefore).toBeUndefined();
  });
});

it('a token that is over is the sender’s mistake, and nothing is counted against the registration', async () => {
  const stage = gatewayStage();
  const to = stage.register();
  const key = Buffer.concat([Buffer.of(4), Buffer.alloc(64)]).toString('base64');
  const jwt = (seconds: number) => {
    const claims = JSON.stringify({ exp: dawn / 1_000 + seconds });
    return el('jwt', ns.push2, { key }, `e30.${Buffer.from(claims).toString('base64url')}.c2ln`);
  };
  const publish = (seconds: number) =>
    stage.publish(to, notification(undefined, sealedWith('body'), jwt(seconds)));
  expect(await publish(0)).toBe('modify/bad-request');
  expect(stage.webPush.pushes).toEqual([]);
  expect(stage.store.rows[0]?.failures).toBe(0);
  expect(await publish(100)).toBe('result');
  expect(await publish(1e9)).toBe('result');
  expect(stage.webPush.sealed.map(({ ttl }) => ttl)).toEqual([100, 259_200]);
  expect(stage.outcomes()).toEqual(['malformed', 'delivered', 'delivered']);
});

describe('after any burst', () => {
  const contents = fc.constantFrom('text', 'unimportant', 'call', 'sealed', 'sender');
  const bursts = fc.array(fc.record({ pause: fc.oneof(fc.constant(0), fc.nat(20_000)), what: contents }), {
    minLength: 1,
    maxLength: 80,
  });

  function contentOf(what: string, index: number): Element {
    const body = `m${index}.`;
    if (what === 'text') return text(body);
    if (what === 'sender')
      return notification({ 'last-message-body': body, 'last-message-sender': 'romeo@example.net' });
    if (what === 'unimportant') return unimportant(index + 1_000);
    if (what === 'sealed') return notification(undefined, sealedWith(body));
    return notification(undefined, el('encrypted', ns.pushEncryption, { iv: body, type: 'voip' }, 'q83v'));
  }
  const markOf = (what: string, index: number) =>
    what === 'unimportant' ? `${index + 1_000}` : `m${index}.`;
  const rateLimit = 3;

  it('the last publish is delivered or waits, and no more are sent than may be', async () => {
    await fc.assert(
      fc.asyncProperty(bursts, fc.boolean(), async (burst, isBusy) => {
        const stage = wholeStage({ rateLimit });
        await stage.pushes.webPush.start();
        if (isBusy) stage.pushes.answers(() => busy);
        const to = stage.register();
        const answers: Promise<string>[] = [];
        for (const [index, { pause, what }] of burst.entries()) {
          if (pause > 0) await stage.pass(pause);
          answers.push(stage.publish(to, contentOf(what, index)));
        }
        expect(new Set(await Promise.all(answers))).toEqual(new Set(['result']));
        const index = burst.length - 1;
        const mark = markOf(burst[index]?.what ?? '', index);
        const seen = isBusy ? stage.pushes.waiting() : [...stage.sent(), ...stage.pushes.waiting()];
        expect(seen.some((one) => one.includes(mark))).toBe(true);
        if (isBusy) return;
        await stage.pass(61_000);
        expect(stage.sent().some((one) => one.includes(mark))).toBe(true);
        const times = stage.pushes.sent.map(({ at }) => at);
        const inMinute = (from: number) => times.filter((at) => at >= from && at < from + 60_000).length;
        // Of two minutes, which one of any length may touch; one of each kind and importance, and calls each ten seconds.
        for (const from of times) expect(inMinute(from)).toBeLessThanOrEqual(2 * rateLimit + 2 * 6);
      }),
      { numRuns: 60 },
    );
  });
});
