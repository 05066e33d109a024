import { stanzaErrorFor } from '../../errors.js';
import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { errorReply } from '../../xmpp/stanza.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { Account } from './account.js';
import type { AccountCache } from './account-cache.js';
import type { AddressCache } from './address-cache.js';
import type { Hooks } from './hooks.js';
import type { IqRouting } from './iq-routing.js';
import { isOwn, judgeIncoming } from './judge.js';
import type { MessageDelivery } from './message-delivery.js';
import type { PresenceRules } from './presence/presence-rules.js';
import type { Session } from './session.js';

type Done = void | Promise<void>;

export interface RouterOptions {
  readonly domain: Jid;
  readonly accounts: AccountCache;
  readonly addresses: AddressCache;
  readonly hooks: Pick<Hooks, 'incoming'>;
  readonly events: Pick<Events, 'handlerFailed' | 'stanzaDropped'>;
  readonly messages: MessageDelivery;
  readonly iqs: IqRouting;
  readonly presence: () => PresenceRules;
  /** Who takes what is for a domain of this server; undefined for other domains. */
  readonly entity: (domain: string) => { take(stanza: Element): Done } | undefined;
  /** Takes what is for another server; without it, that goes back. */
  readonly routeRemote?: ((stanza: Element) => Done) | undefined;
}

/** What a session did not get. */
interface Returned {
  readonly stanza: Element;
  readonly from: Jid;
  readonly to: Jid;
  /** What goes back to its sender. */
  readonly error: StanzaError | undefined;
}

