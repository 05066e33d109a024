import type {
  PushMessage,
  PushOutcome,
  PushSender,
  SealedMessage,
  Settled,
  WebPush,
} from '../../src/services/web-push/web-push.js';
import type { Subscription } from '../../src/web-push/subscription.js';

/** Web Push without push services: the test says how each message ends. */
export class FakeWebPush implements WebPush {
  readonly publicKey =
    'BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs';
  readonly pushes: {
    readonly subscription: Subscription;
    readonly message: PushMessage | SealedMessage;
    readonly sender: PushSender;
  }[] = [];
  /** Endpoint, service and reference of what was withdrawn. */
  readonly withdrawn: string[] = [];
  /** How the next messages end, in order; the others are delivered. */
  readonly answers: PushOutcome[] = [];
  readonly #listeners = new Map<string, (settled: Settled) => void>();
  readonly #judges = new Map<string, Parameters<WebPush['askBefore']>[1]>();

  async push(
    subscription: Subscription,
    message: PushMessage | SealedMessage,
    sender: PushSender,
  ): Promise<PushOutcome> {
    this.pushes.push({ subscription, message, sender });
    return this.answers.shift() ?? { kind: 'delivered' };
  }

  async withdraw(endpoint: string | undefined, { service, reference }: PushSender): Promise<void> {
    this.withdrawn.push(`${endpoint ?? 'all'} ${service} ${reference}`);
  }

  onSettled(service: string, listener: (settled: Settled) => void): void {
    this.#listeners.set(service, listener);
  }

  askBefore(service: string, isWanted: Parameters<WebPush['askBefore']>[1]): void {
    this.#judges.set(service, isWanted);
  }

  /** Whether one that waited would be sent. */
  isWanted(service: string, sent: Pick<Settled, 'endpoint' | 'reference'>): Promise<boolean> {
    return this.#judges.get(service)?.(sent) ?? Promise.resolve(true);
  }

  /** It has become known what came of one that waited. */
  settle(service: string, settled: Settled): void {
    this.#listeners.get(service)?.(settled);
  }

  /** What each message said that was given in clear. */
  get payloads(): readonly unknown[] {
    return this.pushes.flatMap(({ message }) =>
      'payload' in message ? [JSON.parse(Buffer.from(message.payload).toString()) as unknown] : [],
    );
  }

  /** Those that came encrypted. */
  get sealed(): readonly SealedMessage[] {
    return this.pushes.flatMap(({ message }) => ('body' in message ? [message] : []));
  }
}
