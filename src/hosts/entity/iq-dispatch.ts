import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { errorReply } from '../../xmpp/stanza.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { IqHandler, IqRequest, IqRoute } from '../host.js';
import type { RequestRunner } from './request-runner.js';

export interface IqDispatchOptions {
  /** Bounds what is under way. */
  readonly runner: RequestRunner;
  /** Sends a reply. */
  readonly send: (reply: Element) => void;
}

/** What belongs to routes of IQ requests, one for each route. */
export class IqRoutes<T> {
  readonly #byKey = new Map<string, T>();

  /** @throws {Error} if there is something for the route already */
  add({ type, ns, name }: IqRoute, value: T): void {
    const key = `${type} ${name} ${ns}`;
    if (this.#byKey.has(key)) throw new Error(`there is a handler for IQ ${key} already`);
    this.#byKey.set(key, value);
  }

  find(request: IqRequest): T | undefined {
    return this.#byKey.get(keyOf(request));
  }
}

function keyOf({ type, payload }: IqRequest): string {
  return `${type} ${payload.name} ${payload.ns}`;
}

/** What a request is about, for the log. */
export function describe(request: IqRequest): string {
  return `IQ ${keyOf(request)}`;
}

/** Hands IQ requests to the handlers of their routes and sends what comes of it (RFC 6120 §8.2.3, §8.4). */
export class IqDispatch {
  readonly #send: (reply: Element) => void;
  readonly #routes = new IqRoutes<IqHandler>();
  readonly #runner: RequestRunner;

  constructor({ runner, send }: IqDispatchOptions) {
    this.#runner = runner;
    this.#send = send;
  }

  /** @throws {Error} if the route has a handler already */
  on(route: IqRoute, handler: IqHandler): void {
    this.#routes.add(route, handler);
  }

  /** Answers an IQ that is neither `result` nor `error`. `isServed`: it is addressed to the entity with the routes. */
  dispatch(stanza: Element, from: Jid, to: Jid, isServed: boolean): void {
    const request = parseRequest(stanza, from, to);
    if (request instanceof StanzaError) this.#fail(stanza, request);
    else this.#serve(request, stanza, isServed ? this.#routes.find(request) : undefined);
  }

  #serve(request: IqRequest, stanza: Element, handler: IqHandler | undefined): void {
    if (handler === undefined) this.#fail(stanza, new StanzaError('service-unavailable'));
    else
      void this.#runner.run({
        request: stanza,
        what: describe(request),
        asker: request.from,
        work: () => handler(request),
        reply: this.#send,
      });
  }

  #fail(stanza: Element, error: StanzaError): void {
    const reply = errorReply(stanza, error);
    if (reply !== undefined) this.#send(reply);
  }
}

/** Reads a request, which must have a type, an id and exactly one child element (RFC 6120 §8.2.3). */
export function parseRequest(stanza: Element, from: Jid, to: Jid): IqRequest | StanzaError {
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
