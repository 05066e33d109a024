import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { presence } from '../../../xmpp/stanza.js';
import type { Account } from '../account.js';
import type { Server } from '../module.js';
import type { Session } from '../session.js';

/**
 * Sends stanzas in order and at once, and keeps what there is to wait for. Whoever works on an account sends in the
 * middle of the work, so that nothing overtakes it, and waits when the work is done, if at all.
 */
export class Outbox {
  readonly #server: Pick<Server, 'accounts' | 'hooks' | 'route'>;
  readonly #waiting: Promise<void>[] = [];

  constructor(server: Pick<Server, 'accounts' | 'hooks' | 'route'>) {
    this.#server = server;
  }

  /** Sends what has `from` and `to` already. */
  send(stanza: Element): void {
    const pending = this.#server.route(stanza);
    if (pending !== undefined) this.#waiting.push(pending);
  }

  /** Sends presence of a session to whom it did not name itself; nothing if it may not send that there. */
  tell(session: Session, stanza: Element, to: string): void {
    const { accounts, hooks } = this.#server;
    const jid = accounts.loaded(to)?.jid ?? Jid.tryParse(to);
    const addressed = stanza.withAttrs({ to });
    if (jid !== undefined && hooks.outgoing.ask(session, addressed, jid) === undefined) this.send(addressed);
  }

  /** Sends the presence of each available session; false if there is none. */
  tellAvailable(account: Account, to: string): boolean {
    let isAvailable = false;
    for (const session of account.sessions.values()) {
      if (session.presence === undefined) continue;
      isAvailable = true;
      this.tell(session, session.presence, to);
    }
    return isAvailable;
  }

  /** Says of each available session that it is unavailable, to somebody who may not see it any longer. */
  tellUnavailable(account: Account, to: string): void {
    for (const session of account.sessions.values()) {
      if (session.isAvailable) this.tell(session, unavailable(session), to);
    }
  }

  /** Done when all that was sent has arrived, as far as this server is concerned; undefined if it has already. */
  settled(): void | Promise<void> {
    if (this.#waiting.length > 0) return Promise.all(this.#waiting).then(() => undefined);
  }
}

/** Unavailable presence of a session, not yet addressed. */
export function unavailable(session: Session): Element {
  return presence({ type: 'unavailable', from: session.jid.toString() });
}
