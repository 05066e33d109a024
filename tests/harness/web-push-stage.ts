import { createWebPush } from '../../src/services/web-push/service.js';
import type { PushQueueStore } from '../../src/services/web-push/store.js';
import type { PushMessage, SealedMessage, Settled } from '../../src/services/web-push/web-push.js';
import type { PushRequest, SendOutcome } from '../../src/web-push/request.js';
import type { Subscription } from '../../src/web-push/subscription.js';
import { FakeClock } from './fake-clock.js';
import { MemoryPushQueue } from './memory-push-queue.js';
import { recordingEvents } from './recording-events.js';

/** When the clock of a stage begins, in Unix milliseconds. */
export const dawn = 1_800_000_000_000;

/** Milliseconds that pass at once at the most: a slow store is to get its turns. */
const longestStep = 2_500;

/** A request that a push service has got. */
export interface Sent {
  readonly request: PushRequest;
  /** What was encrypted. */
  readonly text: string;
  /** Milliseconds since the stage began. */
  readonly at: number;
  readonly signal: AbortSignal;
}

type Answer = SendOutcome | Promise<SendOutcome>;

export const delivered: SendOutcome = { kind: 'delivered' };
export const gone: SendOutcome = { kind: 'gone', reason: 'no such subscription' };
export const tooLarge: SendOutcome = { kind: 'too-large', reason: 'at most 100 bytes' };
export const rejected: SendOutcome = { kind: 'rejected', reason: 'wrong key' };
export const busy: SendOutcome = { kind: 'retry', reason: 'status 500', isUnreachable: false };
export const unreachable: SendOutcome = { kind: 'retry', reason: 'no connection', isUnreachable: true };

/** Asks to wait so many seconds. */
export function retryAfter(after: number): SendOutcome {
  return { kind: 'retry', reason: 'status 429', after, isUnreachable: false };
}

/** An answer that comes when it is given, or when the request is ended. */
export function pendingAnswer(signal?: AbortSignal) {
  let give: (outcome: SendOutcome) => void = () => undefined;
  const answer = new Promise<SendOutcome>((resolve) => {
    give = resolve;
  });
  const end = () => give({ kind: 'retry', reason: 'ended', isUnreachable: false });
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end);
  return { answer, give };
}

export function subscription(name: string, origin = 'https://push.example.net'): Subscription {
  return {
    endpoint: `${origin}/${name}`,
    origin,
    p256dh: new Uint8Array(65),
    auth: new Uint8Array(16),
  };
}

export function message(text: string, given: Partial<PushMessage> = {}): PushMessage {
  return {
    payload: Buffer.from(text),
    shorter: undefined,
    ttl: 3_600,
    urgency: 'normal',
    topic: undefined,
    ...given,
  };
}

/** One that somebody else has encrypted. */
export function sealed(text: string, given: Partial<SealedMessage> = {}): SealedMessage {
  return {
    body: Buffer.from(text),
    authorization: undefined,
    ttl: 3_600,
    urgency: 'normal',
    topic: undefined,
    ...given,
  };
}

export interface StageOptions {
  readonly store?: PushQueueStore;
  readonly isAlone?: boolean;
  readonly maxWaiting?: number;
  readonly clock?: FakeClock;
  /** How long it takes to encrypt. */
  readonly sealing?: () => Promise<void>;
}

/** A service with push services that answer as a test says: `delivered` if it says nothing. */
export function webPushStage({
  store = new MemoryPushQueue(),
  isAlone = true,
  maxWaiting = 1_000,
  clock = new FakeClock(),
  sealing = async () => undefined,
}: StageOptions = {}) {
  const sent: Sent[] = [];
  const settled: Settled[] = [];
  /** Of payloads with their padding, in bytes. */
  const sealedSizes: number[] = [];
  const { events, recorded } = recordingEvents();
  const stage = {
    answer: (_sent: Sent): Answer => delivered,
    isWanted: async (_sent: Pick<Settled, 'endpoint' | 'reference'>) => true,
  };
  const webPush = createWebPush({
    sender: {
      async send(request, ...signals) {
        const signal = AbortSignal.any([...signals]);
        const one = { request, text: Buffer.from(request.body).toString(), at: clock.now(), signal };
        sent.push(one);
        return stage.answer(one);
      },
    },
    sealer: {
      async seal(_keys, payload, padding = 0) {
        await sealing();
        sealedSizes.push(payload.length + padding);
        return payload;
      },
    },
    vapid: { publicKey: 'key' },
    ...{ store, isAlone, clock, events },
    settings: () => ({ maxWaiting }),
    now: () => dawn + clock.now(),
    randomBytes: (size) => Uint8Array.from({ length: size }, (_, index) => (index === 0 ? 128 : 0)),
  });
  webPush.onSettled('notify', (one) => settled.push(one));
  webPush.askBefore('notify', (one) => stage.isWanted(one));

  return Object.assign(stage, {
    ...{ webPush, store, clock, sent, settled, sealedSizes, recorded },
    /** Of Romeo's, if nothing else is said. */
    push: (
      to: Subscription,
      what: PushMessage | SealedMessage,
      reference = 'romeo',
      signal = new AbortController().signal,
    ) => webPush.push(to, what, { service: 'notify', reference }, signal),
    withdraw: (endpoint: string | undefined, reference = 'romeo') =>
      webPush.withdraw(endpoint, { service: 'notify', reference }),
    texts: () => sent.map(({ text }) => text),
    /** Lets so many milliseconds pass, and what happens in them happen. */
    async pass(milliseconds: number): Promise<void> {
      const end = clock.now() + milliseconds;
      await calm();
      while (clock.now() < end) {
        const [next = longestStep] = clock.pending;
        clock.advance(Math.min(Math.max(next, 1), end - clock.now(), longestStep));
        await calm();
      }
    },
  });
}

/** Until nothing happens any more but by time. */
export async function calm(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
}

/** The same with a store to look into. */
export function stageWithMemory(options: Omit<Parameters<typeof webPushStage>[0], 'store'> = {}) {
  const memory = new MemoryPushQueue();
  const stage = webPushStage({ ...options, store: memory });
  const rows = () => [...memory.rows.values()];
  return {
    ...stage,
    memory,
    rows,
    waiting: () => rows().map(({ body }) => Buffer.from(body).toString()),
    /** What push services answer from now on. */
    answers: (answer: typeof stage.answer) => {
      stage.answer = answer;
    },
    /** For whom messages are still that have waited. */
    wanted: (isWanted: typeof stage.isWanted) => {
      stage.isWanted = isWanted;
    },
    dropped: () =>
      stage.recorded.flatMap((event) =>
        event.name === 'webPushDropped' ? [`${event.count} ${event.why}`] : [],
      ),
  };
}
