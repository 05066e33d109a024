import { createGuard } from '../../src/net/guard.js';
import { encrypt } from '../../src/web-push/encrypt.js';
import type { PushRequest, Sender, SendOutcome } from '../../src/web-push/request.js';
import type { SenderLimits } from '../../src/web-push/sender/limits.js';
import { createSender } from '../../src/web-push/sender/sender.js';
import { createVapid, createVapidKey } from '../../src/web-push/vapid.js';
import {
  type PushService,
  type PushServiceOptions,
  startPushService,
  type TestSubscription,
} from './push-service.js';

export interface SenderStage {
  readonly service: PushService;
  readonly sender: Sender;
  /** Sends a text to a subscription, to a new one of the service by default. */
  send(to?: TestSubscription, wishes?: SendWishes): Promise<SendOutcome>;
  close(): Promise<void>;
}

interface SendWishes extends Partial<PushRequest> {
  readonly text?: string;
  readonly signal?: AbortSignal;
}

interface SenderStageOptions extends PushServiceOptions {
  readonly limits?: Partial<SenderLimits>;
  /** Authorities that the sender trusts; that of the service by default. */
  readonly ca?: readonly string[];
  /** All addresses of a name. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** A sender that may go to private networks, and a push service there. */
export async function openSenderStage(options: SenderStageOptions = {}): Promise<SenderStage> {
  const service = await startPushService(options);
  const { limits = {}, ca = [service.ca], resolve, now = Date.now } = options;
  const guard = createGuard({ allowPrivateNetworks: true, ...(resolve !== undefined && { resolve }) });
  const vapid = createVapid({
    privateKey: createVapidKey(),
    contact: 'mailto:admin@example.org',
    now: Date.now,
  });
  const sender = createSender({ guard, vapid, ca, userAgent: 'Belfry/test', limits, now });
  return {
    service,
    sender,
    send(
      to = service.subscribe(),
      { text = 'Hello!', signal = new AbortController().signal, ...wishes } = {},
    ) {
      return sender.send({ ...requestFor(to, text), ...wishes }, signal);
    },
    async close() {
      await sender.stop();
      await service.close();
    },
  };
}

/** A message for a subscription, encrypted. */
export function requestFor({ endpoint, p256dh, auth }: TestSubscription, text: string): PushRequest {
  const keys = { p256dh: Buffer.from(p256dh, 'base64url'), auth: Buffer.from(auth, 'base64url') };
  return {
    endpoint,
    origin: new URL(endpoint).origin,
    body: encrypt(keys, Buffer.from(text)),
    ttl: 60,
    urgency: 'normal',
    topic: undefined,
  };
}
