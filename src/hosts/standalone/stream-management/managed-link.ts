import { AckQueue } from '../../../xmpp/ack-queue.js';
import type { Element } from '../../../xmpp/element.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import type { Delays } from '../delays.js';
import { stateKey } from '../latest-state.js';
import { keptCost } from '../queue-cost.js';
import type { Session, SessionLink } from '../session.js';
import { ClientWork } from './client-work.js';
import { answer, handledTooMany, request, resumed } from './protocol.js';
import { Waiters } from './waiters.js';

/** How a session ended that could have been resumed. */
export type EndOfWait = 'expired' | 'overflow' | 'ended';

/** Who looks after all links. */
export interface LinkKeeper {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly delays: Delays;
  /** Stanzas that are kept for a session without connection. */
  readonly maxQueued: number;
  /** A stanza was queued for a client that is not there, or does not seem to be. */
  queued(link: ManagedLink, stanza: Element): void;
  /** The client was asked what it has handled. */
  asked(link: ManagedLink): void;
  /** It has said so. */
  heard(link: ManagedLink): void;
  /** More is kept than may be. */
  overflowed(link: ManagedLink): void;
  /** The session is over. */
  ended(link: ManagedLink, how: EndOfWait): void;
}

interface Kept {
  readonly stanza: Element;
  /** When it was sent first, in Unix milliseconds. */
  readonly at: number;
  readonly cost: number;
}

/** Of what may be queued for a client without connection, how many times as much may be on its way to one that has one. */
const liveFactor = 10;
/** Bytes of what is not acknowledged, as `keptCost` counts. */
const maxKeptBytes = 4 * 1024 * 1024;
/** Who has much to send sends more of it when no more than this is on its way. */
const roomBytes = 1024 * 1024;
/** Bytes that are sent again at once. */
const replayBytes = 512 * 1024;

/**
 * The link of a session whose client uses stream management (XEP-0198). It outlives connections: whatever is sent is kept
 * until the client says that it has handled it, and is sent again on the next connection. There is one for most clients,
 * so it holds little while nothing happens.
 */
export class ManagedLink implements SessionLink {
  readonly session: Session;
  readonly transport: SessionLink['transport'];
  /** What the client resumes the session by; undefined if it cannot. */
  readonly id: string | undefined;
  /** Milliseconds that it waits for its client. */
  readonly patience: number;
  /** What the client sends. */
  readonly work = new ClientWork();
  readonly #keeper: LinkKeeper;
  /** The connection of the moment. */
  #connection: SessionLink | undefined;
  /** False while a new connection waits until what the client sent on the one before is done. */
  #isReady = true;
  #isOver = false;
  /** Since when there is no connection, by the server's clock in milliseconds. */
  #asleepSince = 0;
  readonly #queue = new AckQueue<Kept>();
  #keptBytes = 0;
  /** What was queued while there was no connection and tells of nothing but a state, by that state. */
  #states: Map<string, Kept> | undefined;
  /** What is kept is being sent again, a part at a time: new stanzas wait behind it. */
  #isReplaying = false;
  /** Sent before management began, and not known to have left. */
  #earlier: readonly Element[] = [];
  #isAsking = false;
  #isAboutToAsk = false;
  #sentWhenAsked = 0;
  #isLate = false;
  #isOverflowing = false;
  readonly #waiters = new Waiters();

  constructor(
    session: Session,
    keeper: LinkKeeper,
    { id, patience }: { readonly id: string | undefined; readonly patience: number },
  ) {
    this.session = session;
    this.transport = session.link.transport;
    this.id = id;
    this.patience = patience;
    this.#keeper = keeper;
    this.#connection = session.link;
  }

  get lang(): string | undefined {
    return this.#connection?.lang;
  }

  get connection(): SessionLink | undefined {
    return this.#connection;
  }

  /** Whether stanzas reach a connection. */
  get isAwake(): boolean {
    return this.#connection !== undefined && this.#isReady;
  }

  get isHibernating(): boolean {
    return this.#connection === undefined && !this.#isOver;
  }

  get asleepSince(): number {
    return this.#asleepSince;
  }

  /** Whether the client was asked in vain for too long, and has not said anything since. */
  get isLate(): boolean {
    return this.#isLate;
  }

  get unacknowledged(): readonly Element[] {
    return this.#queue.items.map(({ stanza }) => stanza);
  }

