import type { PushSender } from './web-push.js';

/** A message that is being sent, or is about to be. */
export class Sending implements PushSender {
  readonly endpoint: string;
  readonly topic: string | undefined;
  readonly service: string;
  readonly reference: string;
  /** It was claimed from the queue. */
  readonly isClaimed: boolean;
  /** It is not wanted any more: withdrawn, or a newer one has taken its place. */
  isVoid = false;
  /** Each of them ends the request that is under way. Many share them: one for each would cost more than all else. */
  readonly signals: readonly AbortSignal[];

  constructor(
    { endpoint, topic }: { readonly endpoint: string; readonly topic: string | undefined },
    { service, reference }: PushSender,
    isClaimed: boolean,
    signals: readonly AbortSignal[],
  ) {
    this.endpoint = endpoint;
    this.topic = topic;
    this.service = service;
    this.reference = reference;
    this.isClaimed = isClaimed;
    this.signals = signals;
  }

  /** One of them has ended it. */
  get isEnded(): boolean {
    return this.signals.some(({ aborted }) => aborted);
  }
}

/** Stands for a sender in a map. */
export function senderKey({ service, reference }: PushSender): string {
  return `${service} ${reference}`;
}

/** Stands for what replaces each other; undefined for what replaces nothing. */
export function topicKey(endpoint: string, topic: string | undefined): string | undefined {
  return topic === undefined ? undefined : `${endpoint} ${topic}`;
}

/** All messages that are being sent, by their senders. */
export class UnderWay {
  readonly #bySender = new Map<string, Set<Sending>>();
  #onIdle: (() => void) | undefined;

  enter(sending: Sending): void {
    const key = senderKey(sending);
    const others = this.#bySender.get(key);
    if (others === undefined) this.#bySender.set(key, new Set([sending]));
    else others.add(sending);
  }

  leave(sending: Sending): void {
    const key = senderKey(sending);
    const others = this.#bySender.get(key);
    if (others === undefined || !others.delete(sending) || others.size > 0) return;
    this.#bySender.delete(key);
    if (this.#bySender.size === 0) this.#onIdle?.();
  }

  /** Those of a sender are not wanted any more, at one endpoint or wherever they go. */
  withdraw(endpoint: string | undefined, sender: PushSender): void {
    for (const sending of this.#at(endpoint, sender)) sending.isVoid = true;
  }

  /** The same of those from the queue alone: others are newer. */
  withdrawClaimed(endpoint: string | undefined, sender: PushSender): void {
    for (const sending of this.#at(endpoint, sender)) if (sending.isClaimed) sending.isVoid = true;
  }

  /** Those from the queue that a newer message stands for are not wanted any more. */
  supersede(newer: Sending): void {
    if (newer.topic === undefined) return;
    for (const sending of this.#at(newer.endpoint, newer)) {
      if (sending.isClaimed && sending.topic === newer.topic) sending.isVoid = true;
    }
  }

  /** Resolves when there are none. */
  idle(): Promise<void> {
    if (this.#bySender.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Those of a sender, at one endpoint or wherever they go. */
  #at(endpoint: string | undefined, sender: PushSender): Sending[] {
    const all = [...(this.#bySender.get(senderKey(sender)) ?? [])];
    return endpoint === undefined ? all : all.filter((sending) => sending.endpoint === endpoint);
  }
}
