// Clients that sleep and wake up, in one process. Runs as a child process and is asked over its IPC channel.
import { forEach } from './for-each.js';
import { createLatencies } from './latencies.js';
import { byScram, type LeanAccount, userOf } from './lean-login.js';
import { Sleeper, Waker } from './sleeper.js';

export type SleepersQuestion =
  /** Logs in sleepers, and then as many accounts more that send to them as there are `wakers`. */
  | {
      readonly ask: 'login';
      readonly port: number;
      readonly tls: boolean;
      readonly domain: string;
      readonly password: string;
      readonly count: number;
      readonly wakers: number;
      readonly parallel: number;
    }
  /** Sends that many messages to each sleeper. */
  | { readonly ask: 'send'; readonly messages: number }
  /** Cuts all connections. */
  | { readonly ask: 'cut' }
  /** Resumes all sessions, `parallel` of them at once. */
  | { readonly ask: 'resume'; readonly parallel: number }
  | { readonly ask: 'logout' };

export type SleepersAnswer =
  | { readonly kind: 'done'; readonly seconds: number }
  | {
      readonly kind: 'resumed';
      readonly seconds: number;
      /** Milliseconds from connecting to the last message that was sent again. */
      readonly p50: number;
      readonly p99: number;
      /** The part of one CPU that this process used. */
      readonly busy: number;
    };

const authenticate = byScram();
let sleepers: Sleeper[] = [];
let wakers: Waker[] = [];
/** Messages that each sleeper was sent, and those of them that it has not handled. */
const sent = { all: 0, unhandled: 0 };

async function login(question: Extract<SleepersQuestion, { ask: 'login' }>): Promise<SleepersAnswer> {
  const { port, tls: isTls, domain, password, count, parallel } = question;
  const start = performance.now();
  const optionsOf = (number: number) => {
    const account: LeanAccount = { user: userOf(number), domain, password };
    return { port, isTls, account, authenticate };
  };
  sleepers = Array.from({ length: count }, (_, number) => new Sleeper(optionsOf(number)));
  await forEach(sleepers, parallel, (sleeper) => sleeper.login());
  const seconds = (performance.now() - start) / 1000;
  Object.assign(sent, { all: 0, unhandled: 0 });
  wakers = [];
  for (let number = 0; number < question.wakers; number++) {
    wakers.push(await Waker.login(optionsOf(count + number)));
  }
  return { kind: 'done', seconds };
}

async function send(messages: number): Promise<SleepersAnswer> {
  const start = performance.now();
  const { all } = sent;
  const jidsFor = (index: number) =>
    sleepers.filter((_, number) => number % wakers.length === index).map(({ jid }) => jid);
  await Promise.all(wakers.map((waker, index) => waker.send(jidsFor(index), all, messages)));
  sent.all += messages;
  sent.unhandled += messages;
  return { kind: 'done', seconds: (performance.now() - start) / 1000 };
}

async function resume(parallel: number): Promise<SleepersAnswer> {
  const latencies = createLatencies();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await forEach(sleepers, parallel, async (sleeper) => {
    const began = performance.now();
    await sleeper.resume(sent.unhandled);
    latencies.record(performance.now() - began);
  });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  sent.unhandled = 0;
  return {
    ...{ kind: 'resumed', seconds, p50: latencies.percentile(50), p99: latencies.percentile(99) },
    busy: (user + system) / 1e6 / seconds,
  };
}

/** Does something with all sleepers at once. */
async function all(work: (sleeper: Sleeper) => Promise<void>): Promise<SleepersAnswer> {
  const start = performance.now();
  await Promise.all(sleepers.map(work));
  return { kind: 'done', seconds: (performance.now() - start) / 1000 };
}

async function logout(): Promise<SleepersAnswer> {
  const answer = await all((sleeper) => sleeper.logout());
  for (const waker of wakers) waker.close();
  return answer;
}

function answer(question: SleepersQuestion): Promise<SleepersAnswer> {
  switch (question.ask) {
    case 'login':
      return login(question);
    case 'send':
      return send(question.messages);
    case 'cut':
      return all((sleeper) => sleeper.cut());
    case 'resume':
      return resume(question.parallel);
    case 'logout':
      return logout();
  }
}

process.on('message', async (question: SleepersQuestion) => {
  process.send?.(await answer(question));
});
process.on('disconnect', () => process.exit());
