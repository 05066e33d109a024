import type { Element } from '../../../xmpp/element.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import type { ConnectionCounter } from '../connections/connection-counter.js';
import { type DomainPair, type Proof, pairKey, type S2sContext } from './context.js';
import { type DialbackElement, dialbackAnswer, isDialbackKey, readDialback } from './dialback.js';

/** The stream that dialback is spoken on. */
export interface DialbackStream {
  readonly isOpen: boolean;
  readonly remoteAddress: string;
  readonly isEncrypted: boolean;
  /** Why the other side's certificate does not prove that it is a domain. */
  certificateFlaw(domain: string): string | undefined;
  hasAuthenticated(pair: DomainPair): boolean;
  /** How many pairs have. */
  readonly authenticated: number;
  write(element: Element): void;
  /** Stanzas may come for that pair from now on. */
  authenticate(pair: DomainPair, proof: Proof): void;
  end(error: StreamError): void;
}

type Rules = Pick<S2sContext, 'isLocal' | 'policy' | 'dialbackSecret'>;

/**
 * Dialback (XEP-0220 §2.2) on streams that others opened: as the server that they want to talk to, and as the one that
 * knows the key.
 */
export class DialbackReceiver {
  readonly #context: S2sContext;
  readonly #stream: DialbackStream;
  /** Pairs whose keys are being verified. */
  #verifying = new Set<string>();
  readonly #verifyingOfAll: ConnectionCounter;
  #streamId = '';

  /** `verifying` counts the keys that are being verified on all streams, by who gave them. */
  constructor(context: S2sContext, stream: DialbackStream, verifying: ConnectionCounter) {
    this.#context = context;
    this.#stream = stream;
    this.#verifyingOfAll = verifying;
  }

  /** The stream was opened, perhaps anew: keys that were given before count for nothing (RFC 6120 §5.4.3.3). */
  opened(streamId: string): void {
    this.#streamId = streamId;
    this.#verifying = new Set();
  }

  /**
   * Takes an element in the namespace of dialback. Answers are ignored: nothing was asked on this stream.
   * @throws {StreamError} if it is none, or without domains
   */
  take(element: Element): void | Promise<void> {
    const request = readDialback(element);
    if (request === undefined)
      throw new StreamError('improper-addressing', 'Dialback is between two domains.');
    if (request.type !== undefined) return;
    const refusal = refusalOf(request, this.#context, this.#stream.isEncrypted);
    if (refusal !== undefined) return this.#refuse(request, refusal);
    if (request.kind === 'verify') this.#stream.write(answerVerify(request, this.#context));
    else return this.#authorize(request);
  }

  #authorize(request: DialbackElement): void | Promise<void> {
    const { pair } = request;
    if (this.#stream.hasAuthenticated(pair)) return this.#stream.write(dialbackAnswer(request, 'valid'));
    const flaw = this.#stream.certificateFlaw(pair.remote);
    if (flaw === undefined) return this.#accept(request, 'certificate');
    if (this.#context.policy.mustVerify(pair.remote))
      return this.#refuse(request, new StanzaError('not-authorized', `Your certificate ${flaw}.`));
    if (this.#isFull || this.#verifying.has(pairKey(pair)))
      return this.#refuse(request, new StanzaError('resource-constraint', 'There is too much to verify.'));
    return this.#verify(request);
  }

  /** Each key makes us connect to where somebody says, and whoever has many connections could take all there is for that. */
  get #isFull(): boolean {
    const { pairs, verifyingPairs, verifyingPerAddress } = this.#context.limits;
    const { authenticated, remoteAddress } = this.#stream;
    const here = this.#verifying.size;
    if (here >= verifyingPairs || authenticated + here >= pairs) return true;
    return this.#verifyingOfAll.count(remoteAddress) >= verifyingPerAddress;
  }

  async #verify(request: DialbackElement): Promise<void> {
    const [verifying, streamId, key] = [this.#verifying, this.#streamId, pairKey(request.pair)];
    const { remoteAddress } = this.#stream;
    verifying.add(key);
    this.#verifyingOfAll.add(remoteAddress);
    const verdict = await this.#context.verifyKey(request.pair, streamId, request.key);
    this.#verifyingOfAll.remove(remoteAddress);
    verifying.delete(key);
    if (!this.#stream.isOpen || streamId !== this.#streamId) return;
    // The rules may have changed meanwhile.
    const refusal = refusalOf(request, this.#context, this.#stream.isEncrypted);
    if (refusal !== undefined) return this.#refuse(request, refusal);
    if (verdict === 'valid') return this.#accept(request, 'dialback');
    if (verdict === 'unreachable')
      return this.#refuse(
        request,
        new StanzaError('remote-server-not-found', 'The key could not be verified.'),
      );
    this.#reject(request);
  }

  /** The whole stream, unless others may use it who have done nothing wrong (XEP-0220 §2.2.1). */
  #reject(request: DialbackElement): void {
    const text = 'The key is not valid.';
    if (this.#stream.authenticated > 0) {
      this.#refuse(request, new StanzaError('forbidden', text));
    } else {
      this.#stream.write(dialbackAnswer(request, 'invalid'));
      this.#stream.end(new StreamError('not-authorized', text));
    }
  }

  #accept(request: DialbackElement, proof: Proof): void {
    this.#stream.write(dialbackAnswer(request, 'valid'));
    this.#stream.authenticate(request.pair, proof);
  }

  #refuse(request: DialbackElement, error: StanzaError): void {
    this.#stream.write(dialbackAnswer(request, error));
    this.#report(request, error.message);
  }

  #report({ pair }: DialbackElement, reason: string): void {
    const client = this.#stream.remoteAddress;
    this.#context.events.serverRefused({ client, domain: pair.remote, reason });
  }
}

/** Why a request is not even looked at (XEP-0220 §2.4.2). */
function refusalOf(
  { pair }: DialbackElement,
  { isLocal, policy }: Rules,
  isEncrypted: boolean,
): StanzaError | undefined {
  if (policy.requireEncryption && !isEncrypted) return new StanzaError('policy-violation', 'Use TLS first.');
  if (!isLocal(pair.local)) return new StanzaError('item-not-found', 'That domain is not of this server.');
  if (isLocal(pair.remote)) return new StanzaError('not-acceptable', 'That domain is of this server.');
  if (!policy.mayTalk(pair.remote))
    return new StanzaError('not-allowed', 'This server does not talk with yours.');
  return undefined;
}

/** Says whether we gave a key out (XEP-0220 §2.2.2); nobody needs to have authenticated to ask that. */
export function answerVerify(request: DialbackElement, { dialbackSecret }: Rules): Element {
  const { local: originating, remote: receiving } = request.pair;
  const scope = { receiving, originating, streamId: request.id ?? '' };
  return dialbackAnswer(request, isDialbackKey(dialbackSecret, scope, request.key) ? 'valid' : 'invalid');
}
