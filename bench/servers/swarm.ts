// Many client sessions in one process that cost as little CPU as they can, so that a benchmark measures the server: raw
// sockets, no XML, a scan for markers. Runs as a child process and is asked over its IPC channel.
import { setTimeout as sleep } from 'node:timers/promises';
import { createLatencies } from './latencies.js';
import { open, userOf } from './lean-login.js';
import { LeanSession } from './lean-session.js';

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
      /** With carbons and stream management. */
      readonly isManaged: boolean;
    }
  /**
   * The sessions talk in pairs, the first with the second and so on. In each pair `window` messages go to and fro: who
   * receives one sends the next. With `rate` instead of a window that many messages a second are sent, in all.
   */
  | { readonly ask: 'talk'; readonly seconds: number; readonly load: Load }
  /** Whether the archives hold what the sessions have sent and received since they logged in, the archives being empty. */
  | { readonly ask: 'checkArchives' }
  | { readonly ask: 'logout' };

export type Load = { readonly window: number } | { readonly rate: number };

export type SwarmAnswer =
  | { readonly kind: 'done'; readonly seconds: number }
  | {
      readonly kind: 'talked';
      readonly messages: number;
      /** Messages for which the server has answered; 0 if the streams are not managed. */
      readonly acknowledged: number;
      readonly seconds: number;
      /** Milliseconds between writing a message and reading it. */
      readonly p50: number;
      readonly p99: number;
      /** Milliseconds between writing a message and its acknowledgement, of the 99th percentile. */
      readonly acknowledgedP99: number;
      /** The part of one CPU that this process used. */
      readonly busy: number;
    }
  /** Entries of the archives that should be there, and those that are missing. */
  | { readonly kind: 'archives'; readonly expected: number; readonly missing: number };

let sessions: LeanSession[] = [];

async function login(question: Extract<SwarmQuestion, { ask: 'login' }>): Promise<SwarmAnswer> {
  const { first, count, parallel, port, tls, domain, password, isManaged } = question;
  const start = performance.now();
  let next = first;
  const work = async () => {
    while (next < first + count) {
      const number = next++;
      const account = { user: userOf(number), domain, password };
      const session = await LeanSession.login(await open(port, tls, domain), account, isManaged);
      sessions.push(session);
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
  const [delivery, acknowledgement] = [createLatencies(), createLatencies()];
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  let isOver = false;
  for (const session of sessions) {
    session.onMessage = (latency) => {
      delivery.record(latency);
      if (!isOver && 'window' in load) session.say();
    };
    session.onAcknowledged = acknowledgement.record;
  }
  if ('window' in load) await bounce(load.window, seconds);
  else await pace(load.rate, seconds);
  isOver = true;
  const lasted = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const counts = { messages: delivery.count(), acknowledged: acknowledgement.count() };
  await quiet();
  return {
    ...{ kind: 'talked', ...counts, seconds: lasted, busy: (user + system) / 1e6 / lasted },
    ...{ p50: delivery.percentile(50), p99: delivery.percentile(99) },
    acknowledgedP99: acknowledgement.percentile(99),
  };
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

/** Milliseconds without progress after which messages count as lost. */
const patience = 10_000;

/** Waits until every message has arrived and is acknowledged; one that does not or is not is an error. */
async function quiet(): Promise<void> {
  const underWay = () => sessions.reduce((total, session) => total + session.unanswered, 0);
  let last = { count: underWay(), at: performance.now() };
  for (let count = last.count; count > 0; count = underWay()) {
    if (count < last.count) last = { count, at: performance.now() };
    if (performance.now() - last.at > patience)
      throw new Error(`${count} messages were lost or not acknowledged`);
    await sleep(50);
  }
}

async function checkArchives(): Promise<SwarmAnswer> {
  const found: { readonly expected: number; readonly missing: number }[] = [];
  for (const session of sessions) {
    const expected = session.settled;
    found.push({ expected, missing: Math.max(0, expected - (await session.archived())) });
  }
  const sum = (of: 'expected' | 'missing') => found.reduce((total, archive) => total + archive[of], 0);
  return { kind: 'archives', expected: sum('expected'), missing: sum('missing') };
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
    case 'checkArchives':
      return checkArchives();
    case 'logout':
      return logout();
  }
}

process.on('message', async (question: SwarmQuestion) => {
  process.send?.(await answer(question));
});
process.on('disconnect', () => process.exit());
