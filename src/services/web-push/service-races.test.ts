import { describe, expect, it } from 'vitest';
import { MemoryPushQueue } from '../../../tests/harness/memory-push-queue.js';
import { scriptedPushQueue } from '../../../tests/harness/scripted-push-queue.js';
import {
  busy,
  calm,
  delivered,
  message,
  pendingAnswer,
  subscription,
  webPushStage,
} from '../../../tests/harness/web-push-stage.js';
import type { PushQueueStore } from './store.js';

const laptop = subscription('laptop');
const romance = { topic: 'romance' };

type Moment = `${'before' | 'after'} ${keyof PushQueueStore}`;

/** A stage whose store halts, once, at the moment that is given, until it may go on. */
function haltingStage() {
  const memory = new MemoryPushQueue();
  let moment: Moment | undefined;
  let goOn: () => void = () => undefined;
  const pass = (here: Moment) => {
    if (here !== moment) return Promise.resolve();
    moment = undefined;
    return new Promise<void>((resolve) => {
      goOn = resolve;
    });
  };
  const store = scriptedPushQueue(memory, {
    before: (method) => pass(`before ${method}`),
    after: (method) => pass(`after ${method}`),
  });
  const stage = webPushStage({ store });
  return Object.assign(stage, {
    memory,
    haltAt(next: Moment) {
      moment = next;
    },
    async goOn() {
      goOn();
      await calm();
    },
    /** Puts a message into the queue that is due. */
    async enqueue(text: string, given: Parameters<typeof message>[1] = romance) {
      stage.answer = () => busy;
      await stage.push(laptop, message(text, given));
      stage.answer = () => delivered;
      await stage.pass(3_000);
    },
  });
}

describe('what was claimed from the queue', () => {
  it('is not sent if it was withdrawn before the claim was answered', async () => {
    const stage = haltingStage();
    await stage.enqueue('old');
    stage.haltAt('after claim');
    void stage.webPush.start();
    await calm();
    await stage.withdraw(laptop.endpoint);
    await stage.goOn();
    await stage.pass(10_000);
    expect(stage.texts()).toEqual(['old']);
    expect(stage.memory.rows.size).toBe(0);
  });

  it('is not sent if a newer one was added before the claim was answered', async () => {
    const stage = haltingStage();
    await stage.enqueue('old');
    stage.haltAt('after claim');
    void stage.webPush.start();
    await calm();
    stage.answer = () => busy;
    expect(await stage.push(laptop, message('new', romance))).toMatchObject({ kind: 'queued' });
    stage.answer = () => delivered;
    await stage.goOn();
    await stage.pass(10_000);
    expect(stage.texts()).toEqual(['old', 'new', 'new']);
  });

  it('is not sent if a newer one has arrived before the claim was answered', async () => {
    const stage = haltingStage();
    await stage.enqueue('old');
    stage.haltAt('after claim');
    void stage.webPush.start();
    await calm();
    expect(await stage.push(laptop, message('new', romance))).toEqual(delivered);
    await stage.goOn();
    await stage.pass(10_000);
    expect(stage.texts()).toEqual(['old', 'new']);
  });

  it('is not sent if it was claimed while it was withdrawn', async () => {
    const stage = haltingStage();
    await stage.enqueue('old');
    const first = pendingAnswer();
    stage.answer = ({ text }) => (text === 'first' ? first.answer : delivered);
    const outcome = stage.push(laptop, message('first', romance));
    await calm();
    stage.haltAt('before withdraw');
    const withdrawn = stage.withdraw(undefined);
    await stage.webPush.start();
    await stage.goOn();
    await withdrawn;
    first.give(busy);
    expect(await outcome).toEqual({ kind: 'retry', reason: 'withdrawn' });
    await stage.pass(10_000);
    expect(stage.texts()).toEqual(['old', 'first']);
    expect(stage.memory.rows.size).toBe(0);
  });

  it('is not sent twice if its answer takes longer than its claim', async () => {
    const stage = haltingStage();
    await stage.enqueue('old', {});
    const first = pendingAnswer();
    stage.answer = () => first.answer;
    await stage.webPush.start();
    await stage.pass(400_000);
    expect(stage.texts()).toEqual(['old', 'old']);
    first.give(delivered);
    await stage.pass(400_000);
    expect(stage.texts()).toEqual(['old', 'old']);
    expect(stage.settled).toHaveLength(1);
    expect(stage.memory.rows.size).toBe(0);
  });

  it('is claimed anew before it is sent, if it has waited too long for those before it', async () => {
    const one = webPushStage({ isAlone: false });
    one.answer = () => busy;
    for (let n = 0; n < 33; n++) await one.push(subscription(`n${n}`), message(`old ${n}`));
    await one.pass(3_000);
    const all = pendingAnswer();
    one.answer = () => all.answer;
    one.sent.length = 0;
    await one.webPush.start();
    await one.pass(89_500);
    const last = Array.from({ length: 33 }, (_, n) => `old ${n}`).find((text) => !one.texts().includes(text));
    expect(one.sent).toHaveLength(32);
    all.give(delivered);
    await calm();
    expect(one.texts()).not.toContain(last);
    await one.pass(20_000);
    expect(one.texts().filter((text) => text === last)).toHaveLength(1);
  });

  it('is not sent again if it was claimed anew before its answer was written', async () => {
    const stage = haltingStage();
    await stage.enqueue('old');
    stage.haltAt('before remove');
    await stage.webPush.start();
    await stage.pass(200_000);
    expect(stage.texts()).toEqual(['old', 'old']);
    await stage.goOn();
    await stage.pass(10_000);
    expect(stage.memory.rows.size).toBe(0);
  });
});

