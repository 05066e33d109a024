import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Account } from '../account.js';
import type { Server } from '../module.js';
import type { Session } from '../session.js';
import { Availability } from './availability.js';
import { sayFarewell } from './farewell.js';
import { Outbox } from './outbox.js';
import type { PresenceRules } from './presence-rules.js';
import { kindOf } from './presence-stanza.js';
import { answerProbe, refuseProbe } from './probe.js';
import { createRoster } from './roster.js';
import { Subscriptions } from './subscriptions.js';

type Outcome = void | Promise<void>;

/**
 * The rules of presence of RFC 6121 §3 and §4, for all accounts of a server. What a sender did wrong, or may not do, is
 * thrown (or rejected with) as a `StanzaError`: `bad-request` for a type or priority that is none, `resource-constraint`
 * beyond a bound. A store that fails rejects with its error.
 */
export function createPresence(server: Server): PresenceRules {
  return new Presence(server);
}

class Presence implements PresenceRules {
  readonly #server: Server;
  readonly #availability: Availability;
  readonly #subscriptions: Subscriptions;

  constructor(server: Server) {
    this.#server = server;
    this.#availability = new Availability(server);
    this.#subscriptions = new Subscriptions(server, createRoster(server));
    server.hooks.accountRemoving.on((account) => this.#leaveForEver(account));
  }

  broadcast(session: Session, stanza: Element): Outcome {
    const kind = kindOf(stanza);
    if (kind === 'available') return this.#availability.available(session, stanza);
    if (kind === 'unavailable') return this.#availability.unavailable(session, stanza);
    throw new StanzaError('bad-request', 'Presence of this type is for somebody.');
  }

  gone(session: Session): Outcome {
    return this.#availability.gone(session);
  }

  outbound(session: Session, stanza: Element, to: Jid): Outcome {
    const kind = kindOf(stanza);
    switch (kind) {
      case 'available':
        this.#availability.directed(session, to);
        return this.#server.route(stanza);
      case 'unavailable':
        session.directed.delete(to.toString());
        return this.#server.route(stanza);
      case 'error':
        return this.#server.route(stanza);
      case 'probe':
        return this.#server.route(stanza.withAttrs({ to: to.bare().toString() }));
      default:
        return this.#subscriptions.outbound(session, kind, stanza, to);
    }
  }

  inbound(account: Account | undefined, stanza: Element, from: Jid, to: Jid): Outcome {
    const kind = kindOf(stanza);
    if (account === undefined) {
      // A request for a subscription is not answered: one to an account waits too (RFC 6121 §8.5.1).
      if (kind === 'probe') refuseProbe(from, to, new Outbox(this.#server));
      return;
    }
    switch (kind) {
      case 'available':
      case 'unavailable':
      case 'error':
        for (const session of account.sessions.values()) if (session.isAvailable) session.send(stanza);
        return;
      case 'probe':
        return answerProbe(account, from, new Outbox(this.#server));
      default:
        return this.#subscriptions.inbound(account, kind, stanza, from);
    }
  }

  /** RFC 6121 has no word for it: contacts hear what they would if each were removed (as XEP-0077 §3.2 has it). */
  #leaveForEver(account: Account): Outcome {
    const outbox = new Outbox(this.#server);
    for (const contact of account.contacts.values()) sayFarewell(account, contact, outbox);
    for (const session of account.sessions.values()) this.#availability.leaveForEver(session, outbox);
    return outbox.settled();
  }
}
