import { stanzaErrorFor } from '../../errors.js';
import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { errorReply, iqResult } from '../../xmpp/stanza.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { IqHandler, IqRequest, IqRoute } from '../host.js';

export interface IqDispatchOptions {
  readonly events: Pick<Events, 'handlerFailed'>;
  /** The most requests whose handlers may be at work at once; more are answered `resource-constraint`. */
  readonly maxUnderWay: number;
  /** Sends a reply. */
  readonly send: (reply: Element) => void;
}

const routeKey = ({ type, ns, name }: IqRoute) => `${type} ${name} ${ns}`;

/** Hands IQ requests to the handlers of their routes and sends what comes of it (RFC 6120 §8.2.3, §8.4). */
export class IqDispatch {
  readonly #options: IqDispatchOptions;
  readonly #routes = new Map<string, IqHandler>();
  #underWay = 0;

  constructor(options: IqDispatchOptions) {
    this.#options = options;
  }

  /** @throws {Error} if the route has a handler already */
  on(route: IqRoute, handler: IqHandler): void {
    const key = routeKey(route);
    if (this.#routes.has(key)) throw new Error(`there is a handler for IQ ${key} already`);
    this.#routes.set(key, handler);
  }

  /** Answers an IQ that is neither `result` nor `error`. `isServed`: it is addressed to the entity with the routes. */
  dispatch(stanza: Element, from: Jid, to: Jid, isServed: boolean): void {
    const request = parseRequest(stanza, from, to);
    if (request instanceof StanzaError) this.#fail(stanza, request);
    else this.#serve(request, stanza, isServed ? this.#routes.get(keyOf(request)) : undefined);
  }

  #serve(request: IqRequest, stanza: Element, handler: IqHandler | undefined): void {
    if (handler === undefined) this.#fail(stanza, new StanzaError('service-unavailable'));
    else if (this.#underWay >= this.#options.maxUnderWay)
      this.#fail(stanza, new StanzaError('resource-constraint'));
    else this.#run(handler, request, stanza);
  }

  #run(handler: IqHandler, request: IqRequest, stanza: Element): void {
    try {
      const payload = handler(request);
      if (payload instanceof Promise) this.#await(payload, request, stanza);
      else this.#options.send(iqResult(stanza, payload));
    } catch (error) {
      this.#failed(error, request, stanza);
    }
  }

  #await(pending: Promise<Element | undefined>, request: IqRequest, stanza: Element): void {
    this.#underWay++;
    pending
      .finally(() => this.#underWay--)
      .then((payload) => this.#options.send(iqResult(stanza, payload)))
      .catch((error: unknown) => this.#failed(error, request, stanza));
  }

  #failed(error: unknown, request: IqRequest, stanza: Element): void {
    const isAnswer = error instanceof StanzaError;
    if (!isAnswer) this.#options.events.handlerFailed({ what: `IQ ${keyOf(request)}`, error });
    this.#fail(stanza, isAnswer ? error : stanzaErrorFor('internal-error'));
  }

  #fail(stanza: Element, error: StanzaError): void {
    const reply = errorReply(stanza, error);
    if (reply !== undefined) this.#options.send(reply);
  }
}

function keyOf({ type, payload }: IqRequest): string {
  return routeKey({ type, ns: payload.ns, name: payload.name });
}

/** A request must have a type, an id and exactly one child element (RFC 6120 §8.2.3). */
function parseRequest(stanza: Element, from: Jid, to: Jid): IqRequest | StanzaError {
  const type = stanza.attr('type');
  const id = stanza.attr('id') ?? '';
  const [payload, ...others] = stanza.elements();
  if (type !== 'get' && type !== 'set') return new StanzaError('bad-request', 'The type is get or set.');
  if (id === '') return new StanzaError('bad-request', 'A request has an id.');
  if (payload === undefined || others.length > 0) {
    return new StanzaError('bad-request', 'A request has exactly one child element.');
  }
  return { type, id, from, to, payload };
}
