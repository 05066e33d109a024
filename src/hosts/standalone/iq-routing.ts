import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { errorReply } from '../../xmpp/stanza.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import { describe, IqRoutes, parseRequest } from '../entity/iq-dispatch.js';
import { RequestRunner } from '../entity/request-runner.js';
import type { IqRequest, IqRoute } from '../host.js';
import type { Account } from './account.js';
import type { AccountCache } from './account-cache.js';
import type { Hooks } from './hooks.js';
import { isOwn, judgeIncoming } from './judge.js';
import type { AccountIqHandler, Audience } from './module.js';
import { seesUser } from './presence/contact.js';

export interface IqRoutingOptions {
  readonly accounts: AccountCache;
  readonly hooks: Pick<Hooks, 'incoming'>;
  readonly events: Pick<Events, 'handlerFailed'>;
  /** Requests to accounts that may be at work at once, in all and of one asker. */
  readonly maxUnderWay: number;
  readonly maxPerAsker: number;
  /** Sends a reply; `from` is who gives it. */
  readonly send: (reply: Element, from: Jid, to: Jid) => void;
}

interface Service {
  readonly audience: Audience;
  readonly handler: AccountIqHandler;
}

/**
 * IQs to accounts and to their sessions (RFC 6121 §8.5). Whoever may not ask learns nothing, not even whether there is
 * such an account.
 *
 * A request to a full JID reaches its session even from those who do not see its presence, where §8.5.3.1 would rather
 * refuse it: calls and file transfers with others than contacts need it, and who knows a resource that nobody can guess
 * was told it.
 */
export class IqRouting {
  readonly #options: IqRoutingOptions;
  readonly #services = new IqRoutes<Service>();
  readonly #runner: RequestRunner;

  constructor(options: IqRoutingOptions) {
    this.#options = options;
    this.#runner = new RequestRunner(options);
  }

  /** @throws {Error} if the route has a handler already */
  on(route: IqRoute, audience: Audience, handler: AccountIqHandler): void {
    this.#services.add(route, { audience, handler });
  }

  /** Takes an IQ to an account or a full JID of it. Without `to` in the stanza, it is the asker's own account's. */
  deliver(stanza: Element, from: Jid, to: Jid): void | Promise<void> {
    if (to.isFull) this.#toSession(stanza, from, to);
    else if (isRequest(stanza)) return this.#toAccount(stanza, from, to);
  }

  /** Requests that no session takes are answered for it (RFC 6121 §8.5.3.2.3); answers that nobody takes are gone. */
  #toSession(stanza: Element, from: Jid, to: Jid): void {
    const session = this.#options.accounts.session(to.toString());
    const verdict = session && judgeIncoming(this.#options.hooks, session.account, stanza, from);
    if (verdict === undefined && session?.send(stanza) === true) return;
    if (verdict !== 'drop') this.#fail(stanza, from, to, verdict ?? new StanzaError('service-unavailable'));
  }

  #toAccount(stanza: Element, from: Jid, to: Jid): void | Promise<void> {
    const request = parseRequest(stanza, from, to);
    if (request instanceof StanzaError) return this.#fail(stanza, from, to, request);
    const service = this.#services.find(request);
    if (service !== undefined) return this.#serve(service, request, stanza);
    this.#fail(stanza, from, to, new StanzaError('service-unavailable'));
  }

  #serve(service: Service, request: IqRequest, stanza: Element): void | Promise<void> {
    const { from, to } = request;
    return this.#runner.run({
      request: stanza,
      what: describe(request),
      asker: from,
      work: () => this.#work(service, request, stanza),
      reply: this.#replyTo(from, to),
    });
  }

  #work(
    service: Service,
    request: IqRequest,
    stanza: Element,
  ): Element | undefined | Promise<Element | undefined> {
    const { accounts } = this.#options;
    const answer = (account: Account | undefined) => this.#ask(service, request, stanza, account);
    const loaded = accounts.loaded(request.to.toString());
    if (loaded !== undefined) return answer(loaded);
    const found = accounts.with(request.to, (account) => account);
    return found instanceof Promise ? found.then(answer) : answer(found);
  }

  #ask(
    { audience, handler }: Service,
    request: IqRequest,
    stanza: Element,
    account: Account | undefined,
  ): Element | undefined | Promise<Element | undefined> {
    const refusal = this.#refusal(audience, request, stanza, account);
    if (account === undefined || refusal !== undefined) return Promise.reject(refusal);
    const asker = this.#options.accounts.session(request.from.toString());
    return handler({ ...request, account, session: asker?.account === account ? asker : undefined });
  }

  /**
   * Why the request is not served. Never told at once: to find that there is no such account takes a look into the store,
   * and the order of answers must not say what the answers do not.
   */
  #refusal(
    audience: Audience,
    { from }: IqRequest,
    stanza: Element,
    account: Account | undefined,
  ): StanzaError | undefined {
    const unavailable = new StanzaError('service-unavailable');
    if (account === undefined) return unavailable;
    const verdict = judgeIncoming(this.#options.hooks, account, stanza, from);
    // A request is always answered (RFC 6120 §8.2.3): one that is to be dropped, as if nobody were there.
    return verdict === 'drop' || !isInAudience(audience, account, from) ? unavailable : verdict;
  }

  /** A session that asked gets its answer even if it is over for the server, as long as its connection lives. */
  #replyTo(from: Jid, to: Jid): (reply: Element) => void {
    const session = this.#options.accounts.session(from.toString());
    return (reply) => {
      if (session === undefined) this.#options.send(reply, to, from);
      else session.send(reply);
    };
  }

  #fail(stanza: Element, from: Jid, to: Jid, error: StanzaError): void {
    const reply = errorReply(stanza, error);
    if (reply !== undefined) this.#replyTo(from, to)(reply);
  }
}

function isRequest(stanza: Element): boolean {
  const type = stanza.attr('type');
  return type !== 'result' && type !== 'error';
}

function isInAudience(audience: Audience, account: Account, from: Jid): boolean {
  if (audience === 'anyone' || isOwn(from, account.jid)) return true;
  if (audience === 'owner') return false;
  return seesUser(account.contacts.get(from.bare().toString()));
}
