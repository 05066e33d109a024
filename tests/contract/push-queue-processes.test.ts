import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../harness/postgres.js';
import { startWebPushProcess, type WebPushProcess } from '../harness/web-push-process.js';

/** For as long nobody else takes what a process has claimed, in milliseconds; and after so long each has looked what there is. */
const lease = 90_000;
const look = 16_000;

const textsOf = (count: number, what = 'text') => Array.from({ length: count }, (_, n) => `${what} ${n}`);

describeWithPeers('processes that share a queue of web pushes', { postgresql: hasPostgres }, () => {
  let server: PostgresServer;
  let database: string;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    database = await server.createDatabase();
  });

  async function start(options?: { maxWaiting: number }): Promise<WebPushProcess> {
    const child = await startWebPushProcess(server.url(database), options);
    onTestFinished(() => child.kill());
    return child;
  }

  /** Time passes for all of them. */
  async function pass(milliseconds: number, ...processes: readonly WebPushProcess[]): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 500) {
      await Promise.all(processes.map((one) => one.pass(Math.min(left, 500))));
    }
  }

  async function waiting(): Promise<number> {
    const [row] = await server.query(database, 'select count(*)::int as n from web_push_queue');
    return Number(row?.['n']);
  }

  async function claimed(): Promise<number> {
    const [row] = await server.query(
      database,
      'select count(*)::int as n from web_push_queue where is_claimed = 1',
    );
    return Number(row?.['n']);
  }

  /** Puts messages, each for a subscription of its own, into the queue. */
  async function enqueue(one: WebPushProcess, texts: readonly string[]): Promise<void> {
    await one.answer('busy');
    const outcomes = await one.push(...texts.map((text) => ({ text, name: text })));
    expect(outcomes.map(({ kind }) => kind)).toEqual(texts.map(() => 'queued'));
  }

  it('send each message once, whoever has put it there', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    await Promise.all([enqueue(one, textsOf(150, 'one')), enqueue(two, textsOf(150, 'two'))]);
    const before = [one.sent.length, two.sent.length];
    await Promise.all([one.answer('delivered'), two.answer('delivered')]);
    await pass(look, one, two);
    const all = [...one.sent.slice(before[0]), ...two.sent.slice(before[1])];
    expect(all.toSorted()).toEqual([...textsOf(150, 'one'), ...textsOf(150, 'two')].toSorted());
    expect(await waiting()).toBe(0);
  });

  it('have what was put there by one that was killed', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    await enqueue(one, textsOf(20));
    await one.kill();
    await pass(look, two);
    expect(two.sent.toSorted()).toEqual(textsOf(20).toSorted());
    expect(await waiting()).toBe(0);
  });

  it('leave to a process what it has claimed, and take it when it is dead and its time is over', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    await enqueue(one, textsOf(40));
    const before = one.sent.length;
    await one.answer('nothing');
    await one.pass(5_000);
    // So many go to one push service at once; the others wait for them, and are claimed too.
    expect(one.sent.length - before).toBe(32);
    await one.kill();
    await pass(lease - 10_000, two);
    expect(two.sent).toEqual([]);
    await pass(10_000 + look, two);
    expect(two.sent.toSorted()).toEqual(textsOf(40).toSorted());
    expect(await waiting()).toBe(0);
  });

  it('take nothing back from each other, though a request took longer than it may', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    await enqueue(one, ['message']);
    const before = one.sent.length;
    await Promise.all([one.answer('nothing'), two.answer('nothing')]);
    await one.pass(5_000);
    await two.pass(lease + look);
    expect([one.sent.length - before, two.sent.length]).toEqual([1, 1]);
    await one.stop();
    expect(await claimed()).toBe(1);
    await two.stop();
    expect(await claimed()).toBe(0);
    expect(await waiting()).toBe(1);
  });

  it('bring nothing back that another one is done with', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    await enqueue(one, ['message']);
    await one.answer('nothing');
    await one.pass(5_000);
    await two.pass(lease + look);
    expect(two.sent).toEqual(['message']);
    expect(await waiting()).toBe(0);
    await one.stop();
    expect(await waiting()).toBe(0);
  });

  it('leave what one gives back to the others at once', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    await enqueue(one, textsOf(40));
    const before = one.sent.length;
    await one.answer('nothing');
    await one.pass(5_000);
    const begun = one.sent.slice(before);
    await one.stop();
    await two.pass(look);
    expect(begun).toHaveLength(32);
    expect(two.sent.toSorted()).toEqual(textsOf(40).toSorted());
    expect(await waiting()).toBe(0);
  });

  it('replace and withdraw what others have put there', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    await one.answer('busy');
    await one.push({ text: 'old', name: 'laptop', topic: 'romance' }, { text: 'phone', name: 'phone' });
    await two.push({ text: 'new', name: 'laptop', topic: 'romance' });
    expect(await waiting()).toBe(1);
    await two.withdraw('phone');
    expect(await waiting()).toBe(0);
    await one.push({ text: 'later', name: 'laptop', topic: 'romance', notBefore: 60_000 });
    await two.push({ text: 'latest', name: 'laptop', topic: 'romance', notBefore: 60_000 });
    await one.answer('delivered');
    await pass(60_000 + look, one, two);
    expect([...one.sent, ...two.sent].toSorted()).toEqual(['latest', 'new', 'old', 'phone']);
    expect(await waiting()).toBe(0);
  });

  it('know within a minute how much of the room others have filled, or made free', async () => {
    const [one, two] = await Promise.all([start({ maxWaiting: 10 }), start({ maxWaiting: 10 })]);
    await Promise.all([one.answer('busy'), two.answer('busy')]);
    const later = (text: string) => ({ text, name: text, notBefore: 3_000_000 });
    await one.push(...textsOf(10).map(later));
    await pass(60_000 + look, one, two);
    expect(await two.push(later('more'))).toEqual([{ kind: 'retry', reason: 'too many wait' }]);
    for (const text of textsOf(10)) await two.withdraw(text);
    expect(await one.push(later('more'))).toEqual([{ kind: 'retry', reason: 'too many wait' }]);
    await pass(60_000 + look, one, two);
    expect(await one.push(later('more'))).toMatchObject([{ kind: 'queued' }]);
  });
});
