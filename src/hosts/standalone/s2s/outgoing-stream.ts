import type { Socket } from 'node:net';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { isStanza } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import {
  type DomainPair,
  type KeyVerdict,
  type Proof,
  pairKey,
  type S2sContext,
  type StanzaStream,
  type StreamFailure,
} from './context.js';
import {
  type DialbackElement,
  dialbackAnswer,
  dialbackKey,
  dialbackRequest,
  readDialback,
} from './dialback.js';
import { answerVerify } from './dialback-receiver.js';
import { externalRequest } from './external.js';
import { readFeatures } from './features.js';
import { KeyQuestions } from './key-questions.js';
import { certificateName, type PeerProof } from './peer-certificate.js';
import { ServerStream, type Speaker, type StreamEnd } from './server-stream.js';
import { StanzaInlet } from './stanza-inlet.js';
import {
  badCertificate,
  dialbackFailure,
  failureOf,
  keyRefused,
  noEncryption,
  noStreamId,
  reasonFor,
  tooSlow,
} from './stream-failure.js';
import { peerHeader, readPeerHeader } from './stream-header.js';

export interface OutgoingOptions {
  /** Connected to the other server. */
  readonly socket: Socket;
  /** TLS from the first byte (XEP-0368). */
  readonly isDirectTls: boolean;
  readonly pair: DomainPair;
  /** `verify`: nobody authenticates, and all that is asked is whether keys are right. */
  readonly purpose: 'stanzas' | 'verify';
}

export interface OutgoingHandler {
  /**
   * Stanzas may be sent, or keys asked about. `proof` is how the other server has proved that it is it: by its
   * certificate, or just by where it is.
   */
  onReady(proof: Proof): void;
  /** The stream is over, and `unsent` is final. This is the last call; undefined if one that was ready came to a good end. */
  onClosed(failure: StreamFailure | undefined): void;
}

/** What is waited for. */
type Phase = 'tls' | 'header' | 'features' | 'proceed' | 'sasl' | 'dialback' | 'ready';

/**
 * A stream that we open to another server (RFC 6120 §4.3), on a connection that stands: TLS, then SASL EXTERNAL
 * (XEP-0178) or dialback (XEP-0220) by which our domain authenticates, with bidi (XEP-0288) if the other server offers
 * that. The handler is not called before the constructor returns.
 */
export class OutgoingStream implements StanzaStream, Speaker {
  readonly #context: S2sContext;
  readonly #options: OutgoingOptions;
  readonly #handler: OutgoingHandler;
  readonly #stream: ServerStream;
  readonly #inlet: StanzaInlet;
  readonly #questions: KeyQuestions;
  readonly #cancelTimeout: () => void;
  #phase: Phase = 'header';
  /** What the other server's certificate proves; undefined in clear. */
  #peer: PeerProof | undefined;
  /** Of the other side's stream: what our key is for. */
  #streamId = '';
  #hasAuthenticated = false;
  #isBidi = false;
  #failure: StreamFailure | undefined;

  constructor(context: S2sContext, options: OutgoingOptions, handler: OutgoingHandler) {
    const { clock, limits } = context;
    this.#context = context;
    this.#options = options;
    this.#handler = handler;
    this.#inlet = new StanzaInlet(context);
    this.#questions = new KeyQuestions(clock, limits.dialbackTimeout, limits.openVerifications);
    this.#stream = new ServerStream(context, options.socket, this);
    this.#stream.start();
    this.#cancelTimeout = clock.after(limits.negotiationTimeout, () => this.#fail(tooSlow));
    if (options.isDirectTls) this.#startTls();
    else this.#stream.open(this.header());
  }

  get pair(): DomainPair {
    return this.#options.pair;
  }

  get remoteAddress(): string {
    return this.#stream.remoteAddress;
  }

  get isReady(): boolean {
    return this.#phase === 'ready' && this.#stream.isOpen;
  }

