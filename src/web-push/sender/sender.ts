import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { Guard } from '../../net/guard.js';
import type { OutgoingUrl } from '../../net/outgoing-url.js';
import type { PushRequest, Sender, SendOutcome } from '../request.js';
import type { Vapid } from '../vapid.js';
import { AbortGroups } from './abort-groups.js';
import { Delivery } from './delivery.js';
import { defaultSenderLimits, type SenderLimits } from './limits.js';
import { Origin } from './origin.js';

export interface SenderOptions {
  readonly guard: Guard;
  readonly vapid: Pick<Vapid, 'authorization'>;
  /** PEM of authorities that count beside the well-known ones. */
  readonly ca?: readonly string[];
  readonly userAgent: string;
  readonly limits?: Partial<SenderLimits>;
  /** Unix milliseconds; the machine's clock by default. */
  readonly now?: () => number;
}

type Url = Extract<OutgoingUrl, { readonly kind: 'url' }>;

/**
 * Sends push messages (RFC 8030 §5) by HTTP/2, or HTTP/1.1 where that is all there is, with a few connections to each push
 * service that are kept for a while. It goes nowhere but where the guard lets it, follows no redirects, and knows no proxies.
 */
export function createSender(options: SenderOptions): Sender {
  return new PushSender(options);
}

class PushSender implements Sender {
  readonly #options: SenderOptions;
  readonly #limits: SenderLimits;
  readonly #now: () => number;
  readonly #secureContext: SecureContext;
  readonly #origins = new Map<string, Origin>();
  /** Those of them that have nothing to do, the idlest first. */
  readonly #idle = new Set<Origin>();
  readonly #aborts = new AbortGroups();
  #isStopped = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#limits = { ...defaultSenderLimits, ...options.limits };
    this.#now = options.now ?? Date.now;
    const ca = options.ca !== undefined && { ca: [...rootCertificates, ...options.ca] };
    this.#secureContext = createSecureContext({ ...ca, minVersion: 'TLSv1.2' });
  }

  send(request: PushRequest, ...signals: readonly AbortSignal[]): Promise<SendOutcome> {
    const url = this.#options.guard.parse(request.endpoint);
    if (url.kind === 'refused') return Promise.resolve({ kind: 'rejected', reason: url.why });
    if (!isTopic(request.topic)) return Promise.resolve({ kind: 'rejected', reason: 'Its topic is none.' });
    if (!isAuthorization(request.authorization)) {
      return Promise.resolve({ kind: 'rejected', reason: 'Its authorization is none.' });
    }
    if (this.#isStopped || signals.some(({ aborted }) => aborted))
      return Promise.resolve(notSent('It was stopped.'));
    const origin = this.#originOf(url);
    if (origin === undefined) return Promise.resolve(notSent('There are too many push services at once.'));
    return new Promise((resolve) => {
      const delivery: Delivery = new Delivery({
        path: url.href.slice(url.origin.length),
        headers: this.#headersFor(request, url.origin),
        body: request.body,
        answerTime: this.#limits.answerTime,
        now: this.#now,
        onOutcome: resolve,
        onFinish: () => {
          for (const signal of signals) this.#aborts.remove(signal, delivery);
          origin.finished();
        },
      });
      for (const signal of signals) this.#aborts.add(signal, delivery);
      origin.submit(delivery);
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const origin of this.#origins.values()) origin.close();
  }

  #headersFor(
    { ttl, urgency, topic, body, authorization }: PushRequest,
    origin: string,
  ): Readonly<Record<string, string>> {
    const headers: Record<string, string> = {
      authorization: authorization ?? this.#options.vapid.authorization(origin),
      'content-encoding': 'aes128gcm',
      'content-length': String(body.length),
      'content-type': 'application/octet-stream',
      ttl: String(ttl),
      urgency,
      'user-agent': this.#options.userAgent,
    };
    if (topic !== undefined) headers['topic'] = topic;
    return headers;
  }

  /** Undefined if there are too many, and all are at work. */
  #originOf(url: Url): Origin | undefined {
    const known = this.#origins.get(url.origin);
    if (known !== undefined) return known;
    if (this.#origins.size >= this.#limits.origins) {
      const [idlest] = this.#idle;
      if (idlest === undefined) return undefined;
      idlest.close();
    }
    return this.#add(url);
  }

  #add({ origin: name, hostname, port }: Url): Origin {
    const origin: Origin = new Origin({
      origin: name,
      hostname,
      port,
      lookup: this.#options.guard.lookup,
      secureContext: this.#secureContext,
      limits: this.#limits,
      onBusy: () => this.#idle.delete(origin),
      onIdle: () => this.#idle.add(origin),
      onClosed: () => {
        this.#idle.delete(origin);
        this.#origins.delete(name);
      },
    });
    this.#origins.set(name, origin);
    return origin;
  }
}

const notSent = (reason: string): SendOutcome => ({ kind: 'retry', reason, isUnreachable: false });

/** Most of what a header may say that somebody else has written. */
const longestAuthorization = 4_096;

/** A scheme and what belongs to it, in printable ASCII (RFC 9110 §11.4), if somebody has written one. */
const isAuthorization = (text: string | undefined) =>
  text === undefined || (text.length <= longestAuthorization && /^[\w-]+ [!-~](?:[ -~]*[!-~])?$/.test(text));

/** Up to 32 characters of base64url, if there is one (RFC 8030 §5.4): nothing else becomes a header. */
const isTopic = (topic: string | undefined) => topic === undefined || /^[\w-]{1,32}$/.test(topic);