/** Where a stanza goes (RFC 6120 §10, RFC 6121 §8). What goes wrong on the way is told its sender, and nobody else. */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** As `Server.route`. */
  route(stanza: Element): Done {
    const from = this.address(stanza.attr('from'));
    const to = this.address(stanza.attr('to'));
    if (from !== undefined && to !== undefined) return this.deliver(stanza, from, to);
    const reason = 'an address is missing or invalid';
    this.#options.events.stanzaDropped({ domain: this.#options.domain.toString(), reason });
  }

  /** Reads an address. Those of sessions and of accounts in memory are known already. */
  address(text: string | undefined): Jid | undefined {
    if (text === undefined) return undefined;
    const { accounts, addresses } = this.#options;
    return accounts.session(text)?.jid ?? accounts.loaded(text)?.jid ?? addresses.read(text);
  }

  /** Sends a stanza on its way; `from` and `to` are its addresses. The promise, if any, never rejects. */
  deliver(stanza: Element, from: Jid, to: Jid): Done {
    return this.guard(
      () => this.#send(stanza, from, to),
      (error) => this.#bounce(stanza, from, to, error),
      stanza,
    );
  }

  /**
   * As `deliver`, for a message of one of our sessions: its own account is told of it too. Done when both accounts have on
   * disk what they keep of it.
   */
  deliverFrom(session: Session, stanza: Element, to: Jid): Done {
    if (isOwn(to, session.account.jid)) return this.deliver(stanza, session.jid, to);
    return this.guard(
      () => this.#sendFrom(session, stanza, to),
      (error) => this.#bounce(stanza, session.jid, to, error),
      stanza,
    );
  }

  #sendFrom(session: Session, stanza: Element, to: Jid): Done {
    const { stanza: departing, written } = this.#options.messages.send(session, stanza, to);
    const sent = this.#send(departing, session.jid, to);
    return written === undefined ? sent : Promise.all([sent, written]).then(nothing);
  }

  /**
   * Takes back what a session was given and did not get, and does what is done for sessions that are not there: before
   * anything else is done at the account, so that nothing newer overtakes it. Never rejects.
   */
  async undelivered(stanzas: readonly Element[], session: Session): Promise<void> {
    const returned = stanzas.flatMap((stanza) => this.#returned(stanza, session) ?? []);
    for (const { stanza, from, to, error } of await this.#placeAgain(returned, session)) {
      if (error !== undefined) await this.#bounce(stanza, from, to, error);
    }
  }

  #returned(given: Element, { account, jid }: Session): Returned | undefined {
    if (given.name === 'presence') return undefined;
    const stanza = given.name === 'message' ? this.#options.messages.takeBack(given) : given;
    const from = this.address(stanza?.attr('from'));
    if (stanza === undefined || from === undefined) return undefined;
    const address = this.address(stanza.attr('to'));
    const to = address !== undefined && isOwn(address, account.jid) ? address : jid;
    return { stanza, from, to, error: undefined };
  }

  /** What came back, with errors where it could not be placed. They are begun in order, and not waited for one by one. */
  async #placeAgain(returned: readonly Returned[], session: Session): Promise<readonly Returned[]> {
    const [first] = returned;
    if (first === undefined) return [];
    try {
      const { id, jid } = session.account;
      const begun = await this.#options.accounts.withFirst(jid, (found) => {
        // What was for an account that is gone is not for another one of its name.
        const account = found?.id === id ? found : undefined;
        return {
          placed: returned.map(async (one) => ({ ...one, error: await this.#redeliver(account, one) })),
        };
      });
      return await Promise.all(begun.placed);
    } catch (cause) {
      const error = this.#explain(cause, first.stanza);
      return returned.map((one) => ({ ...one, error }));
    }
  }

  async #redeliver(account: Account | undefined, { stanza, to }: Returned): Promise<StanzaError | undefined> {
    if (stanza.name === 'iq') return new StanzaError('service-unavailable');
    try {
      return await this.#options.messages.redeliver(account, stanza, to);
    } catch (error) {
      return this.#explain(error, stanza);
    }
  }

  /** Does something for a stanza; what it throws is reported, and `fail` is given what its sender may know of it. */
  guard(action: () => Done, fail: (error: StanzaError) => Done, stanza: Element): Done {
    try {
      const done = action();
      if (done instanceof Promise) return done.catch((error: unknown) => fail(this.#explain(error, stanza)));
    } catch (error) {
      return fail(this.#explain(error, stanza));
    }
  }

  #explain(error: unknown, stanza: Element): StanzaError {
    if (error instanceof StanzaError) return error;
    this.#options.events.handlerFailed({ what: `routing ${stanza.name}`, error });
    return stanzaErrorFor('internal-error');
  }

  #send(stanza: Element, from: Jid, to: Jid): Done {
    if (to.domain !== this.#options.domain.domain) return this.#elsewhere(stanza, from, to);
    if (to.local === '') return this.#options.entity(to.domain)?.take(stanza);
    if (stanza.name === 'message') return this.#message(stanza, from, to);
    if (stanza.name === 'iq') return this.#options.iqs.deliver(stanza, from, to);
    return this.#presence(stanza, from, to);
  }

  #elsewhere(stanza: Element, from: Jid, to: Jid): Done {
    const { entity, routeRemote } = this.#options;
    const local = entity(to.domain);
    if (local !== undefined) return local.take(stanza);
    if (routeRemote !== undefined) return routeRemote(stanza);
    return this.#bounce(stanza, from, to, new StanzaError('remote-server-not-found'));
  }

  #message(stanza: Element, from: Jid, to: Jid): Done {
    const placed = this.#options.messages.deliver(stanza, from, to);
    if (placed === undefined) return;
    return settle(placed, (error) => this.#bounce(stanza, from, to, error));
  }

  #presence(stanza: Element, from: Jid, to: Jid): Done {
    if (to.isFull && isForSession(stanza)) return this.#presenceToSession(stanza, from, to);
    const verdict = this.#options.accounts.with(to.bare(), (account) =>
      this.#presenceToAccount(account, stanza, from, to.bare()),
    );
    return settle(verdict, (error) => this.#bounce(stanza, from, to, error));
  }

  /** What no session takes is gone (RFC 6121 §8.5.3.2.2). */
  #presenceToSession(stanza: Element, from: Jid, to: Jid): Done {
    const session = this.#options.accounts.session(to.toString());
    if (session === undefined) return;
    const verdict = judgeIncoming(this.#options.hooks, session.account, stanza, from);
    if (verdict === undefined) session.send(stanza);
    else if (verdict !== 'drop') return this.#bounce(stanza, from, to, verdict);
  }

  #presenceToAccount(
    account: Account | undefined,
    stanza: Element,
    from: Jid,
    to: Jid,
  ): StanzaError | undefined | Promise<undefined> {
    const verdict = account && judgeIncoming(this.#options.hooks, account, stanza, from);
    if (verdict !== undefined) return verdict === 'drop' ? undefined : verdict;
    const done = this.#options.presence().inbound(account, stanza, from, to);
    return done instanceof Promise ? done.then(() => undefined) : undefined;
  }

  #bounce(stanza: Element, from: Jid, to: Jid, error: StanzaError): Done {
    const reply = errorReply(stanza, error);
    if (reply !== undefined) return this.deliver(reply, to, from);
  }
}

/** Subscriptions and probes are the account's business, whatever resource they name (RFC 6121 §3.1.3, §4.3.2). */
function isForSession(stanza: Element): boolean {
  const type = stanza.attr('type');
  return type === undefined || type === 'unavailable' || type === 'error';
}

const nothing = () => undefined;

function settle(
  placed: StanzaError | undefined | Promise<StanzaError | undefined>,
  bounce: (error: StanzaError) => Done,
): Done {
  if (placed instanceof Promise) return placed.then((later) => settle(later, bounce));
  if (placed !== undefined) return bounce(placed);
}
