import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PushQueueStore, StoredPush, WaitingPush } from '../../src/services/web-push/store.js';

/** Fresh data, and as many handles on it as a test opens. */
export interface PushQueueUnderTest {
  open(): Promise<PushQueueStore>;
  /** Closes what was opened and removes the data. */
  dispose(): Promise<void>;
}

const noon = 1_800_000_000_000;
const bounds = { perEndpoint: 20, inAll: 1_000 };
const romeo = { service: 'notify', reference: 'romeo@montague.example browser' };
const benvolio = { service: 'notify', reference: 'benvolio@montague.example browser' };
const laptop = 'https://push.example.net/laptop';
const phone = 'https://push.example.net/phone';

/** A message to Romeo's laptop that is due; what is not given is that of any. */
export function waitingPush(given: Partial<WaitingPush> = {}): WaitingPush {
  return {
    endpoint: laptop,
    origin: 'https://push.example.net',
    body: Buffer.from('body'),
    shorter: undefined,
    urgency: 'normal',
    topic: undefined,
    authorization: undefined,
    expiresAt: noon + 3_600_000,
    dueAt: noon,
    attempts: 1,
    ...romeo,
    ...given,
  };
}

/** What every implementation of the store type in `services/web-push/store.ts` does. */
export function pushQueueContract(prepare: () => Promise<PushQueueUnderTest>): void {
  let subject: PushQueueUnderTest;
  let queue: PushQueueStore;
  beforeEach(async () => {
    subject = await prepare();
    queue = await subject.open();
  });
  afterEach(() => subject.dispose());

  async function add(...pushes: readonly Partial<WaitingPush>[]): Promise<void> {
    for (const push of pushes) {
      expect(await queue.add(waitingPush(push), bounds)).toMatchObject({ kind: 'added' });
    }
  }
  const claim = (now = noon, limit = 1_000) => queue.claim(now, now + 90_000, limit);
  /** The end of a claim at noon. */
  const claimedUntil = noon + 90_000;
  /** All that are in it, by what their bodies say. Claims them. */
  const bodies = async (now = noon + 10_000_000) => (await claim(now)).map(bodyOf);
  const body = (text: string | number) => Buffer.from(String(text));

  describe('messages for push services that wait', () => {
    it('are as they were added, and later ones have higher ids', async () => {
      const one = waitingPush({
        ...{ topic: `"'; drop table x; -- \\ %_`, urgency: 'high', attempts: 7 },
        authorization: `vapid t=${randomBytes(300).toString('base64url')}, k="'\\`,
      });
      const two = waitingPush({
        endpoint: `https://push.example.net/${'e'.repeat(975)}`,
        body: randomBytes(4_096),
        shorter: randomBytes(300),
        reference: `🔔 ${randomBytes(3_000).toString('base64')}`,
      });
      const empty = waitingPush({ endpoint: phone, body: Buffer.alloc(0), shorter: Buffer.alloc(0) });
      for (const push of [one, two, empty]) await queue.add(push, bounds);
      const claimed = await claim();
      expect(claimed.map(({ id: _, ...push }) => plain(push))).toEqual(
        [one, two, empty].map((push) => plain({ ...push, dueAt: noon + 90_000 })),
      );
      const ids = claimed.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    });

    it('are claimed when they are due, those first that are due longest, and by nobody else until then', async () => {
      await add(
        { body: body('c'), dueAt: noon - 1 },
        { body: body('a'), dueAt: noon - 3 },
        { body: body('d'), dueAt: noon },
        { body: body('b'), dueAt: noon - 2 },
        { body: body('e'), dueAt: noon + 1 },
      );
      const first = (await claim(noon, 3)).map(bodyOf);
      expect(first.toSorted()).toEqual(['a', 'b', 'c']);
      expect((await claim(noon)).map(bodyOf)).toEqual(['d']);
      expect(await claim(noon)).toEqual([]);
      expect((await claim(noon + 89_999)).map(bodyOf)).toEqual(['e']);
      expect((await claim(noon + 90_000)).map(bodyOf).toSorted()).toEqual(['a', 'b', 'c', 'd']);
    });

    it('say when the first of them is due, claimed or not', async () => {
      expect(await queue.nextDue()).toBeUndefined();
      await add({ dueAt: noon + 5 }, { dueAt: noon + 3 }, { dueAt: noon + 100_000 });
      expect(await queue.nextDue()).toBe(noon + 3);
      await claim(noon + 5);
      expect(await queue.nextDue()).toBe(noon + 90_005);
    });

    it('go when they are answered, and those that have gone are no trouble', async () => {
      await add({ body: body(1) }, { body: body(2) }, { body: body(3) });
      const [one, two] = await claim();
      await queue.remove([one?.id ?? 0, two?.id ?? 0]);
      await queue.remove([one?.id ?? 0, 4_711]);
      await queue.remove([]);
      expect(await bodies()).toEqual(['3']);
      expect(await queue.count()).toBe(1);
    });

    it('are passed over where nothing can be sent to now', async () => {
      const far = { endpoint: phone, origin: `https://"'\\.example` };
      await add({ body: body('far'), dueAt: noon - 5, ...far }, { body: body('near'), dueAt: noon - 1 });
      const except = [far.origin, 'https://nowhere.example'];
      expect(await queue.nextDue(except)).toBe(noon - 1);
      expect(await queue.nextDue([...except, 'https://push.example.net'])).toBeUndefined();
      expect((await queue.claim(noon, noon + 90_000, 1, except)).map(bodyOf)).toEqual(['near']);
      expect(await queue.claim(noon, noon + 90_000, 1, except)).toEqual([]);
      expect((await claim()).map(bodyOf)).toEqual(['far']);
    });

    it('are passed over where it is known that there are none of others', async () => {
      await add({ body: body(1), dueAt: noon - 20 }, { body: body(2), dueAt: noon - 10 });
      expect(await queue.nextDue([], noon - 20)).toBe(noon - 10);
      expect(await queue.nextDue([], noon - 10.5)).toBe(noon - 10);
      expect(await queue.nextDue([], noon - 10)).toBeUndefined();
      expect(await queue.claim(noon, noon + 90_000, 9, [], noon - 10)).toEqual([]);
      expect((await queue.claim(noon, noon + 90_000, 9, [], noon - 20)).map(bodyOf)).toEqual(['2']);
      expect((await claim()).map(bodyOf)).toEqual(['1']);
    });

    it('are postponed, each to its own time; those that have gone stay away', async () => {
      await add({ body: body(1) }, { body: body(2) }, { body: body(3) });
      const [one, two, three] = (await claim()).map(({ id }) => id);
      await queue.remove([three ?? 0]);
      await queue.postpone([
        { id: one ?? 0, claimedUntil, dueAt: noon + 10.5, attempts: 2 },
        { id: two ?? 0, claimedUntil, dueAt: noon + 20, attempts: 9 },
        { id: three ?? 0, claimedUntil, dueAt: noon, attempts: 1 },
      ]);
      await queue.postpone([]);
      expect(await claim(noon + 10)).toEqual([]);
      expect((await claim(noon + 11)).map(({ id, attempts }) => [id, attempts])).toEqual([[one, 2]]);
      expect((await claim(noon + 20)).map(({ id, attempts }) => [id, attempts])).toEqual([[two, 9]]);
      expect(await queue.count()).toBe(2);
    });

    it('are postponed by nobody but who has them', async () => {
      const other = await subject.open();
      await add({ body: body(1) });
      const [push] = await queue.claim(noon, noon + 10.5, 1);
      const id = push?.id ?? 0;
      expect(await other.claim(noon + 11, noon + 100.25, 1)).toHaveLength(1);
      // Its time is over, and it is somebody else's.
      await queue.postpone([{ id, claimedUntil: noon + 10.5, dueAt: noon, attempts: 5 }]);
      expect(await queue.claim(noon + 99, noon + 200, 1)).toEqual([]);
      await other.postpone([{ id, claimedUntil: noon + 100.25, dueAt: noon + 50, attempts: 2 }]);
      await queue.postpone([{ id, claimedUntil: noon + 10.5, dueAt: noon, attempts: 5 }]);
      expect(await claim(noon + 49)).toEqual([]);
      expect((await claim(noon + 50)).map(({ attempts }) => attempts)).toEqual([2]);
    });

    it('are replaced by newer ones of their topic, at their endpoint alone, claimed or not', async () => {
      await add(
        { body: body('old'), topic: 'romance' },
        { body: body('other topic'), topic: 'war' },
        { body: body('no topic') },
        { body: body('other endpoint'), topic: 'romance', endpoint: phone },
      );
      const old = (await claim()).find((push) => bodyOf(push) === 'old');
      expect(await queue.add(waitingPush({ body: body('new'), topic: 'romance' }), bounds)).toEqual({
        kind: 'added',
        superseded: 1,
        dropped: 0,
      });
      await queue.postpone([{ id: old?.id ?? 0, claimedUntil, dueAt: noon, attempts: 2 }]);
      expect(await bodies()).toEqual(['other topic', 'no topic', 'other endpoint', 'new']);
      expect(await queue.count()).toBe(4);
    });

    it('without topics do not replace each other', async () => {
      await add({}, {}, {});
      expect(await queue.count()).toBe(3);
    });

    it('lose the oldest ones of an endpoint that has too many, never the newest', async () => {
      const few = { perEndpoint: 3, inAll: 100 };
      await queue.add(waitingPush({ endpoint: phone, body: body('phone') }), few);
      for (const n of [1, 2, 3]) {
        const topic = n === 2 ? 'romance' : undefined;
        await queue.add(waitingPush({ body: body(n), topic, dueAt: noon + 10 - n }), few);
      }
      const next = await queue.add(waitingPush({ body: body(4) }), few);
      expect(next).toEqual({ kind: 'added', superseded: 0, dropped: 1 });
      const renewed = await queue.add(waitingPush({ body: body(5), topic: 'romance' }), few);
      expect(renewed).toEqual({ kind: 'added', superseded: 1, dropped: 0 });
      expect(await bodies()).toEqual(['phone', '3', '4', '5']);
      const one = await queue.add(waitingPush({ body: body(6) }), { ...few, perEndpoint: 1 });
      expect(one).toEqual({ kind: 'added', superseded: 0, dropped: 3 });
      expect(await queue.count()).toBe(2);
    });

    it('take no more when they are too many in all, until some go', async () => {
      const narrow = { perEndpoint: 20, inAll: 3 };
      const push = (n: number) => waitingPush({ endpoint: `${laptop}${n}`, body: body(n) });
      const ends = await Promise.all([1, 2, 3, 4, 5].map((n) => queue.add(push(n), narrow)));
      expect(ends.map(({ kind }) => kind).toSorted()).toEqual(['added', 'added', 'added', 'full', 'full']);
      expect(await queue.count()).toBe(3);
      const [first, ...rest] = await claim();
      await queue.remove([first?.id ?? 0]);
      expect(await queue.add(push(6), narrow)).toMatchObject({ kind: 'added' });
      expect(await queue.add(push(7), narrow)).toEqual({ kind: 'full' });
      await queue.withdraw(rest[0]?.endpoint, romeo);
      expect(await queue.add(push(8), narrow)).toMatchObject({ kind: 'added' });
      expect(await queue.expire(noon + 10_000_000)).toBe(3);
      expect(await queue.count()).toBe(0);
      expect(await queue.add(push(9), narrow)).toMatchObject({ kind: 'added' });
    });

    it('know those of before, when they are too many in all', async () => {
      await add({}, {}, {});
      const later = await subject.open();
      expect(await later.add(waitingPush(), { perEndpoint: 20, inAll: 3 })).toEqual({ kind: 'full' });
    });

    it('of a topic go up to the one that was newest, and not further', async () => {
      await add({ topic: 'war' }, { topic: 'romance', endpoint: phone }, { topic: 'romance' });
      expect(await queue.newest(laptop, 'fencing')).toBeUndefined();
      expect(await queue.newest('https://push.example.net/none', 'romance')).toBeUndefined();
      const newest = (await queue.newest(laptop, 'romance')) ?? 0;
      await add({ topic: 'romance', body: body('newer') });
      const newer = (await queue.newest(laptop, 'romance')) ?? 0;
      expect(newer).toBeGreaterThan(newest);
      expect(await queue.supersede(laptop, 'romance', newest)).toBe(0);
      expect(await queue.supersede(laptop, 'romance', newer)).toBe(1);
      expect(await queue.newest(laptop, 'romance')).toBeUndefined();
      expect(await queue.count()).toBe(2);
    });

    it('go with their sender, at one endpoint or wherever they are, claimed or not', async () => {
      await add(
        { body: body(1) },
        { body: body(2), endpoint: phone },
        { body: body(3), ...benvolio },
        { body: body(4), service: 'gateway' },
        { body: body(5) },
      );
      await claim();
      expect(await queue.withdraw(laptop, romeo)).toBe(2);
      expect(await queue.withdraw(laptop, romeo)).toBe(0);
      expect(await queue.withdraw(undefined, romeo)).toBe(1);
      expect(await bodies()).toEqual(['3', '4']);
    });

    it('go when they have expired, however many they are', async () => {
      await add({ expiresAt: noon + 1, body: body('stays') });
      const pushes = Array.from({ length: 600 }, (_, n) =>
        waitingPush({ endpoint: `${laptop}${n}`, expiresAt: noon - (n % 7) }),
      );
      await Promise.all(pushes.map((push) => queue.add(push, { perEndpoint: 20, inAll: 1_000 })));
      expect(await queue.expire(noon - 7)).toBe(0);
      expect(await queue.expire(noon + 0.5)).toBe(600);
      expect(await bodies()).toEqual(['stays']);
    });

    it('that were claimed are due again when their process has begun anew, and others as they were', async () => {
      await add({ body: body(1) }, { body: body(2) }, { body: body(3), dueAt: noon + 50 });
      const [one, two] = await claim();
      await queue.postpone([{ id: two?.id ?? 0, claimedUntil, dueAt: noon + 60, attempts: 2 }]);
      await queue.release(noon + 10);
      expect(await queue.nextDue()).toBe(noon + 10);
      expect((await claim(noon + 10)).map(({ id }) => id)).toEqual([one?.id]);
      expect((await claim(noon + 49)).length).toBe(0);
      expect((await claim(noon + 60)).map(bodyOf)).toEqual(['2', '3']);
    });

    it('are claimed once when two processes claim at once', async () => {
      const other = await subject.open();
      for (let n = 0; n < 60; n++) await add({ endpoint: `${laptop}${n}` });
      const claims = Array.from({ length: 12 }, (_, n) =>
        (n % 2 === 0 ? queue : other).claim(noon, noon + 90_000, 7),
      );
      const ids = (await Promise.all(claims)).flat().map(({ id }) => id);
      expect(ids).toHaveLength(new Set(ids).size);
      // One that is passed over because another process takes it at that moment is taken by the next.
      const rest = [...(await claim()), ...(await other.claim(noon, noon + 90_000, 100))];
      expect(ids.length + rest.length).toBe(60);
    });

    it('do not exceed their bounds when one endpoint is told of much at once', async () => {
      const all = Array.from({ length: 50 }, (_, n) =>
        queue.add(waitingPush({ body: body(n), topic: `topic ${n % 3}` }), bounds),
      );
      await Promise.all(all);
      await add({ topic: 'topic 0' }, { topic: 'topic 1' }, { topic: 'topic 2' });
      expect(await queue.count()).toBe(3);
    });
  });
}

function bodyOf({ body }: Pick<StoredPush, 'body'>): string {
  return Buffer.from(body).toString();
}

/** With bytes in a form that is equal wherever they come from. */
function plain(push: WaitingPush) {
  const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');
  return { ...push, body: hex(push.body), shorter: hex(push.shorter) };
}
