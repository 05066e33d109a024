import { randomBytes } from 'node:crypto';
import type { Channel, Notification, Outcome, Rules, Target } from '../../src/services/notify/channel.js';
import type { Registration } from '../../src/services/notify/registrations/registration.js';
import { createNotify, type Notify, type NotifySettings } from '../../src/services/notify/service.js';
import type { NotifyStore } from '../../src/services/notify/store.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { bareOf, Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { FakeAccountHost, type FakeSession } from './fake-account-host.js';
import { FakeClock } from './fake-clock.js';
import { MemoryNotifyStore } from './memory-notify-store.js';
import { recordingEvents } from './recording-events.js';

/** A delivery that the channel of the stage was asked for. */
export interface Delivery {
  readonly client: string;
  readonly notification: Notification;
  readonly signal: AbortSignal;
}

type Answer = Outcome | Promise<Outcome> | (() => Outcome | Promise<Outcome>);

const channelName = 'test';
const openRules: Rules = { whileAway: false, ignoresUnknown: false, muted: new Set(), rooms: undefined };

/** The service with one channel, whose devices answer as the test says, on a clock that the test turns. */
export class NotifyStage {
  readonly account = Jid.parse('ana@example.org');
  readonly host = new FakeAccountHost();
  readonly clock = new FakeClock();
  /** Unix milliseconds when the clock shows 0. */
  epoch = 1_800_000_000_000;
  readonly settings: { -readonly [K in keyof NotifySettings]: NotifySettings[K] } = {
    maxErrors: 3,
    maxHibernationTimeout: 259_200,
    collectionTime: 1_000,
  };
  /** Registrations that the account may have. */
  maxDevices = 5;
  readonly notify: Notify;
  readonly deliveries: Delivery[] = [];
  /** How the next deliveries end, in order; then each ends as `answer` says. */
  readonly answers: Answer[] = [];
  answer: Answer = { kind: 'delivered' };
  readonly rules = new Map<string, Partial<Rules>>();
  /** Whether devices are told of each sender by himself; of those that are opened from then on. */
  hasTopics = false;
  /** The addresses of devices for which the channel was told to forget what it keeps. */
  readonly withdrawn: string[] = [];
  readonly #keepsQueue: boolean;
  readonly #recording = recordingEvents();
  #messages = 0;

  /** `keepsQueue`: the channel keeps on disk what it could not deliver. */
  constructor(store: NotifyStore = new MemoryNotifyStore(), keepsQueue = false) {
    this.#keepsQueue = keepsQueue;
    this.notify = createNotify({
      host: this.host,
      store,
      settings: () => this.settings,
      clock: this.clock,
      now: () => this.now,
      randomBytes: (size) => randomBytes(size),
      events: this.#recording.events,
    });
    const channel: Channel = {
      name: channelName,
      keepsQueue,
      maxDevices: () => this.maxDevices,
      open: ({ address }) => this.#target(address),
    };
    this.notify.registrations.addChannel(channel);
  }

  get now(): number {
    return this.epoch + this.clock.now();
  }

  /** What each delivery said, in short. */
  get told(): readonly string[] {
    return this.deliveries.map(({ client, notification: { level, kind, stanza, count } }) =>
      [client, level, kind, stanza?.attr('id') ?? '-', count].join(' '),
    );
  }

  /** The events of that name. */
  events(name: string): readonly object[] {
    return this.#recording.recorded.filter((event) => event.name === name);
  }

