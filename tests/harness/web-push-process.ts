import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PushOutcome } from '../../src/services/web-push/web-push.js';
import { kill, nextMessage } from './forked.js';

/** What push services answer there: they take everything, have no time, or say nothing. */
export type Answering = 'delivered' | 'busy' | 'nothing';

export interface PushOrder {
  readonly text: string;
  readonly topic?: string;
  /** Which subscription it is for. */
  readonly name: string;
  /** Milliseconds since the clock began. */
  readonly notBefore?: number;
}

export type Request =
  | { readonly kind: 'open'; readonly url: string; readonly maxWaiting: number }
  | { readonly kind: 'answer'; readonly answering: Answering }
  | { readonly kind: 'push'; readonly orders: readonly PushOrder[] }
  | { readonly kind: 'pass'; readonly milliseconds: number }
  | { readonly kind: 'withdraw'; readonly name: string }
  | { readonly kind: 'stop' };

/** How it went, and what it has sent up to now. */
export type Answer =
  | { readonly ok: true; readonly outcomes: readonly PushOutcome[]; readonly sent: readonly string[] }
  | { readonly ok: false; readonly error: string };

/**
 * A process that sends web pushes, one of several on a database: with a clock that stands still until it is told, and push services
 * that answer as it is told. One request at a time.
 */
export interface WebPushProcess {
  /** What was sent, by its texts, each time that it was. */
  readonly sent: readonly string[];
  answer(answering: Answering): Promise<void>;
  /** All at once. */
  push(...orders: readonly PushOrder[]): Promise<readonly PushOutcome[]>;
  /** Lets so many milliseconds pass, and waits for what happens in them. */
  pass(milliseconds: number): Promise<void>;
  withdraw(name: string): Promise<void>;
  stop(): Promise<void>;
  /** Ends it without any chance to clean up. */
  kill(): Promise<void>;
}

const program = fileURLToPath(new URL('./web-push-child.ts', import.meta.url));

/** Starts a process, whose clock is at 0, and takes up what waits. */
export async function startWebPushProcess(
  url: string,
  { maxWaiting = 10_000 } = {},
): Promise<WebPushProcess> {
  const child = fork(program, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
  const nextAnswer = () => nextMessage<Answer>(child, 'the process that sends ended');
  await nextAnswer();
  let sent: readonly string[] = [];
  const ask = async (request: Request): Promise<readonly PushOutcome[]> => {
    child.send(request);
    const answer = await nextAnswer();
    if (!answer.ok) throw new Error(answer.error);
    sent = answer.sent;
    return answer.outcomes;
  };
  await ask({ kind: 'open', url, maxWaiting });
  return {
    get sent() {
      return sent;
    },
    answer: async (answering) => void (await ask({ kind: 'answer', answering })),
    push: (...orders) => ask({ kind: 'push', orders }),
    pass: async (milliseconds) => void (await ask({ kind: 'pass', milliseconds })),
    withdraw: async (name) => void (await ask({ kind: 'withdraw', name })),
    stop: async () => void (await ask({ kind: 'stop' })),
    kill: () => kill(child),
  };
}
