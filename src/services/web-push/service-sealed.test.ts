import { describe, expect, it } from 'vitest';
import {
  busy,
  calm,
  dawn,
  delivered,
  message,
  sealed,
  stageWithMemory,
  subscription,
  tooLarge,
} from '../../../tests/harness/web-push-stage.js';

const laptop = subscription('laptop');
const theirs = 'vapid t=eyJ0.eyJh.c2ln, k=BA1Hxzyi1RUM1b5w';

describe('a message that somebody else has encrypted', () => {
  it('is sent as it is, by whose key it came', async () => {
    const { push, sent, sealedSizes } = stageWithMemory();
    const what = sealed('body', { authorization: theirs, urgency: 'high', topic: 'romance', ttl: 60 });
    expect(await push(laptop, what)).toEqual(delivered);
    expect(sent.map(({ request }) => request)).toEqual([
      {
        ...{ endpoint: laptop.endpoint, origin: laptop.origin, body: Buffer.from('body'), ttl: 60 },
        ...{ urgency: 'high', topic: 'romance', authorization: theirs },
      },
    ]);
    expect(sealedSizes).toEqual([]);
  });

  it('is sent by our own key if it came with none', async () => {
    const { push, sent } = stageWithMemory();
    await push(laptop, sealed('body'));
    await push(laptop, message('clear'));
    expect(sent.map(({ request }) => request.authorization)).toEqual([undefined, undefined]);
  });

  it('waits as it is, and is sent by the same key', async () => {
    const { webPush, push, sent, rows, answers, pass, sealedSizes } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    expect(await push(laptop, sealed('body', { authorization: theirs }))).toMatchObject({ kind: 'queued' });
    expect(rows()).toMatchObject([{ body: Buffer.from('body'), shorter: undefined, authorization: theirs }]);
    answers(() => delivered);
    await pass(10_000);
    expect(sent.map(({ text, request }) => [text, request.authorization])).toEqual([
      ['body', theirs],
      ['body', theirs],
    ]);
    expect(sealedSizes).toEqual([]);
    expect(rows()).toEqual([]);
  });

  it('that is too large is rejected, for nobody here could make it shorter', async () => {
    const { push, answers, texts } = stageWithMemory();
    answers(() => tooLarge);
    expect(await push(laptop, sealed('long'))).toEqual({ ...tooLarge, kind: 'rejected' });
    expect(texts()).toEqual(['long']);
  });
});

describe('a message that is not to be sent yet', () => {
  const at = (milliseconds: number) => ({ notBefore: dawn + milliseconds });

  it('is on disk at once, and is sent when its time has come', async () => {
    const { webPush, push, pass, texts, rows, settled, recorded } = stageWithMemory();
    await webPush.start();
    const outcome = await push(laptop, message('later', { ...at(20_000), ttl: 100 }));
    expect(outcome).toEqual({ kind: 'queued', reason: 'not before its time' });
    expect(rows()).toMatchObject([{ dueAt: dawn + 20_000, expiresAt: dawn + 100_000, attempts: 0 }]);
    await pass(19_999);
    expect(texts()).toEqual([]);
    await pass(200);
    expect(texts()).toEqual(['later']);
    expect(rows()).toEqual([]);
    expect(settled).toEqual([
      { endpoint: laptop.endpoint, reference: 'romeo', outcome: { kind: 'delivered' } },
    ]);
    expect(recorded.filter(({ name }) => name === 'webPushSent')).toMatchObject([{ attempt: 1 }]);
  });

  it('goes into the queue though its time has come already', async () => {
    const { webPush, push, pass, texts, memory } = stageWithMemory();
    await webPush.start();
    await pass(1_000);
    expect(await push(laptop, sealed('now', at(0)))).toMatchObject({ kind: 'queued' });
    expect(memory.calls).toContain('add');
    expect(texts()).toEqual([]);
    await pass(200);
    expect(texts()).toEqual(['now']);
  });

  it('takes the place of an older one of its topic, and keeps nothing of it', async () => {
    const { webPush, push, answers, pass, texts, rows, dropped } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('tried', { topic: 'romance', ttl: 50, urgency: 'high' }));
    answers(() => delivered);
    const newer = { ...at(10_000), topic: 'romance', ttl: 60 };
    await push(laptop, sealed('first', { ...newer, authorization: theirs }));
    await push(laptop, message('second', { ...newer, shorter: Buffer.from('2nd') }));
    expect(rows()).toMatchObject([
      {
        ...{ body: Buffer.from('second'), shorter: Buffer.from('2nd'), authorization: undefined },
        ...{ dueAt: dawn + 10_000, expiresAt: dawn + 60_000, attempts: 0, urgency: 'normal' },
      },
    ]);
    expect(dropped()).toEqual(['1 superseded', '1 superseded']);
    await pass(60_000);
    expect(texts()).toEqual(['tried', 'second']);
  });

  it('waits longer where the push service is not there when its time comes', async () => {
    const { webPush, push, answers, pass, texts, rows } = stageWithMemory();
    await webPush.start();
    await push(laptop, message('later', at(5_000)));
    answers(() => busy);
    await pass(5_100);
    expect(rows()).toMatchObject([{ attempts: 1 }]);
    answers(() => delivered);
    await pass(10_000);
    expect(texts()).toEqual(['later', 'later']);
  });

  it('does not wait for a time when it is of no use any more', async () => {
    const { push, rows } = stageWithMemory();
    const what = message('late', { ...at(60_000), ttl: 60 });
    expect(await push(laptop, what)).toEqual({ kind: 'retry', reason: 'not before its time' });
    expect(rows()).toEqual([]);
  });

  it('goes when it is withdrawn', async () => {
    const { webPush, push, withdraw, pass, texts, rows } = stageWithMemory();
    await webPush.start();
    await push(laptop, message('later', at(5_000)));
    await withdraw(laptop.endpoint);
    expect(rows()).toEqual([]);
    await pass(10_000);
    expect(texts()).toEqual([]);
  });

  it('keeps its time over a stop', async () => {
    const { webPush, push, rows } = stageWithMemory();
    await webPush.start();
    const stopped = webPush.stop();
    expect(await push(laptop, message('later', at(5_000)))).toMatchObject({ kind: 'queued' });
    await stopped;
    await calm();
    expect(rows()).toMatchObject([{ dueAt: dawn + 5_000 }]);
  });
});
