import type { IqHandler, MessageHandler } from '../../../hosts/host.js';
import type { Guard } from '../../../net/guard.js';
import type { Events } from '../../../observability/events.js';
import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Acl } from '../../acl.js';
import type { Credentials } from '../credentials.js';
import type { GatewayRegistration, GatewayStore } from '../store.js';
import { type Answer, answers, malformed } from './answers.js';
import type { Content } from './content.js';
import type { Deliver } from './deliver.js';
import { refusedFor } from './judge.js';
import { readPublish } from './read-publish.js';
import { readPush2 } from './read-push2.js';
import type { UnderWay } from './under-way.js';

export interface PublishesOptions {
  readonly store: Pick<GatewayStore, 'find' | 'findByEndpoint'>;
  readonly credentials: Pick<Credentials, 'check'>;
  readonly guard: Pick<Guard, 'parse'>;
  /** The list of the moment. */
  readonly acl: () => Acl;
  readonly deliver: Deliver;
  readonly underWay: UnderWay;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: Pick<Events, 'gatewayPublish' | 'storageFailed'>;
}

/** What servers publish, as requests (XEP-0357) and as messages (Push 2.0). */
export interface Publishes {
  readonly takeIq: IqHandler;
  readonly takeMessage: MessageHandler;
}

/** Whom a publish is for: who may be it at the moment, and what its sender hears if that is nobody. */
interface Target {
  readonly find: () => Promise<readonly GatewayRegistration[]>;
  readonly ifNone: Answer;
}

/** Accounts of one server in one browser that are looked at: strangers may have registered its endpoint, too, as often as they like. */
const mostOfEndpoint = 10;

/**
 * The way of a publish: shape, credentials, sender, registration, ACL; then delivery. What is refused goes no further, and what is
 * forged not as far as the database.
 */
export function createPublishes(options: PublishesOptions): Publishes {
  const { store, credentials, guard, acl, deliver, underWay, now, events } = options;

  async function answer(from: Jid, work: () => Promise<Answer>): Promise<undefined> {
    const started = now();
    const { outcome, reason, error } = await underWay.run(work().catch(answerToThrown));
    // The clock may be set back meanwhile; no publish took less than no time.
    const seconds = Math.max(0, now() - started) / 1_000;
    events.gatewayPublish({ from: from.domain, outcome, ...(reason !== undefined && { reason }), seconds });
    if (error !== undefined) throw error;
  }

  async function publish(from: Jid, pubsub: Element): Promise<Answer> {
    const { node, secret, content } = readPublish(pubsub);
    const verdict = credentials.check(node, secret);
    if (verdict !== 'valid') return verdict === 'wrong-secret' ? answers.wrongSecret : answers.unknown;
    if (from.isFull) return answers.notByServer;
    const find = async () => [await store.find(node)].filter(isThere);
    return deliverTo({ find, ifNone: answers.gone }, from, content);
  }

  async function notify(from: Jid, notification: Element): Promise<Answer> {
    const { client, content } = readPush2(notification);
    if (from.isFull) return answers.notByServer;
    const url = guard.parse(client);
    if (url.kind === 'refused') return answers.unknown;
    const find = () => store.findByEndpoint(url.href, from.toString(), mostOfEndpoint);
    return deliverTo({ find, ifNone: answers.unknown }, from, content);
  }

  /** Servers do not publish again: what is answered `gone` by a place that the device has left just now goes to its new one. */
  async function deliverTo(target: Target, from: Jid, content: Content): Promise<Answer> {
    const answer = await deliverNow(target, from, content);
    return answer === answers.renewedMeanwhile ? deliverNow(target, from, content) : answer;
  }

  /** To the first of them that this sender may publish for. */
  async function deliverNow({ find, ifNone }: Target, from: Jid, content: Content): Promise<Answer> {
    const found = await lookUp(find);
    if ('outcome' in found) return found;
    let refusal = ifNone;
    for (const registration of found) {
      const refused = refusedFor(from, registration, acl());
      if (refused === undefined) return deliver(registration, content);
      refusal = refused;
    }
    return refusal;
  }

  async function lookUp(find: Target['find']): Promise<readonly GatewayRegistration[] | Answer> {
    try {
      return await find();
    } catch (error) {
      events.storageFailed({ what: 'gateway look-up', error });
      return answers.storageFailed;
    }
  }

  return {
    takeIq: ({ from, payload }) => answer(from, () => publish(from, payload)),
    takeMessage: ({ from, payload }) => answer(from, () => notify(from, payload)),
  };
}

const isThere = (found: GatewayRegistration | undefined) => found !== undefined;

function answerToThrown(error: unknown): Answer {
  if (error instanceof StanzaError) return malformed(error);
  throw error;
}