  get isPermitted(): boolean {
    const { policy } = this.#context;
    const { remote } = this.pair;
    if (!policy.mayTalk(remote) || this.#mustEncrypt) return false;
    return !policy.mustVerify(remote) || this.#peer?.(remote) === undefined;
  }

  get unsent(): readonly Element[] {
    return this.#stream.unsent;
  }

  /** As `StanzaStream.send`; false before the stream is ready. */
  send(stanza: Element): boolean {
    return this.isReady && this.#stream.send(stanza);
  }

  /**
   * Asks whether the other server gave out a key of `pair.remote` for a stream of `pair.local`. `unreachable` if it does
   * not say in time. Never rejects.
   */
  verify(streamId: string, key: string): Promise<KeyVerdict> {
    if (!this.isReady) return Promise.resolve('unreachable');
    return this.#questions.ask(streamId, () =>
      this.#stream.write(dialbackRequest('verify', this.pair, key, streamId)),
    );
  }

  end(error?: StreamError): void {
    this.#stream.end(error);
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#stream.destroy();
  }

  header(): string {
    return peerHeader({ from: this.pair.local, to: this.pair.remote });
  }

  onHeader(header: Element, contentNamespace: string): void {
    const { id = '', isLegacy } = readPeerHeader(header, contentNamespace);
    this.#streamId = id;
    this.#phase = 'features';
    if (isLegacy) this.#goOnWithout();
  }

