import type { Element } from '../../../xmpp/element.js';
import type { Importance } from '../../../xmpp/importance.js';
import type { Jid } from '../../../xmpp/jid.js';
import type { Rules } from '../channel.js';
import { isOfCall, whyNotAddressed } from './audience.js';
import { whyFiltered } from './filters.js';
import { isOwnDoing, isWrittenBy } from './own.js';

/**
 * How a stanza came up: it was kept offline, it was archived as one that arrived, it waits for a session that hibernates or is
 * late to acknowledge, somebody calls, a room said it to nobody, somebody asks for presence.
 */
export type Source =
  | 'offline'
  | 'archive'
  | 'hibernation'
  | 'acknowledgement'
  | 'call'
  | 'room'
  | 'subscription';

/** A stanza that came up for an account. */
export interface Occasion {
  readonly source: Source;
  /** The original (`AccountHost.originalOf`): out of a carbon if it came in one. */
  readonly stanza: Element;
  /** Of the stanza as the client would get it, in its carbon. */
  readonly importance: Importance;
  /** The client that it concerns alone: for hibernation, acknowledgement, and what a room said to a full JID. */
  readonly client: string | undefined;
}

/** A registration of the account, and where its client is. */
export interface Recipient {
  readonly client: string;
  readonly session: 'live' | 'hibernating' | 'none';
  /** Whether the account has available sessions, and all of them say that nobody is there (`away`, `xa`). */
  readonly isNobodyThere: boolean;
  readonly rules: Rules;
  /** Whether it was told of this stanza before. */
  readonly wasTold: boolean;
}

/** What else is known of the account. */
export interface Facts {
  /** The bare JID. */
  readonly account: Jid;
  /** Whether the account knows the `strangerOf` of the stanza; true if there is none, or if no recipient's rules ask. */
  readonly isContact: boolean;
  /** Whether an occupant of a room (`room@service/nick`) is the account itself. */
  readonly isOwnOccupant: (occupant: string) => boolean;
}

export interface Verdict {
  /** As worth showing to a person, as worth no more than that the device looks, or not at all. */
  readonly told: 'important' | 'unimportant' | 'no';
  /** Whether it cannot wait until more has come: somebody calls, or calls no longer. */
  readonly isUrgent: boolean;
  /** For the log. */
  readonly why: string;
}

/** Decides whether a registration is told of a stanza; docs/cloud-notify-rules.md says it in words. */
export function decide(occasion: Occasion, recipient: Recipient, facts: Facts): Verdict {
  const whyNot = whyNotTold(occasion, recipient, facts);
  if (whyNot !== undefined) return { told: 'no', isUrgent: false, why: whyNot };
  const { level, why } = occasion.importance;
  const { rules } = recipient;
  if (isOwnDoing(occasion, rules, facts)) return unimportant('done by the account itself', rules);
  if (level === 'prompt') return unimportant(why, rules);
  return { told: 'important', isUrgent: isOfCall(occasion.importance), why };
}

function unimportant(why: string, { onlyImportant }: Rules): Verdict {
  if (onlyImportant !== true) return { told: 'unimportant', isUrgent: false, why };
  return { told: 'no', isUrgent: false, why: 'its client is told only of what is important' };
}

function whyNotTold(occasion: Occasion, recipient: Recipient, facts: Facts): string | undefined {
  const { stanza, importance } = occasion;
  if (recipient.wasTold) return 'it was told before';
  if (importance.level === 'unimportant') return importance.why;
  const whyNot = whyNotAddressed(occasion, recipient, facts.account);
  if (whyNot !== undefined) return whyNot;
  if (isWrittenBy(stanza, facts.account, recipient.client)) return 'its client has written it';
  if (answersClient(stanza, importance)) return 'it answers its client';
  return whyFiltered(stanza, recipient.rules, facts);
}

/** A client that went before the answer came asks again when it is back. */
function answersClient(stanza: Element, { kind }: Importance): boolean {
  if (kind === 'answer') return true;
  const type = kind === 'iq' ? stanza.attr('type') : undefined;
  return type === 'result' || type === 'error';
}
