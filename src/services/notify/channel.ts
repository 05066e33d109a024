import type { Element } from '../../xmpp/element.js';
import type { Importance } from '../../xmpp/importance.js';
import type { Jid } from '../../xmpp/jid.js';

/** What a device is to be told: that something waits for it. */
export interface Notification {
  /** The bare JID. */
  readonly account: Jid;
  /** `important`: worth showing to a person. `unimportant`: worth no more than that the device looks when it can. */
  readonly level: 'important' | 'unimportant';
  readonly kind: Importance['kind'] | 'ping';
  /** The newest stanza that it is about, out of a carbon if it came in one; none for a ping. */
  readonly stanza: Element | undefined;
  /** Messages worth showing that the device was told of since it was last here, those of this notification among them. */
  readonly count: number;
  /** Requests for the account's presence that wait for an answer. */
  readonly pendingSubscriptions: number;
}

/** How a delivery ended. */
export type Outcome =
  | { readonly kind: 'delivered' }
  /** It is on disk where the channel delivers, and is tried again there: it need not be here. */
  | { readonly kind: 'queued'; readonly reason: string }
  /** The device will never be reached this way again: the registration goes. */
  | { readonly kind: 'gone'; readonly reason: string }
  /** Not now. `after`: seconds until it may be tried again, if that is known. */
  | { readonly kind: 'retry'; readonly reason: string; readonly after?: number }
  /** Not this one. Too many of these in a row, and the registration rests. */
  | { readonly kind: 'rejected'; readonly reason: string };

/** What a registration's client does not want to be told of, whatever it is. */
export interface Rules {
  /** Also while it is connected, as long as all sessions of the account say that nobody is there (`away`, `xa`). */
  readonly whileAway: boolean;
  /** Not of people who are no contacts. */
  readonly ignoresUnknown: boolean;
  /** Not of these bare JIDs. */
  readonly muted: ReadonlySet<string>;
  /** Of rooms; undefined: of all of them. Else of those in the list alone, by their bare JIDs. */
  readonly rooms: ReadonlyMap<string, RoomRule> | undefined;
  /** Not of what is worth no more than that the device looks: some can do nothing but show what they are told. */
  readonly onlyImportant?: boolean;
}

export interface RoomRule {
  readonly allow: 'always' | 'mentioned' | 'never';
  /** The account's nick in the room, if the client has said it. */
  readonly nick: string | undefined;
}

/** A registration as its channel reads it. */
export interface Target {
  /** Who is asked to reach the device: a JID, an origin. For the operator; nothing in it is secret. */
  readonly service: string;
  readonly rules: Rules;
  /**
   * What a notification of the stanza is about: one of something else does not stand for it, and newer ones of the same replace
   * older ones. Absent: notifications say no more than that something waits, and the newest stands for all.
   */
  topicOf?(stanza: Element): string;
  /** Its client is back: what the channel still keeps for it is needless. */
  withdraw?(): void;
  /** Hands over one notification. Never rejects: how it ended is the value. */
  deliver(notification: Notification, signal: AbortSignal): Promise<Outcome>;
}

/** A way to reach devices that are not connected. */
export interface Channel {
  /** As it is stored with registrations. */
  readonly name: string;
  /**
   * Whether it keeps what it could not deliver past a restart (`queued`): then whoever is back is looked up, also if nothing is
   * known here that waits.
   */
  readonly keepsQueue?: boolean;
  /** Registrations by it that an account may have, at the moment. */
  maxDevices(): number;
  /** Reads what was stored of a registration; undefined if it cannot be read (any more). */
  open(registration: {
    /** The bare JID. */
    readonly account: string;
    readonly address: string;
    readonly details: string;
  }): Target | undefined;
}
