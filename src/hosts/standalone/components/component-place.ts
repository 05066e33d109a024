import type { Element } from '../../../xmpp/element.js';
import { errorReply } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';

/** A component that is connected, as far as those who write to it need it. */
export interface ComponentLink {
  /** Takes a stanza in `jabber:client`; false if the connection has ended or its queue is full. */
  send(stanza: Element): boolean;
}

type Route = (stanza: Element) => void | Promise<void>;

/** A domain that is kept for a component, whether or not that is connected. */
export class ComponentPlace {
  readonly domain: string;
  readonly secret: string;
  readonly #route: Route;
  #link: ComponentLink | undefined;

  /** `route` sends what goes back to senders. */
  constructor(domain: string, secret: string, route: Route) {
    this.domain = domain;
    this.secret = secret;
    this.#route = route;
  }

  /** False if somebody is there already. */
  enter(link: ComponentLink): boolean {
    if (this.#link !== undefined) return false;
    this.#link = link;
    return true;
  }

  leave(link: ComponentLink): void {
    if (this.#link === link) this.#link = undefined;
  }

  /** Takes a stanza for the domain; without a component, its sender is told to try again later. */
  take(stanza: Element): void | Promise<void> {
    if (this.#link?.send(stanza) !== true) return this.giveBack(stanza);
  }

  /** Returns a stanza to its sender, as one that the component did not get. Never rejects. */
  giveBack(stanza: Element): void | Promise<void> {
    const error = new StanzaError('remote-server-timeout', 'The component is not connected.');
    const reply = errorReply(stanza, error);
    if (reply !== undefined) return this.#route(reply);
  }
}
