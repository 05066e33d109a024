import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import type { StanzaError } from '../../xmpp/stanza-error.js';
import type { Account } from './account.js';
import type { Session } from './session.js';

type Outcome = void | Promise<void>;

/** A message in an account's archive. */
export interface ArchivedMessage {
  /** The archive's id of it (XEP-0359). */
  readonly id: string;
  /** Whether the account received it or sent it. */
  readonly direction: 'incoming' | 'outgoing';
  readonly stanza: Element;
}

/** All listeners are called, in the order in which their modules are listed; each waits for the one before. */
export interface Hook<Args extends readonly unknown[]> {
  on(listener: (...args: Args) => Outcome): void;
  run(...args: Args): Outcome;
}

/** Listeners are asked in order until one has an answer. They must not wait: this is the path of every stanza. */
export interface Check<Args extends readonly unknown[], Answer> {
  on(listener: (...args: Args) => Answer | undefined): void;
  ask(...args: Args): Answer | undefined;
}

/** Listeners are asked in order until one has an answer, which may take a while. */
export interface Offer<Args extends readonly unknown[], Answer> {
  on(listener: (...args: Args) => Answer | undefined | Promise<Answer | undefined>): void;
  ask(...args: Args): Answer | undefined | Promise<Answer | undefined>;
}

/**
 * Every point at which modules of the embedded server take part in its work. Listeners are called while nothing is held
 * and may use `accounts.with`, but for `incoming` and `offlineMessage`; those of `received`, `roomMessage` and
 * `subscriptionRequested` may not be waited for.
 */
export interface Hooks {
  /** A session was bound; it has sent no stanza yet. */
  readonly sessionBound: Hook<[session: Session]>;
  /** A session is over and no longer among its account's. */
  readonly sessionEnded: Hook<[session: Session]>;
  /**
   * A session's initial presence has been broadcast (RFC 6121 §4.2), or one by which its priority is negative no longer
   * (§8.5.2.1.1).
   */
  readonly sessionAvailable: Hook<[session: Session]>;
  /** Judges what a session is about to send to `to`: an error goes back instead of the stanza. */
  readonly outgoing: Check<[session: Session, stanza: Element, to: Jid], StanzaError>;
  /** Judges what arrives for an account, whatever it is: an error goes back, `drop` is silent. */
  readonly incoming: Check<[account: Account, stanza: Element, from: Jid], StanzaError | 'drop'>;
  /**
   * A message for an account that no session can take (RFC 6121 §8.5.2.2): `stored` if somebody keeps it, `dropped` if
   * it is not worth keeping; `refused` or no answer at all returns it to its sender. Asked while nobody else works on
   * the account: a listener that waited for `accounts.with` on it would wait for itself. Without an account there is none
   * of that name: the answer is the one that its sender would get if there were.
   */
  readonly offlineMessage: Offer<
    [account: Account | undefined, message: Element],
    'stored' | 'dropped' | 'refused'
  >;
  /**
   * A message has arrived for an account, as its archive has made it, and is about to be brought to where it belongs. Neither
   * what is refused at the door nor what a session gives back arrives.
   */
  readonly received: Hook<[account: Account, message: Element]>;
  /** A message of a room goes back, because there is no session (any more) at the address `to`. */
  readonly roomMessage: Hook<[to: Jid, message: Element]>;
  /** Somebody asks for the account's presence, and did not before; that is on disk. */
  readonly subscriptionRequested: Hook<[account: Account, presence: Element]>;
  /** A message was stored in the account's archive (XEP-0313), and is on disk. */
  readonly archived: Hook<[account: Account, message: ArchivedMessage]>;
  /** A message was kept for an account that no session took it for, and is on disk. */
  readonly offlineStored: Hook<[account: Account, message: Element]>;
  /**
   * The client has not acknowledged in time what it was asked to (XEP-0198): its connection may be dead already.
   * `unacknowledged` are the stanzas that it was sent. Told once until it acknowledges something.
   */
  readonly ackDelayed: Hook<[session: Session, unacknowledged: readonly Element[]]>;
  /** A session lost its connection and waits for its client to resume it (XEP-0198). */
  readonly hibernationStart: Hook<[session: Session, unacknowledged: readonly Element[]]>;
  /** A stanza for a session without connection, or with one on which an acknowledgement is late, was queued. */
  readonly hibernationQueued: Hook<[session: Session, stanza: Element]>;
  /** The client is back, or the session is over: its time has run out, its queue is full, or somebody ended it. */
  readonly hibernationEnd: Hook<[session: Session, how: 'resumed' | 'expired' | 'overflow' | 'ended']>;
  /** The account is about to be removed; its sessions are still there. What it owes to contacts is sent now. */
  readonly accountRemoving: Hook<[account: Account]>;
  /** The account was removed, and its sessions have ended. */
  readonly accountRemoved: Hook<[jid: Jid]>;
}

export function createHooks(): Hooks {
  return {
    sessionBound: createHook(),
    sessionEnded: createHook(),
    sessionAvailable: createHook(),
    outgoing: createCheck(),
    incoming: createCheck(),
    offlineMessage: createOffer(),
    received: createHook(),
    roomMessage: createHook(),
    subscriptionRequested: createHook(),
    archived: createHook(),
    offlineStored: createHook(),
    ackDelayed: createHook(),
    hibernationStart: createHook(),
    hibernationQueued: createHook(),
    hibernationEnd: createHook(),
    accountRemoving: createHook(),
    accountRemoved: createHook(),
  };
}

function createHook<Args extends readonly unknown[]>(): Hook<Args> {
  const listeners: ((...args: Args) => Outcome)[] = [];
  const runFrom = (first: number, args: Args): Outcome => {
    for (let at = first; at < listeners.length; at++) {
      const pending = listeners[at]?.(...args);
      if (pending instanceof Promise) return pending.then(() => runFrom(at + 1, args));
    }
  };
  return { on: (listener) => void listeners.push(listener), run: (...args) => runFrom(0, args) };
}

function createCheck<Args extends readonly unknown[], Answer>(): Check<Args, Answer> {
  const listeners: ((...args: Args) => Answer | undefined)[] = [];
  return {
    on: (listener) => void listeners.push(listener),
    ask(...args) {
      for (const listener of listeners) {
        const answer = listener(...args);
        if (answer !== undefined) return answer;
      }
      return undefined;
    },
  };
}

function createOffer<Args extends readonly unknown[], Answer>(): Offer<Args, Answer> {
  const listeners: ((...args: Args) => Answer | undefined | Promise<Answer | undefined>)[] = [];
  const askFrom = (first: number, args: Args): Answer | undefined | Promise<Answer | undefined> => {
    for (let at = first; at < listeners.length; at++) {
      const answer = listeners[at]?.(...args);
      if (answer instanceof Promise) return answer.then((known) => known ?? askFrom(at + 1, args));
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
  return { on: (listener) => void listeners.push(listener), ask: (...args) => askFrom(0, args) };
}