  send(stanza: Element): boolean {
    if (this.#isOver) return false;
    const kept = { stanza, at: this.#keeper.now(), cost: keptCost(stanza) };
    this.#queue.push(kept);
    this.#keptBytes += kept.cost;
    if (!this.isAwake) this.#supersede(kept);
    else if (!this.#isReplaying) this.#sendNext();
    if (this.#connection === undefined || this.#isLate) this.#keeper.queued(this, stanza);
    this.#checkBounds();
    return true;
  }

  written(): Promise<boolean> {
    if (this.#isOver || this.#hasRoom) return Promise.resolve(!this.#isOver);
    return this.#waiters.room();
  }

  arrived(): Promise<boolean> {
    const left = this.#queue.items.length;
    if (this.#isOver || left === 0) return Promise.resolve(!this.#isOver);
    return this.#waiters.arrival(left);
  }

  write(element: Element): void {
    if (this.isAwake) this.#connection?.write(element);
  }

  /** Ends the session for good. */
  end(error?: StreamError, how: EndOfWait = 'ended'): void {
    if (this.#isOver) return;
    if (this.work.settled() === undefined) this.answer();
    this.#connection?.end(error);
    this.#keeper.ended(this, how);
  }

  /** Answers the client how much was handled, when that is done. */
  answer(): void {
    this.work.tell((count) => this.write(answer(count)));
  }

  /**
   * The client has handled so many stanzas.
   * @throws {StreamError} `undefined-condition` if it was never sent so many
   */
  acknowledged(h: number): void {
    const isProgress = this.#acknowledge(h) || this.#queue.outstanding === 0;
    this.#isAsking = false;
    if (isProgress) this.#keeper.heard(this);
    // Who says again what it has said already is not asked again and again.
    const isNew = isProgress || this.#queue.sent !== this.#sentWhenAsked;
    if (isNew && this.#queue.outstanding > 0) this.#askSoon();
  }

  /** The client takes long to say what it has handled. Answers false if it was found to do so before. */
  becomeLate(): boolean {
    if (!this.#isAsking) this.#askSoon();
    const isNews = !this.#isLate;
    this.#isLate = true;
    return isNews;
  }

  /** The connection is lost; `earlier` is what it was given before management began and has not left. */
  hibernate(earlier: readonly Element[], now: number): void {
    this.#earlier = earlier;
    this.#connection = undefined;
    this.#isAsking = false;
    this.#isLate = false;
    this.#asleepSince = now;
  }

  /**
   * Another connection takes over, and the one before, if there is one, ends. The client has handled `h` stanzas. Nothing is
   * sent until `proceed`, so that the work which the old connection began can be waited for.
   * @throws {StreamError} as `acknowledged`; then nothing has changed
   */
  claim(connection: SessionLink, h: number): void {
    this.#acknowledge(h);
    const old = this.#connection;
    this.#connection = connection;
    this.#isReady = false;
    this.#isAsking = false;
    old?.end(new StreamError('conflict', 'The session goes on in another connection.'));
  }

  /**
   * Tells the client what was handled, and sends again what it has not acknowledged; answers how much that is. Undefined
   * if the session is over, or yet another connection has it.
   */
  proceed(connection: SessionLink, id: string): number | undefined {
    if (this.#connection !== connection || this.#isOver) return undefined;
    this.#isReady = true;
    this.#states = undefined;
    this.#isReplaying = false;
    this.#earlier = [];
    this.#queue.rewind();
    connection.write(resumed(id, this.work.count));
    const count = this.#queue.items.length;
    if (count > 0) void this.#replay(connection);
    return count;
  }

  /** Takes nothing more; gives back what the client has not acknowledged, with the times at which it was sent. */
  close(): readonly Element[] {
    this.#isOver = true;
    this.#connection = undefined;
    this.#waiters.tellEnd();
    return [...this.#earlier, ...this.#queue.items.map((kept) => this.#stamped(kept))];
  }

  /** A client that sleeps for long needs only the last of what its contacts' presence was. */
  #supersede(kept: Kept): void {
    const key = stateKey(kept.stanza);
    if (key === undefined) return;
    this.#states ??= new Map();
    const former = this.#states.get(key);
    this.#states.set(key, kept);
    const before = former === undefined ? -1 : this.#queue.drop(former);
    if (former === undefined || before === -1) return;
    this.#keptBytes -= former.cost;
    this.#waiters.tellDropped(before);
  }

  #sendNext(): void {
    const kept = this.#queue.next();
    if (kept === undefined) return;
    // Before the stanza: so the question goes into the same batch.
    this.#askSoon();
    this.#connection?.write(kept.stanza);
  }

  /** Part by part, so that the connection can take it. */
  async #replay(connection: SessionLink): Promise<void> {
    this.#isReplaying = true;
    do this.#replayPart(connection);
    while (this.#hasUnsent && (await connection.written()) && this.#connection === connection);
    if (this.#connection === connection) this.#isReplaying = false;
  }

  #replayPart(connection: SessionLink): void {
    this.#askSoon();
    let bytes = 0;
    while (bytes < replayBytes) {
      const kept = this.#queue.next();
      if (kept === undefined) return;
      connection.write(this.#stamped(kept));
      bytes += kept.cost;
    }
  }

  get #hasUnsent(): boolean {
    return this.#queue.outstanding < this.#queue.items.length;
  }

  #stamped({ stanza, at }: Kept): Element {
    return stanza.name === 'message' ? this.#keeper.delays.stamp(stanza, at) : stanza;
  }

  /** At the end of this turn of the event loop, about all that was sent in it. */
  #askSoon(): void {
    if (this.#isAsking || this.#isAboutToAsk) return;
    this.#isAboutToAsk = true;
    setImmediate(ask, this);
  }

  /** For `ask` alone. */
  askNow(): void {
    this.#isAboutToAsk = false;
    if (!this.isAwake || this.#isAsking || this.#queue.outstanding === 0) return;
    this.#isAsking = true;
    this.#sentWhenAsked = this.#queue.sent;
    this.#connection?.write(request);
    this.#keeper.asked(this);
  }

  /** Whether that was news. */
  #acknowledge(h: number): boolean {
    const news = this.#queue.acknowledge(h);
    if (news === undefined) throw handledTooMany(h, this.#queue.sent);
    for (const { cost } of news) this.#keptBytes -= cost;
    if (news.length > 0) this.#isLate = false;
    if (this.#hasRoom) this.#waiters.tellRoom();
    this.#waiters.tellArrived(news.length);
    return news.length > 0;
  }

  #checkBounds(): void {
    const { maxQueued } = this.#keeper;
    const max = this.#connection === undefined ? maxQueued : maxQueued * liveFactor;
    const isWithin = this.#queue.items.length <= max && this.#keptBytes <= maxKeptBytes;
    if (isWithin || this.#isOverflowing) return;
    this.#isOverflowing = true;
    this.#keeper.overflowed(this);
  }

  get #hasRoom(): boolean {
    return this.#queue.items.length <= this.#keeper.maxQueued / 2 && this.#keptBytes <= roomBytes;
  }
}

function ask(link: ManagedLink): void {
  link.askNow();
}
