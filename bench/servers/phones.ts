// Clients that sleep, others that send to them, and the app server that is told of it, in one process that costs as little
// CPU as it can. Runs as a child process and is asked over its IPC channel.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAppServer } from './app-server.js';
import { forEach } from './for-each.js';
import { createLatencies } from './latencies.js';
import { byScram, userOf } from './lean-login.js';
import { Caller, Phone, type Telling } from './phone.js';

export type PhonesQuestion =
  /**
   * Connects the app server, logs in `count` clients that enable push towards it, and cuts their connections; logs in
   * `callers` accounts more.
   */
  | {
      readonly ask: 'login';
      readonly port: number;
      readonly componentPort: number;
      readonly domain: string;
      readonly password: string;
      readonly appServer: { readonly jid: string; readonly secret: string };
      readonly count: number;
      readonly callers: number;
      readonly parallel: number;
      readonly telling: Telling;
      /** Milliseconds that the server collects before it tells. */
      readonly collection: number;
    }
  | { readonly ask: 'call'; readonly seconds: number; readonly load: CallLoad }
  /** All clients come back, take what they have missed, and are cut off again. */
  | { readonly ask: 'wake' };

/**
 * With `rate` that many messages a second are sent in all, each to a client of whose last one the app server was told.
 * Otherwise a client is sent `burst` messages in a row, and when the app server was told of them all, the next one is.
 */
export type CallLoad = { readonly rate: number } | { readonly burst: number };

export type PhonesAnswer =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'called';
      readonly messages: number;
      readonly publishes: number;
      /** Messages that were told of, and publishes, in a second, while all clients were called. */
      readonly rates: { readonly messages: number; readonly publishes: number };
      /** Milliseconds from sending a message, the last one of its burst, to its publish; collecting not counted. */
      readonly p50: number;
      readonly p99: number;
      /** Messages of which the app server was not told. */
      readonly lost: number;
      /** Publishes that told nothing new, since the last answer of this kind. */
      readonly doubled: number;
      /** The part of one CPU that this process used. */
      readonly busy: number;
    };

const authenticate = byScram();
const phones: Phone[] = [];
const callers: Caller[] = [];
let parallel = 1;
let telling: Telling = 'each';
let collection = 0;
/** What happens when the app server was told of all that a client was sent. */
let onTold: (phone: Phone) => void = () => {};
/** Messages that were told of, all publishes, and those that told nothing new. */
const count = { messages: 0, publishes: 0, doubled: 0 };

function published(node: number, messages: number): void {
  const phone = phones[node];
  const news = phone?.tell(telling, messages) ?? 0;
  count.publishes++;
  count.messages += news;
  if (news === 0) count.doubled++;
  else if (phone?.isToldOf) onTold(phone);
}

async function login(question: Extract<PhonesQuestion, { ask: 'login' }>): Promise<PhonesAnswer> {
  const { port, componentPort, domain, password, appServer } = question;
  ({ parallel, telling, collection } = question);
  const accountOf = (number: number) => ({ user: userOf(number), domain, password });
  await connectAppServer({ ...appServer, port: componentPort, domain, onPublish: published });
  for (let number = question.count; number < question.count + question.callers; number++) {
    callers.push(await Caller.login(port, accountOf(number), authenticate));
  }
  for (let number = 0; number < question.count; number++) {
    const caller = callers[number % callers.length];
    if (caller === undefined) throw new Error('nobody sends');
    const push = { jid: appServer.jid, node: `n${number}` };
    phones.push(new Phone({ port, isTls: false, account: accountOf(number), authenticate, push }, caller));
  }
  await forEach(phones, parallel, async ({ sleeper }) => {
    await sleeper.login();
    await sleeper.settle();
    await sleeper.cut();
  });
  return { kind: 'done' };
}

