import { createGuard } from '../../../src/net/guard.js';
import { createCredentials } from '../../../src/services/gateway/credentials.js';
import { createGateway } from '../../../src/services/gateway/service.js';
import type { GatewaySettings } from '../../../src/services/gateway/settings.js';
import type { GatewayRegistration } from '../../../src/services/gateway/store.js';
import type {
  PushMessage,
  PushOutcome,
  PushSender,
  SealedMessage,
  WebPush,
} from '../../../src/services/web-push/web-push.js';
import type { Subscription } from '../../../src/web-push/subscription.js';
import type { Element } from '../../../src/xmpp/element.js';
import { Jid } from '../../../src/xmpp/jid.js';
import { StanzaError } from '../../../src/xmpp/stanza-error.js';
import { FakeClock } from '../fake-clock.js';
import { FakeHost } from '../fake-host.js';
import { FakeWebPush } from '../fake-web-push.js';
import { MemoryGatewayStore } from '../memory-gateway-store.js';
import { recordingEvents } from '../recording-events.js';
import { dawn } from '../web-push-stage.js';
import { notification, publish } from './requests.js';

/** Web Push whose messages end as `answer` says, when it does. */
class WaitingWebPush extends FakeWebPush {
  readonly signals: AbortSignal[] = [];
  answer: ((signal: AbortSignal) => Promise<PushOutcome>) | undefined;

  override async push(
    subscription: Subscription,
    message: PushMessage | SealedMessage,
    sender: PushSender,
    signal = new AbortController().signal,
  ): Promise<PushOutcome> {
    this.signals.push(signal);
    const outcome = await super.push(subscription, message, sender);
    return this.answer === undefined ? outcome : this.answer(signal);
  }
}

export interface GatewayStageOptions<W extends WebPush> {
  readonly webPush: W;
  readonly clock?: FakeClock;
  readonly settings?: Partial<GatewaySettings>;
}

const key = Buffer.alloc(32, 7);

/** Nobody guesses them, and they are the same each time. */
function countingBytes(): (size: number) => Uint8Array {
  let count = 0;
  return (size) => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt16BE(++count);
    return bytes;
  };
}

/** The gateway on a host without a network; what it sends goes to the Web Push that the test has. */
export function gatewayStageWith<W extends WebPush>({
  webPush,
  clock = new FakeClock(),
  settings: given = {},
}: GatewayStageOptions<W>) {
  const host = new FakeHost('push.example.org');
  const store = new MemoryGatewayStore();
  const { events, recorded } = recordingEvents();
  const settings = { maxDevices: 10, rateLimit: 60, ttl: 259_200, ...given };
  const randomBytes = countingBytes();
  const credentials = createCredentials({ key, randomBytes });
  const now = () => dawn + clock.now();
  const gateway = createGateway({
    ...{ host, store, webPush, key, clock, now, randomBytes, events },
    guard: createGuard({ allowPrivateNetworks: false, resolve: async () => ['192.0.2.1'] }),
    acl: ['example.org', 'example.com'].map((domain) => Jid.parse(domain)),
    settings: () => settings,
  });

  /** Another device of an account, as if it had registered. */
  const register = (some: Partial<GatewayRegistration> = {}) => {
    const node = credentials.createNode();
    const registration: GatewayRegistration = {
      node,
      account: 'ana@example.org',
      device: node,
      endpoint: `https://updates.example.net/${node}`,
      p256dh: new Uint8Array(65),
      auth: new Uint8Array(16),
      onlyImportant: false,
      renewedAt: dawn,
      failures: 0,
      ...some,
    };
    store.rows = [...store.rows, registration];
    return { ...registration, secret: credentials.secretOf(registration.node) };
  };
  type Registered = ReturnType<typeof register>;

  const receive = async (from: string, payload: Element) => {
    try {
      const result = await host.receiveIq('set', from, payload);
      return result === undefined ? 'result' : result.name;
    } catch (error) {
      if (error instanceof StanzaError) return `${error.type}/${error.condition}`;
      throw error;
    }
  };

  return {
    ...{ gateway, host, store, webPush, clock, settings, recorded, credentials, register, receive },
    /** Answers `result`, or type and condition of the error. */
    publish: (
      { node, secret, account }: Registered,
      content: Element = notification({ 'message-count': '1', 'last-message-body': 'New Message!' }),
      from = Jid.parse(account).domain,
    ) => receive(from, publish(node, secret, content)),
    /** Answers `taken`, or type and condition of the error. */
    notify: async (from: string, payload: Element) => {
      try {
        await host.receiveMessage(from, payload);
        return 'taken';
      } catch (error) {
        if (error instanceof StanzaError) return `${error.type}/${error.condition}`;
        throw error;
      }
    },
    /** How publishes have ended, as far as is told. */
    outcomes: () => recorded.flatMap((event) => (event.name === 'gatewayPublish' ? [event.outcome] : [])),
  };
}

/** The same with a Web Push that delivers all, if the test says nothing else. */
export function gatewayStage(settings: Partial<GatewaySettings> = {}) {
  return gatewayStageWith({ webPush: new WaitingWebPush(), settings });
}