  onElement(element: Element): void | Promise<void> {
    if (isStanza(element)) return this.#takeStanza(element);
    if (element.ns === ns.dialback) return this.#takeDialback(element);
    if (element.is('features', ns.streams)) return this.#takeFeatures(element);
    if (element.ns === ns.tls && this.#phase === 'proceed') return this.#takeTlsAnswer(element);
    if (element.ns === ns.sasl && this.#phase === 'sasl') return this.#takeSaslAnswer(element);
    throw new StreamError('unsupported-stanza-type', 'This was not asked for.');
  }

  onDropped(error: StreamError, start: Element | undefined): void {
    void this.#inlet.refuse(error, start);
  }

  onEnding(end: StreamEnd): void {
    this.#cancelTimeout();
    this.#failure ??= failureOf(end, this.#phase === 'ready');
    this.#questions.close();
  }

  onClosed(): void {
    if (this.#phase === 'ready' && this.#options.purpose === 'stanzas')
      this.#context.events.serverDisconnected({
        domain: this.pair.remote,
        direction: 'outgoing',
        ...reasonFor(this.#failure),
      });
    this.#handler.onClosed(this.#failure);
  }

  #fail(failure: StreamFailure): void {
    this.#failure ??= failure;
    this.#stream.end();
  }

  #startTls(): void {
    const { pair, isDirectTls } = this.#options;
    this.#phase = 'tls';
    this.#stream.startTls((socket) => {
      const name = certificateName(pair.remote);
      const secure = this.#context.tls().connect(socket, name, isDirectTls, (proof) => this.#secured(proof));
      this.#stream.secured(secure);
    });
  }

  #secured(proof: PeerProof): void {
    this.#peer = proof;
    const flaw = proof(this.pair.remote);
    if (flaw !== undefined && this.#context.policy.mustVerify(this.pair.remote)) {
      this.#fail(badCertificate(flaw));
    } else {
      this.#phase = 'header';
      this.#stream.open(this.header());
    }
  }

  /** Servers from before RFC 3920 have no features, and so no TLS. */
  #goOnWithout(): void {
    if (this.#mustEncrypt) this.#fail(noEncryption);
    else this.#authenticate();
  }

  /** A certificate can only be asked for in TLS. */
  get #mustEncrypt(): boolean {
    const { policy } = this.#context;
    return this.#peer === undefined && (policy.requireEncryption || policy.mustVerify(this.pair.remote));
  }

  #takeFeatures(element: Element): void {
    if (this.#phase !== 'features') return;
    const { startTls, external, bidi } = readFeatures(element);
    if (this.#peer === undefined && startTls !== 'no') this.#askForTls();
    else if (this.#mustEncrypt) this.#fail(noEncryption);
    else if (this.#hasAuthenticated || this.#options.purpose === 'verify') this.#ready();
    else {
      if (bidi) this.#askForBidi();
      if (external && this.#peer !== undefined) this.#tryExternal();
      else this.#authenticate();
    }
  }

  #askForTls(): void {
    this.#phase = 'proceed';
    this.#stream.write(el('starttls', ns.tls));
  }

  #takeTlsAnswer(element: Element): void {
    if (element.name === 'proceed') this.#startTls();
    else this.#fail(noEncryption);
  }

  #askForBidi(): void {
    this.#isBidi = true;
    this.#stream.write(el('bidi', ns.bidi));
  }

  #tryExternal(): void {
    this.#phase = 'sasl';
    this.#stream.write(externalRequest(this.pair.local));
  }

  /** Whoever does not take our certificate may still take a key, on the same stream. */
  #takeSaslAnswer(element: Element): void {
    if (element.name === 'failure') this.#authenticate();
    else if (element.name === 'success') this.#restart();
    else throw new StreamError('unsupported-stanza-type', 'Nothing is left to say.');
  }

  #restart(): void {
    this.#hasAuthenticated = true;
    this.#phase = 'header';
    this.#stream.restart();
    this.#stream.open(this.header());
  }

  /** By dialback (XEP-0220 §2.1.1), unless there is nobody to be. */
  #authenticate(): void {
    if (this.#options.purpose === 'verify') this.#ready();
    else if (this.#streamId === '') this.#fail(noStreamId);
    else this.#sendKey();
  }

  #sendKey(): void {
    const { local: originating, remote: receiving } = this.pair;
    const scope = { receiving, originating, streamId: this.#streamId };
    this.#phase = 'dialback';
    this.#stream.write(
      dialbackRequest('result', this.pair, dialbackKey(this.#context.dialbackSecret, scope)),
    );
  }

  #takeDialback(element: Element): void {
    const said = readDialback(element);
    if (said === undefined) throw new StreamError('improper-addressing', 'Dialback is between two domains.');
    if (said.type === undefined) this.#answerDialback(said);
    else if (pairKey(said.pair) === pairKey(this.pair)) this.#takeAnswer(said, element);
  }

  /** One that nobody waits for counts for nothing. */
  #takeAnswer(said: DialbackElement, element: Element): void {
    if (said.kind === 'verify') this.#questions.answer(said);
    else if (this.#phase === 'dialback') this.#takeResult(said, element);
  }

  #takeResult({ type }: DialbackElement, element: Element): void {
    if (type === 'valid') this.#ready();
    else if (type === 'invalid') this.#fail(keyRefused);
    else this.#fail(dialbackFailure(StanzaError.fromStanza(element)));
  }

  /** Further domains have to come on streams of their own (XEP-0220 §2.4.2). */
  #answerDialback(request: DialbackElement): void {
    if (this.#mustEncrypt) throw new StreamError('policy-violation', 'Use TLS first.');
    const isVerify = request.kind === 'verify' && this.#context.isLocal(request.pair.local);
    const refusal = () =>
      dialbackAnswer(request, new StanzaError('resource-constraint', 'Open another stream.'));
    this.#stream.write(isVerify ? answerVerify(request, this.#context) : refusal());
  }

  #ready(): void {
    const { pair, purpose } = this.#options;
    const proof =
      this.#peer?.(pair.remote) === undefined && this.#peer !== undefined ? 'certificate' : 'dialback';
    this.#phase = 'ready';
    this.#cancelTimeout();
    this.#stream.trust();
    if (this.#isBidi) this.#inlet.open(pair);
    if (purpose === 'stanzas')
      this.#context.events.serverConnected({
        domain: pair.remote,
        direction: 'outgoing',
        authentication: proof,
        encrypted: this.#peer !== undefined,
      });
    this.#handler.onReady(proof);
  }

  /** Before we have authenticated the other server may not send any (XEP-0288 §2.2). */
  #takeStanza(stanza: Element): void | Promise<void> {
    if (this.#inlet.size === 0) throw new StreamError('not-authorized', 'Stanzas do not come this way.');
    return this.#inlet.take(stanza);
  }
}
