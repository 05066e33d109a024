import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { Element } from '../../../xmpp/element.js';
import { RandomText } from '../../../xmpp/random-text.js';
import type { StanzaCondition } from '../../../xmpp/stanza-error.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import type { AccountIdentity } from '../account.js';
import type { Delays } from '../delays.js';
import type { Hooks } from '../hooks.js';
import { quietly } from '../quietly.js';
import type { Session, SessionLink } from '../session.js';
import type { StandaloneSettings } from '../settings.js';
import { Expiries } from './expiries.js';
import { type EndOfWait, type LinkKeeper, ManagedLink } from './managed-link.js';
import { enabled, failed, parseCount, parseEnable, parseResume } from './protocol.js';

export interface StreamManagementOptions {
  readonly settings: Pick<StandaloneSettings, 'smacks'>;
  readonly hooks: Pick<Hooks, 'ackDelayed' | 'hibernationStart' | 'hibernationQueued' | 'hibernationEnd'>;
  readonly events: Pick<
    Events,
    | 'acknowledgementDelayed'
    | 'handlerFailed'
    | 'hibernationEnded'
    | 'resumptionFailed'
    | 'sessionHibernated'
    | 'sessionResumed'
  >;
  readonly clock: Clock;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly delays: Delays;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Whether the session is still one of its account's. */
  readonly isCurrent: (session: Session) => boolean;
  /** Ends a session for good: has to call `release`. */
  readonly finish: (link: ManagedLink, how: EndOfWait) => void;
}

/** What is remembered of a session that is over. */
interface Ended {
  readonly accountId: number;
  readonly handled: number;
  /** What of that was still under way to the disk. */
  readonly underWay: Promise<void> | undefined;
}

/** Sessions that ended lately and whose clients may still ask what was handled; the oldest are forgotten first. */
const maxEnded = 10_000;

/** Milliseconds in which a client that is awake has answered. */
const usualAckDelay = 1_000;

/** Sessions that outlive their connections (XEP-0198), and what they are told. */
export class StreamManagement implements LinkKeeper {
  readonly now: () => number;
  readonly delays: Delays;
  readonly #options: StreamManagementOptions;
  readonly #ids: RandomText;
  /** Sessions that can be resumed, by what their clients call them. */
  readonly #resumable = new Map<string, ManagedLink>();
  readonly #ended = new Map<string, Ended>();
  /** Sessions without connection. */
  readonly #asleep: Expiries<ManagedLink>;
  /** Sessions whose clients were asked what they have handled, and have not said. */
  readonly #asked: Expiries<ManagedLink>;

  constructor(options: StreamManagementOptions) {
    const { clock, now, delays, randomBytes } = options;
    this.#options = options;
    this.now = now;
    this.delays = delays;
    this.#ids = new RandomText(randomBytes);
    this.#asleep = new Expiries(clock, (link) => link.end(undefined, 'expired'));
    this.#asked = new Expiries(clock, (link) => this.#late(link));
  }

  get maxQueued(): number {
    return this.#options.settings.smacks.maxQueueSize;
  }

  /**
   * Takes an element of a client that has bound a resource.
   * @throws {StreamError} `undefined-condition` if it acknowledges what it was never sent, `bad-format` for a number that is
   *   none, `unsupported-stanza-type` for an element that does not belong here
   */
  take(session: Session, element: Element): void {
    const { link } = session;
    const isManaged = link instanceof ManagedLink;
    if (element.name === 'enable' && !isManaged) link.write(this.#enable(session, element));
    else if (!isManaged || element.name === 'enable' || element.name === 'resume')
      link.write(failed('unexpected-request'));
    else if (element.name === 'r') link.answer();
    else if (element.name === 'a') link.acknowledged(countOf(element));
    else throw new StreamError('unsupported-stanza-type', 'This is no part of stream management.');
  }

  /** Begins to manage a session's stream (XEP-0198 §3); answers what the client is told. */
  #enable(session: Session, element: Element): Element {
    const wish = parseEnable(element);
    if (wish === undefined) return failed('bad-request');
    const { hibernationTime } = this.#options.settings.smacks;
    const max = Math.min(wish.max ?? hibernationTime, hibernationTime);
    const id = wish.isResumable && max > 0 ? this.#ids.next() : undefined;
    const link = new ManagedLink(session, this, { id, patience: max * 1_000 });
    session.link = link;
    if (id === undefined) return enabled();
    this.#resumable.set(id, link);
    return enabled({ id, max });
  }

  /**
   * Takes up a session in another connection (XEP-0198 §5), and tells the client how that went. Undefined if there is no
   * such session of the account, or yet another connection has taken it meanwhile.
   * @throws {StreamError} (as rejection) if the client acknowledges what it was never sent
   */
  async resume(
    account: AccountIdentity,
    element: Element,
    connection: SessionLink,
  ): Promise<Session | undefined> {
    const wish = parseResume(element);
    if (wish === undefined) return this.#refuse(account, connection, 'bad-request');
    const { id, h } = wish;
    const link = this.#find(id, account);
    if (link === undefined) {
      const handled = await this.#handled(id, account);
      return this.#refuse(account, connection, 'item-not-found', handled);
    }
    const { session, isAwake } = link;
    link.claim(connection, h);
    // For those who count: a session that is taken from a live connection has slept for no time.
    if (isAwake) this.#options.events.sessionHibernated({ jid: session.account.jid.toString() });
    this.#asleep.delete(link);
    this.#asked.delete(link);
    await link.work.settled();
    const replayed = link.proceed(connection, id);
    if (replayed === undefined) return undefined;
    this.#tell('hibernationEnd', () => this.#options.hooks.hibernationEnd.run(session, 'resumed'));
    const { transport } = connection;
    this.#options.events.sessionResumed({ jid: session.account.jid.toString(), transport, replayed });
    return session;
  }

