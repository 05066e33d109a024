import { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { errorReply } from '../../xmpp/stanza.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { MessageHandler, MessageRoute } from '../host.js';
import type { RequestRunner } from './request-runner.js';

interface MessageDispatchOptions {
  /** Bounds what is under way. */
  readonly runner: RequestRunner;
  /** Sends a reply. */
  readonly send: (reply: Element) => void;
}

/** What of a message its handler takes. */
interface Taken {
  readonly payload: Element;
  readonly key: string;
  readonly handler: MessageHandler;
}

/** Hands messages to the handlers of what they carry, and the others back. */
export class MessageDispatch {
  readonly #options: MessageDispatchOptions;
  readonly #handlers = new Map<string, MessageHandler>();

  constructor(options: MessageDispatchOptions) {
    this.#options = options;
  }

  /** @throws {Error} if the route has a handler already */
  on(route: MessageRoute, handler: MessageHandler): void {
    const key = keyOf(route);
    if (this.#handlers.has(key)) throw new Error(`there is a handler for messages with ${key} already`);
    this.#handlers.set(key, handler);
  }

  /** Takes a message to the domain or to an address there. Errors are nobody's. */
  dispatch(stanza: Element, from: Jid, to: Jid): void {
    const type = stanza.attr('type');
    if (type === 'error') return;
    const taken = to.isDomain ? this.#find(stanza) : undefined;
    if (taken !== undefined) this.#run(taken, stanza, from, to);
    else if (type !== 'headline') this.#return(stanza);
  }

  #find(stanza: Element): Taken | undefined {
    if (this.#handlers.size === 0) return undefined;
    for (const payload of stanza.children) {
      if (!(payload instanceof Element)) continue;
      const key = keyOf(payload);
      const handler = this.#handlers.get(key);
      if (handler !== undefined) return { payload, key, handler };
    }
    return undefined;
  }

  #run({ payload, key, handler }: Taken, stanza: Element, from: Jid, to: Jid): void {
    void this.#options.runner.run({
      request: stanza,
      what: `message with ${key}`,
      asker: from,
      work: async () => {
        await handler({ from, to, payload });
        return undefined;
      },
      reply: this.#options.send,
    });
  }

  /** As messages to accounts that do not exist; headlines are not answered (RFC 6121 §8.5.1). */
  #return(stanza: Element): void {
    const reply = errorReply(stanza, new StanzaError('service-unavailable'));
    if (reply !== undefined) this.#options.send(reply);
  }
}

function keyOf({ ns, name }: MessageRoute): string {
  return `${name} ${ns}`;
}
