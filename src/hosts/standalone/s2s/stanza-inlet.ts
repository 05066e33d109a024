import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { errorReply, isStanza, withAddresses } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import { type DomainPair, pairKey, type S2sContext } from './context.js';

/**
 * Where stanzas of another server come in: only those between domains that may talk on the stream pass
 * (RFC 6120 §8.1.1.2, §8.1.2.2; XEP-0220 §2).
 */
export class StanzaInlet {
  readonly #context: Pick<S2sContext, 'address' | 'isLocal' | 'route' | 'events'>;
  readonly #pairs = new Map<string, DomainPair>();

  constructor(context: Pick<S2sContext, 'address' | 'isLocal' | 'route' | 'events'>) {
    this.#context = context;
  }

  get pairs(): Iterable<DomainPair> {
    return this.#pairs.values();
  }

  get size(): number {
    return this.#pairs.size;
  }

  /** Stanzas from `remote` to `local` pass from now on. */
  open(pair: DomainPair): void {
    this.#pairs.set(pairKey(pair), pair);
  }

  isOpenFor(pair: DomainPair): boolean {
    return this.#pairs.has(pairKey(pair));
  }

  /**
   * Takes a stanza in `jabber:client`.
   * @throws {StreamError} if it may not come on this stream
   */
  take(stanza: Element): void | Promise<void> {
    const [fromText, toText] = [stanza.attr('from'), stanza.attr('to')];
    if (fromText === undefined || toText === undefined)
      throw new StreamError('improper-addressing', 'Stanzas between servers have "from" and "to".');
    const from = this.#context.address(fromText);
    const to = this.#context.address(toText);
    if (from === undefined || to === undefined) return this.#takeMalformed(stanza, { fromText, toText });
    this.#check({ local: to.domain, remote: from.domain });
    return this.#context.route(withAddresses(stanza, from.toString(), to.toString()));
  }

  /** A stanza was dropped for a flaw; `start` is its start tag. Its sender hears of it if that may be known. */
  refuse(error: StreamError, start: Element | undefined): void | Promise<void> {
    const from = Jid.tryParse(start?.attr('from'));
    const to = Jid.tryParse(start?.attr('to'));
    const isKnown = from !== undefined && to !== undefined;
    const pair = isKnown ? { local: to.domain, remote: from.domain } : undefined;
    const isAllowed = pair !== undefined && this.isOpenFor(pair);
    this.#context.events.stanzaDropped({
      domain: pair?.local ?? 'unknown',
      reason: error.message,
      ...(isAllowed && { from: pair.remote }),
    });
    if (!isAllowed || start === undefined || !isStanza(start)) return;
    const condition = error.condition === 'policy-violation' ? 'policy-violation' : 'bad-request';
    return this.#answer(start, new StanzaError(condition, error.text));
  }

  /** What somebody took for an address is his own fault, as long as he has the domains right. */
  #takeMalformed(
    stanza: Element,
    { fromText, toText }: { fromText: string; toText: string },
  ): void | Promise<void> {
    const [remote, local] = [domainOf(fromText), domainOf(toText)];
    if (remote === undefined || local === undefined)
      throw new StreamError('improper-addressing', 'An address has no valid domain.');
    this.#check({ local, remote });
    this.#context.events.stanzaDropped({ domain: local, reason: 'an address is invalid', from: remote });
    const from = this.#context.address(fromText);
    if (from === undefined) return;
    const sane = stanza.withAttrs({ from: from.toString(), to: local });
    return this.#answer(sane, new StanzaError('jid-malformed'));
  }

  #answer(stanza: Element, error: StanzaError): void | Promise<void> {
    const reply = errorReply(stanza, error);
    if (reply !== undefined) return this.#context.route(reply);
  }

  #check(pair: DomainPair): void {
    if (this.isOpenFor(pair)) return;
    const isKnown = [...this.#pairs.values()].some(({ remote }) => remote === pair.remote);
    if (!isKnown) throw new StreamError('invalid-from', 'That domain has not authenticated on this stream.');
    if (!this.#context.isLocal(pair.local))
      throw new StreamError('host-unknown', 'That domain is not of this server.');
    throw new StreamError('improper-addressing', 'This stream is not for that domain.');
  }
}

/** The domain of an address whose other parts may be anything. */
function domainOf(text: string): string | undefined {
  const slash = text.indexOf('/');
  const bare = slash === -1 ? text : text.slice(0, slash);
  const address = Jid.tryParse(bare.slice(bare.indexOf('@') + 1));
  return address?.isDomain === true ? address.domain : undefined;
}