async function call({ seconds, load }: Extract<PhonesQuestion, { ask: 'call' }>): Promise<PhonesAnswer> {
  const latencies = createLatencies();
  const [start, cpu, before] = [performance.now(), process.cpuUsage(), { ...count }];
  const next = idlePhones();
  const record = (phone: Phone) => latencies.record(performance.now() - phone.sentAt - collection);
  onTold = record;
  let rates: Rates | undefined;
  if ('rate' in load) await pace(load.rate, seconds, next);
  else {
    onTold = (phone) => {
      record(phone);
      next()?.call(load.burst);
    };
    await begin(load.burst, next);
    rates = await ratesOf(seconds);
    onTold = record;
  }
  await quiet();
  const { user, system } = process.cpuUsage(cpu);
  const busy = (user + system) / 1000 / (performance.now() - start);
  const { messages, publishes } = count;
  const all = { messages: messages - before.messages, publishes: publishes - before.publishes };
  return {
    ...{ kind: 'called', ...all },
    rates: rates ?? { messages: all.messages / seconds, publishes: all.publishes / seconds },
    ...{ p50: latencies.percentile(50), p99: latencies.percentile(99) },
    ...{ lost: giveUp(), doubled: takeDoubled(), busy },
  };
}

/**
 * A server that collects has messages for all clients, which begin one after the other so that it does not tell of all at
 * once; another one for as many clients as make one message for each of them all.
 */
async function begin(messages: number, next: () => Phone | undefined): Promise<void> {
  const start = performance.now();
  const total = collection === 0 ? phones.length / messages : phones.length;
  let begun = 0;
  while (begun < total) {
    const part = collection === 0 ? 1 : (performance.now() - start) / collection;
    for (; begun < Math.min(1, part) * total; begun++) next()?.call(messages);
    await sleep(1);
  }
}

/** What is told of in those seconds. */
async function ratesOf(seconds: number): Promise<Rates> {
  const [from, before] = [performance.now(), { ...count }];
  await sleep(seconds * 1000);
  const lasted = (performance.now() - from) / 1000;
  return {
    messages: (count.messages - before.messages) / lasted,
    publishes: (count.publishes - before.publishes) / lasted,
  };
}

type Rates = Extract<PhonesAnswer, { kind: 'called' }>['rates'];

async function pace(rate: number, seconds: number, next: () => Phone | undefined): Promise<void> {
  const start = performance.now();
  let sent = 0;
  for (let now = start; now < start + seconds * 1000; now = performance.now()) {
    const due = ((now - start) / 1000) * rate;
    for (; sent < due; sent++) next()?.call(1);
    await sleep(1);
  }
}

/** Finds one client after the other of whose last message the app server was told; none if there is none at all. */
function idlePhones(): () => Phone | undefined {
  let last = -1;
  return () => {
    for (let step = 0; step < phones.length; step++) {
      last = (last + 1) % phones.length;
      if (phones[last]?.isToldOf === true) return phones[last];
    }
    return undefined;
  };
}

/** Milliseconds without progress after which messages count as lost. */
const patience = 5_000;

/** Waits until the app server was told of every message, or it does not go on. */
async function quiet(): Promise<void> {
  const untold = () => phones.filter(({ isToldOf }) => !isToldOf).length;
  let last = { count: untold(), at: performance.now() };
  for (let left = last.count; left > 0; left = untold()) {
    if (left < last.count) last = { count: left, at: performance.now() };
    if (performance.now() - last.at > patience) return;
    await sleep(20);
  }
}

/** How many messages were not told of; they are not waited for any more. */
function giveUp(): number {
  const lost = phones.reduce((total, { sent, told }) => total + sent - told, 0);
  for (const phone of phones) phone.told = phone.sent;
  return lost;
}

function takeDoubled(): number {
  const { doubled } = count;
  count.doubled = 0;
  return doubled;
}

async function wake(): Promise<PhonesAnswer> {
  await forEach(phones, parallel, (phone) => phone.wake());
  return { kind: 'done' };
}

function answer(question: PhonesQuestion): Promise<PhonesAnswer> {
  switch (question.ask) {
    case 'login':
      return login(question);
    case 'call':
      return call(question);
    case 'wake':
      return wake();
  }
}

process.on('message', async (question: PhonesQuestion) => {
  process.send?.(await answer(question));
});
process.on('disconnect', () => process.exit());