describe('a queue that is empty', () => {
  it('is none, while something is being added', async () => {
    const stage = haltingStage();
    stage.answer = () => busy;
    stage.haltAt('before add');
    const outcome = stage.push(laptop, message('a'));
    await calm();
    await stage.webPush.start();
    const withdrawn = stage.withdraw(undefined, 'benvolio').then(() => stage.memory.calls.at(-1));
    expect(await withdrawn).toBe('withdraw');
    await stage.goOn();
    expect(await outcome).toMatchObject({ kind: 'queued' });
    await stage.withdraw(laptop.endpoint);
    expect(stage.memory.rows.size).toBe(0);
  });

  it('is none, if something was added while it was looked at', async () => {
    const stage = haltingStage();
    stage.answer = () => busy;
    stage.haltAt('after nextDue');
    void stage.webPush.start();
    await calm();
    expect(await stage.push(laptop, message('a'))).toMatchObject({ kind: 'queued' });
    await stage.goOn();
    await stage.withdraw(laptop.endpoint);
    expect(stage.memory.rows.size).toBe(0);
  });

  it('gets what was added though the store could not say so', async () => {
    const stage = haltingStage();
    await stage.webPush.start();
    stage.haltAt('after add');
    stage.answer = () => busy;
    void stage.push(laptop, message('a'));
    await calm();
    stage.answer = () => delivered;
    await stage.goOn();
    await stage.pass(10_000);
    expect(stage.texts()).toEqual(['a', 'a']);
  });

  it('is not empty because of a look that began before one was there, while it was being added', async () => {
    const memory = new MemoryPushQueue();
    const [add, look] = [pendingAnswer(), pendingAnswer()];
    const store = scriptedPushQueue(memory, {
      before: async (method) => (method === 'add' ? add.answer : undefined),
      after: async (method) => (method === 'nextDue' ? look.answer : undefined),
    });
    const stage = webPushStage({ store });
    stage.answer = () => busy;
    const pushed = stage.push(laptop, message('old'));
    await calm();
    void stage.webPush.start();
    await calm();
    expect(memory.calls).toContain('nextDue');
    add.give(delivered);
    expect(await pushed).toMatchObject({ kind: 'queued' });
    look.give(delivered);
    await calm();
    await stage.withdraw(laptop.endpoint);
    expect(memory.rows.size).toBe(0);
  });
});

describe('a stop', () => {
  it('waits for a start that is under way, and what it has begun', async () => {
    const stage = haltingStage();
    stage.haltAt('before release');
    void stage.webPush.start();
    let isStopped = false;
    const stopped = stage.webPush.stop().then(() => {
      isStopped = true;
    });
    await calm();
    expect(isStopped).toBe(false);
    await stage.goOn();
    await stopped;
    expect(stage.memory.calls).toEqual(['release']);
  });

  it('gives back what is claimed at that moment', async () => {
    const stage = haltingStage();
    await stage.enqueue('old');
    stage.haltAt('after claim');
    void stage.webPush.start();
    await calm();
    const stopped = stage.webPush.stop();
    await stage.goOn();
    await stopped;
    expect(stage.texts()).toEqual(['old']);
    expect([...stage.memory.rows.values()].map(({ isClaimed }) => isClaimed)).toEqual([false]);
  });
});
