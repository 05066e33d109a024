import { type Element, el } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import type { Account } from '../account.js';
import { takesMessages } from '../message-routing.js';
import type { Session } from '../session.js';
import { CopiedLately } from './copied-lately.js';
import { isEligible } from './eligibility.js';

export type Holder = Session | 'takers' | 'nobody';

/** A message that an account receives or has sent. */
interface Original {
  readonly direction: 'incoming' | 'outgoing';
  readonly stanza: Element;
  /** Whom it comes from or goes to. */
  readonly other: Jid;
  /** Who has it already: the session that it is for or comes from, all that take messages for the account, or nobody. */
  readonly holder: Holder;
}

const none: readonly Element[] = [];

/** Copies of messages for the account's other devices that want them (XEP-0280). */
export class CarbonCopies {
  readonly #lately = new CopiedLately();

  /** Sends copies to the sessions that want them and do not have the message itself; returns those that were taken. */
  send(account: Account, original: Original): readonly Element[] {
    if (!isWanted(account, original) || !this.#isEligible(account, original)) return none;
    const { direction, stanza, other } = original;
    if (direction === 'outgoing') this.#lately.add(account, stanza.attr('id'), other);
    const payload = forward(direction, stanza);
    const taken: Element[] = [];
    for (const session of account.sessions.values()) {
      if (!isOwed(session, original)) continue;
      const carbon = wrap(payload, stanza.attr('type'), session);
      if (session.send(carbon)) taken.push(carbon);
    }
    return taken;
  }

  #isEligible(account: Account, { direction, stanza, other }: Original): boolean {
    if (stanza.attr('type') !== 'error') return isEligible(stanza, direction, other);
    return direction === 'incoming' && this.#lately.has(account, stanza.attr('id'), other);
  }
}

function isWanted(account: Account, original: Original): boolean {
  for (const session of account.sessions.values()) if (isOwed(session, original)) return true;
  return false;
}

/** Its own sender, if an account writes to itself, has it too. */
function isOwed(session: Session, { holder, other }: Original): boolean {
  if (!session.wantsCarbons || session.jid.equals(other)) return false;
  return holder === 'takers' ? !takesMessages(session) : session !== holder;
}

/** XEP-0280 §7 and §8, XEP-0297 §3. */
function forward(direction: 'incoming' | 'outgoing', stanza: Element): Element {
  const name = direction === 'incoming' ? 'received' : 'sent';
  return el(name, ns.carbons, {}, el('forwarded', ns.forward, {}, stanza));
}

function wrap(payload: Element, type: string | undefined, { account, jid }: Session): Element {
  return el('message', ns.client, { type, from: account.jid.toString(), to: jid.toString() }, payload);
}
