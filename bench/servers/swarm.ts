// Many client sessions in one process that cost as little CPU as they can, so that a benchmark measures the server: raw
// sockets, no XML, a scan for markers. Runs as a child process and is asked over its IPC channel.
import { once } from 'node:events';
import { connect } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { LeanSession, userOf } from './lean-session.js';

export type SwarmQuestion =
  /** Logs in the accounts `<userPrefix><first>` and the following ones, `parallel` of them at once. */
  | {
      readonly ask: 'login';
      readonly port: number;
      readonly tls: boolean;
      readonly domain: string;
      readonly password: string;
      readonly first: number;
      readonly count: number;
      readonly parallel: number;
    }
  /**
   * The sessions talk in pairs, the first with the second and so on. In each pair `window` messages go to and fro: who
   * receives one sends the next. With `rate` instead of a window that many messages a second are sent, in all.
   */
  | { readonly ask: 'talk'; readonly seconds: number; readonly load: Load }
  | { readonly ask: 'logout' };

export type Load = { readonly window: number } | { readonly rate: number };

export type SwarmAnswer =
  | { readonly kind: 'done'; readonly seconds: number }
  | {
      readonly kind: 'talked';
      readonly messages: number;
      readonly seconds: number;
      /** Milliseconds between writing a message and reading it. */
      readonly p50: number;
      readonly p99: number;
      /** The part of one CPU that this process used. */
      readonly busy: number;
    };

let sessions: LeanSession[] = [];

async function login(question: Extract<SwarmQuestion, { ask: 'login' }>): Promise<SwarmAnswer> {
  const { first, count, parallel, port, tls, domain, password } = question;
  const start = performance.now();
  let next = first;
  const work = async () => {
    while (next < first + count) {
      const number = next++;
      const socket = tls
        ? connectTls({ port, host: '127.0.0.1', servername: domain, rejectUnauthorized: false })
        : connect(port, '127.0.0.1');
      await once(socket, tls ? 'secureConnect' : 'connect');
      sessions.push(await LeanSession.login(socket, { user: userOf(number), domain, password }));
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return { kind: 'done', seconds: (performance.now() - start) / 1000 };
}

function pairUp(): void {
  sessions.forEach((session, index) => {
    const peer = sessions[index ^ 1];
    if (peer !== undefined) session.talkTo(peer);
  });
}

async function talk({ seconds, load }: Extract<SwarmQuestion, { ask: 'talk' }>): Promise<SwarmAnswer> {
  pairUp();
  const latencies = createHistogram();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  let isOver = false;
  let messages = 0;
  for (const session of sessions) {
    session.onMessage = (latency) => {
      messages++;
      latencies.record(Math.max(1, Math.round(latency * 1000)));
      if (!isOver && 'window' in load) session.say();
    };
  }
  if ('window' in load) await bounce(load.window, seconds);
  else await pace(load.rate, seconds);
  isOver = true;
  const lasted = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const counted = messages;
  await quiet();
  const ms = (percentile: number) => latencies.percentile(percentile) / 1000;
  const busy = (user + system) / 1e6 / lasted;
  return { kind: 'talked', messages: counted, seconds: lasted, p50: ms(50), p99: ms(99), busy };
}

async function bounce(window: number, seconds: number): Promise<void> {
  sessions.forEach((session, index) => {
    if (index % 2 === 0) for (let ball = 0; ball < window; ball++) session.say();
  });
  await sleep(seconds * 1000);
}

async function pace(rate: number, seconds: number): Promise<void> {
  const start = performance.now();
  let sent = 0;
  for (let now = start; now < start + seconds * 1000; now = performance.now()) {
    const due = ((now - start) / 1000) * rate;
    for (; sent < due; sent++) sessions[sent % sessions.length]?.say();
    await sleep(1);
  }
}

/** Waits until every message has arrived; one that does not is an error. */
async function quiet(): Promise<void> {
  const underWay = () => sessions.reduce((total, session) => total + session.unanswered, 0);
  for (let patience = 100; underWay() > 0; patience--) {
    if (patience === 0) throw new Error(`${underWay()} messages were lost`);
    await sleep(50);
  }
}

async function logout(): Promise<SwarmAnswer> {
  const start = performance.now();
  await Promise.all(sessions.map((session) => session.close()));
  sessions = [];
  return { kind: 'done', seconds: (performance.now() - start) / 1000 };
}

function answer(question: SwarmQuestion): Promise<SwarmAnswer> {
  switch (question.ask) {
    case 'login':
      return login(question);
    case 'talk':
      return talk(question);
    case 'logout':
      return logout();
  }
}

process.on('message', async (question: SwarmQuestion) => {
  process.send?.(await answer(question));
});
process.on('disconnect', () => process.exit());
