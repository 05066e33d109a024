import type { PushOutcome, WebPush } from '../../web-push/web-push.js';
import { gatewaySender } from '../push-sender.js';
import type { GatewaySettings } from '../settings.js';
import type { GatewayRegistration } from '../store.js';
import { type Answer, answers } from './answers.js';
import type { Content } from './content.js';
import type { Fate } from './fate.js';
import { isExpired, messageOf, type Plan, ttlOf } from './message.js';
import { Newest } from './newest.js';
import { Rate } from './rate.js';
import type { UnderWay } from './under-way.js';

export interface DeliverOptions {
  readonly webPush: Pick<WebPush, 'push'>;
  readonly fate: Fate;
  readonly underWay: UnderWay;
  /** Those of the moment. */
  readonly settings: () => Pick<GatewaySettings, 'rateLimit' | 'ttl'>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Hands over to Web Push what was published for a registration. Never rejects. */
export type Deliver = (registration: GatewayRegistration, content: Content) => Promise<Answer>;

/** What is one of too many waits for the end of its minute, or for that part of its TTL, but so many milliseconds at least. */
const partOfTtl = 6;
const shortestWait = 10_000;

export function createDeliver(options: DeliverOptions): Deliver {
  const { webPush, fate, underWay, settings, now } = options;
  const rate = new Rate();
  const deferred = new Newest<PushOutcome>();

  function planOf({ node }: GatewayRegistration, ttl: number): Plan {
    const time = now();
    const end = rate.take(node, time, settings().rateLimit);
    if (end === undefined) {
      return { ttl, notBefore: underWay.isCrowded(node) ? time : undefined, isOfMany: false };
    }
    const wait = Math.max((ttl * 1_000) / partOfTtl, shortestWait);
    return { ttl, notBefore: Math.min(end, Math.ceil(time + wait)), isOfMany: true };
  }

  function push(registration: GatewayRegistration, content: Content, plan: Plan): Promise<PushOutcome> {
    const { node, endpoint, p256dh, auth } = registration;
    const subscription = { endpoint, origin: new URL(endpoint).origin, p256dh, auth };
    const message = messageOf(registration, content, plan);
    const send = () =>
      underWay.wait(node, (signal) => webPush.push(subscription, message, gatewaySender(node), signal));
    // What waits on disk is replaced there: of many at once, few have to get there.
    const replaces = plan.notBefore === undefined ? undefined : message.topic;
    return replaces === undefined ? send() : deferred.run(`${endpoint} ${replaces}`, send);
  }

  return async (registration, content) => {
    if (registration.onlyImportant && !content.isImportant) return answers.unwanted;
    if (isExpired(content, now())) return answers.tokenExpired;
    const plan = planOf(registration, ttlOf(content, settings().ttl, now()));
    const outcome = await push(registration, content, plan);
    const answer = await fate(registration, outcome);
    return plan.isOfMany && answer.outcome === 'queued' ? { ...answer, outcome: 'coalesced' } : answer;
  };
}
