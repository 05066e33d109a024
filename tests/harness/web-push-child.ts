/** The other end of `web-push-process.ts`: sends as its parent says, with a queue that it shares with others. */
import type { PushQueueStore } from '../../src/services/web-push/store.js';
import type { PushOutcome } from '../../src/services/web-push/web-push.js';
import { openStorage } from '../../src/storage/open.js';
import { FakeClock } from './fake-clock.js';
import { recordingEvents } from './recording-events.js';
import { scriptedPushQueue } from './scripted-push-queue.js';
import type { Answer, Answering, PushOrder, Request } from './web-push-process.js';
import {
  busy,
  calm,
  dawn,
  delivered,
  message,
  pendingAnswer,
  type Sent,
  subscription,
  webPushStage,
} from './web-push-stage.js';

/** Milliseconds that pass at once at the most. */
const longestStep = 2_500;

const sent: string[] = [];
let stage: ReturnType<typeof openStage> | undefined;

function openStage(queue: PushQueueStore, maxWaiting: number) {
  let calls = 0;
  const store = scriptedPushQueue(queue, {
    before: async () => void calls++,
    after: async () => void calls--,
  });
  let answering: Answering = 'delivered';
  const clock = new FakeClock();
  const opened = webPushStage({ store, clock, isAlone: false, maxWaiting });
  opened.answer = ({ text, signal }: Sent) => {
    sent.push(text);
    if (answering === 'nothing') return pendingAnswer(signal).answer;
    return answering === 'busy' ? busy : delivered;
  };
  return {
    webPush: opened.webPush,
    push: ({ name, text, topic, notBefore }: PushOrder) =>
      opened.push(
        subscription(name),
        message(text, { topic, ...(notBefore !== undefined && { notBefore: dawn + notBefore }) }),
      ),
    withdraw: (name: string) => opened.withdraw(subscription(name).endpoint),
    answer: (next: Answering) => {
      answering = next;
    },
    async pass(milliseconds: number): Promise<void> {
      const end = clock.now() + milliseconds;
      await quiet();
      while (clock.now() < end) {
        const [next = longestStep] = clock.pending;
        clock.advance(Math.min(Math.max(next, 1), end - clock.now(), longestStep));
        await quiet();
      }
    },
  };

  /** Until the database has answered all. */
  async function quiet(): Promise<void> {
    do {
      await calm();
    } while (calls > 0);
  }
}

async function perform(request: Request): Promise<readonly PushOutcome[]> {
  if (request.kind === 'open') {
    const { events } = recordingEvents();
    const { webPushQueue } = await openStorage({ kind: 'postgres', url: request.url }, { events });
    stage = openStage(webPushQueue, request.maxWaiting);
    await stage.webPush.start();
    return [];
  }
  if (stage === undefined) throw new Error('nothing is open');
  if (request.kind === 'push') return Promise.all(request.orders.map(stage.push));
  if (request.kind === 'answer') stage.answer(request.answering);
  else if (request.kind === 'pass') await stage.pass(request.milliseconds);
  else if (request.kind === 'withdraw') await stage.withdraw(request.name);
  else await stop(stage);
  return [];
}

/** What is under way has its time to end. */
async function stop({ webPush, pass }: ReturnType<typeof openStage>): Promise<void> {
  const stopped = webPush.stop();
  await pass(6_000);
  await stopped;
}

function answer(message: Answer): void {
  process.send?.(message);
}

process.on('message', (request: Request) => {
  perform(request).then(
    (outcomes) => answer({ ok: true, outcomes, sent }),
    (error: unknown) => answer({ ok: false, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
answer({ ok: true, outcomes: [], sent });