  /** Why notifications were dropped, in order. */
  get dropped(): readonly string[] {
    return this.#recording.recorded.flatMap((event) =>
      event.name === 'notificationDropped' ? [event.why] : [],
    );
  }

  /** Registers a device for a client; its address is the client's name, unless the test says otherwise. */
  async enable(client = 'phone', address = client): Promise<Registration> {
    const wish = { channel: channelName, client, address, details: '' };
    await this.notify.registrations.enable(this.account, wish);
    return this.device(address);
  }

  async disable(address = 'phone'): Promise<void> {
    const isIt = (registration: Registration) => registration.address === address;
    await this.notify.registrations.disable(this.account, channelName, isIt, 'client');
  }

  async device(address = 'phone'): Promise<Registration> {
    const all = await this.notify.registrations.of(this.account);
    const device = all.find((one) => one.address === address);
    if (device === undefined) throw new Error(`no device ${address}`);
    return device;
  }

  async ping(address = 'phone'): Promise<Outcome> {
    return this.notify.ping(await this.device(address));
  }

  /** A session of the account; `sessionBegun` is not fired. */
  session(client = 'phone', options: { isHibernating?: boolean; presence?: Element } = {}): FakeSession {
    return this.host.addSession(`${this.account}/${client}`, options);
  }

  /** A message for the account. Unless it says otherwise its id counts from `m1`. */
  chat({ id, from }: { id?: string; from?: string } = {}): Element {
    this.#messages++;
    const attrs = {
      id: id ?? `m${this.#messages}`,
      from: from ?? 'ben@example.net/x',
      to: `${this.account}`,
    };
    return message({ ...attrs, type: 'chat' }, el('body', ns.client, {}, 'hello'));
  }

  /** One that is worth no more than that a device looks. */
  retraction(from = 'eve@example.net/x'): Element {
    return message(
      { id: 'r', from, to: `${this.account}`, type: 'chat' },
      el('retract', ns.retraction, { id: 'm0' }),
    );
  }

  call(id = 'c1', name = 'propose'): Element {
    return message(
      { id, from: 'ben@example.net/x', to: `${this.account}`, type: 'chat' },
      el(name, ns.callSignals, { id: 's1' }),
    );
  }

  /** A message was kept for the account. */
  async offline(stanza: Element = this.chat()): Promise<void> {
    await this.host.offlineMessage.fire(this.account, stanza);
    await this.settle();
  }

  async archived(
    stanza: Element = this.chat(),
    direction: 'incoming' | 'outgoing' = 'incoming',
  ): Promise<void> {
    await this.host.archived.fire(this.account, { id: 'a1', direction, stanza });
    await this.settle();
  }

  /** Somebody calls: the first that is heard of it. */
  async calls(stanza: Element = this.call()): Promise<void> {
    await this.host.received.fire(this.account, stanza);
    await this.settle();
  }

  /** The session loses its connection. */
  async sleeps(session: FakeSession, ...unacknowledged: Element[]): Promise<void> {
    session.isHibernating = true;
    await this.host.hibernationStart.fire(session, unacknowledged);
    await this.settle();
  }

  async resumes(session: FakeSession): Promise<void> {
    session.isHibernating = false;
    await this.host.hibernationEnd.fire(session, 'resumed');
    await this.settle();
  }

  /** Time passes, and what it sets off is done. */
  async pass(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds);
    await this.settle();
  }

  /** All that can be done without time passing is done. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  #target(address: string): Target {
    const { rules } = this;
    return {
      service: 'push.example.net',
      get rules() {
        return { ...openRules, ...rules.get(address) };
      },
      ...(this.hasTopics && { topicOf: (stanza) => bareOf(stanza.attr('from') ?? '') }),
      ...(this.#keepsQueue && { withdraw: () => void this.withdrawn.push(address) }),
      deliver: (notification, signal) => {
        this.deliveries.push({ client: address, notification, signal });
        const answer = this.answers.shift() ?? this.answer;
        return Promise.resolve(typeof answer === 'function' ? answer() : answer);
      },
    };
  }
}

/** A stage whose account has one device, for the client `phone`. */
export async function stageWithPhone(): Promise<NotifyStage> {
  const stage = new NotifyStage();
  await stage.enable();
  return stage;
}

/** An outcome that the test makes known later. */
export function pendingOutcome(): {
  readonly promise: Promise<Outcome>;
  readonly settle: (outcome: Outcome) => void;
} {
  let settle: (outcome: Outcome) => void = () => {};
  const promise = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}

export const retry: Outcome = { kind: 'retry', reason: 'not now' };
export const rejected: Outcome = { kind: 'rejected', reason: 'not this' };
export const delivered: Outcome = { kind: 'delivered' };
export const queued: Outcome = { kind: 'queued', reason: 'not yet' };

/** A message is told of, and not answered before what is returned is called. */
export async function tellWithoutAnswer(stage: NotifyStage): Promise<(outcome: Outcome) => void> {
  const { promise, settle } = pendingOutcome();
  stage.answers.push(promise);
  await stage.offline();
  await stage.pass(1_000);
  return settle;
}