  /**
   * The session's connection is lost: it waits for its client, if that may resume it. False if not. `earlier` is what the
   * connection was given before management began and has not left.
   */
  hibernate(link: ManagedLink, earlier: readonly Element[]): boolean {
    if (link.id === undefined) return false;
    link.hibernate(earlier, this.#options.clock.now());
    this.#asked.delete(link);
    this.#asleep.set(link, link.patience);
    const { session } = link;
    this.#options.events.sessionHibernated({ jid: session.account.jid.toString() });
    this.#tell('hibernationStart', () =>
      this.#options.hooks.hibernationStart.run(session, link.unacknowledged),
    );
    return true;
  }

  /** As `Server.extendHibernation`. */
  extend(session: Session, seconds: number): boolean {
    const { link } = session;
    if (!(link instanceof ManagedLink) || !this.#asleep.has(link)) return false;
    this.#asleep.extend(link, seconds * 1_000);
    return true;
  }

  /** As `Server.endExtension`. */
  endExtension({ link }: Session): boolean {
    if (!(link instanceof ManagedLink) || !this.#asleep.has(link)) return false;
    this.#asleep.set(link, link.patience);
    return true;
  }

  /** As `Server.takeSilentForLate`. */
  takeSilentForLate(): void {
    this.#asked.hasten(Math.max(0, this.#options.settings.smacks.maxAckDelay * 1_000 - usualAckDelay));
  }

  /** Forgets a session that is over; answers what its client did not acknowledge. */
  release(link: ManagedLink, how: EndOfWait): readonly Element[] {
    const { session, id, isAwake } = link;
    this.#asleep.delete(link);
    this.#asked.delete(link);
    if (id !== undefined) this.#forget(id, link);
    const unacknowledged = link.close();
    if (isAwake) return unacknowledged;
    const lost = unacknowledged.length;
    this.#options.events.hibernationEnded({ jid: session.account.jid.toString(), how, lost });
    this.#tell('hibernationEnd', () => this.#options.hooks.hibernationEnd.run(session, how));
    return unacknowledged;
  }

  /** Waits for nothing any more. */
  stop(): void {
    this.#asleep.clear();
    this.#asked.clear();
  }

  queued({ session }: ManagedLink, stanza: Element): void {
    this.#tell('hibernationQueued', () => this.#options.hooks.hibernationQueued.run(session, stanza));
  }

  asked(link: ManagedLink): void {
    if (!this.#asked.has(link)) this.#asked.set(link, this.#options.settings.smacks.maxAckDelay * 1_000);
  }

  heard(link: ManagedLink): void {
    this.#asked.delete(link);
  }

  /** A moment later: whoever is just sending to many sessions has to be done first. */
  overflowed(link: ManagedLink): void {
    const error = new StreamError('resource-constraint', 'The client does not acknowledge what it is sent.');
    queueMicrotask(() => link.end(error, 'overflow'));
  }

  ended(link: ManagedLink, how: EndOfWait): void {
    this.#options.finish(link, how);
  }

  #late(link: ManagedLink): void {
    if (!link.becomeLate()) return;
    const { session } = link;
    this.#options.events.acknowledgementDelayed({ jid: session.account.jid.toString() });
    this.#tell('ackDelayed', () => this.#options.hooks.ackDelayed.run(session, link.unacknowledged));
  }

  #find(id: string, account: AccountIdentity): ManagedLink | undefined {
    const link = this.#resumable.get(id);
    const isTheirs = link?.session.account.id === account.id && this.#options.isCurrent(link.session);
    return isTheirs ? link : undefined;
  }

  /** What was handled of a session of the account that is over, when all of it is done. */
  async #handled(id: string, account: AccountIdentity): Promise<number | undefined> {
    const ended = this.#ended.get(id);
    if (ended?.accountId !== account.id) return undefined;
    await ended.underWay;
    return ended.handled;
  }

  #refuse(
    { jid }: AccountIdentity,
    connection: SessionLink,
    condition: StanzaCondition,
    handled?: number,
  ): undefined {
    connection.write(failed(condition, handled));
    this.#options.events.resumptionFailed({ jid: jid.toString(), reason: condition });
  }

  /** Only what was handled is remembered for a while. */
  #forget(id: string, link: ManagedLink): void {
    this.#resumable.delete(id);
    const accountId = link.session.account.id;
    this.#ended.set(id, { accountId, handled: link.work.count, underWay: link.work.settled() });
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= maxEnded) return;
      this.#ended.delete(oldest);
    }
  }

  /** Nobody waits for who listens. */
  #tell(what: string, run: () => void | Promise<void>): void {
    void quietly(this.#options.events, what, run);
  }
}

function countOf(element: Element): number {
  const h = parseCount(element);
  if (h === undefined) throw new StreamError('bad-format', 'The h of an acknowledgement is a number.');
  return h;
}
