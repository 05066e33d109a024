import type { Socket } from 'node:net';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { isStanza } from '../../../xmpp/stanza.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import type { ConnectionCounter } from '../connections/connection-counter.js';
import type { Registry } from '../connections/registry.js';
import type { DomainPair, Proof, S2sContext, StanzaStream, StreamFailure } from './context.js';
import { DialbackReceiver, type DialbackStream } from './dialback-receiver.js';
import { ExternalExchange, externalReply } from './external.js';
import { offerFeatures } from './features.js';
import type { PeerProof } from './peer-certificate.js';
import { ServerStream, type Speaker, type StreamEnd } from './server-stream.js';
import { StanzaInlet } from './stanza-inlet.js';
import { failureOf, reasonFor } from './stream-failure.js';
import { type PeerHeader, peerHeader, readPeerHeader } from './stream-header.js';

export interface IncomingOptions {
  /** TLS from the first byte (XEP-0368). */
  readonly isDirectTls: boolean;
  /** Hears what becomes of the stream. */
  readonly registry: Pick<Registry<IncomingStream>, 'authenticated' | 'bound' | 'ending' | 'gone'>;
  /** Keys that are being verified, on all streams, by who gave them. */
  readonly verifying: ConnectionCounter;
}

/**
 * A stream that another server opened (RFC 6120 §4.3): TLS, then SASL EXTERNAL (XEP-0178) or dialback (XEP-0220), by
 * which one domain after another authenticates for one domain of ours each. With bidi (XEP-0288) it carries stanzas back.
 */
export class IncomingStream implements StanzaStream, Speaker, DialbackStream {
  readonly #context: S2sContext;
  readonly #registry: IncomingOptions['registry'];
  readonly #stream: ServerStream;
  readonly #inlet: StanzaInlet;
  readonly #dialback: DialbackReceiver;
  readonly #external = new ExternalExchange();
  /** What the certificate proves; undefined in clear. */
  #peer: PeerProof | undefined;
  #header: PeerHeader | undefined;
  #isBidi = false;
  /** Authenticated by certificate: stanzas may come when the stream is open again (RFC 6120 §6.4.6). */
  #proved: DomainPair | undefined;
  #failures = 0;
  #failure: StreamFailure | undefined;

  constructor(context: S2sContext, socket: Socket, { isDirectTls, registry, verifying }: IncomingOptions) {
    this.#context = context;
    this.#registry = registry;
    this.#inlet = new StanzaInlet(context);
    this.#dialback = new DialbackReceiver(context, this, verifying);
    this.#stream = new ServerStream(context, socket, this);
    this.#stream.start();
    if (isDirectTls) this.#startTls();
  }

  get remoteAddress(): string {
    return this.#stream.remoteAddress;
  }

  get isOpen(): boolean {
    return this.#stream.isOpen;
  }

  get isEncrypted(): boolean {
    return this.#peer !== undefined;
  }

  get authenticated(): number {
    return this.#inlet.size;
  }

  get unsent(): readonly Element[] {
    return this.#stream.unsent;
  }

  send(stanza: Element): boolean {
    return this.#stream.send(stanza);
  }

  end(error?: StreamError): void {
    this.#stream.end(error);
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#stream.destroy();
  }

  /** Ends the stream if the operator's rules, as they are now, forbid what it has come to. */
  obey(): void {
    const error = this.#objection();
    if (error !== undefined) this.end(error);
  }

  write(element: Element): void {
    this.#stream.write(element);
  }

  hasAuthenticated(pair: DomainPair): boolean {
    return this.#inlet.isOpenFor(pair);
  }

  certificateFlaw(domain: string): string | undefined {
    return this.#peer === undefined ? 'was not shown' : this.#peer(domain);
  }

  authenticate(pair: DomainPair, proof: Proof): void {
    this.#inlet.open(pair);
    this.#registry.authenticated(this);
    this.#registry.bound(this);
    this.#stream.trust();
    this.#context.events.serverConnected({
      domain: pair.remote,
      direction: 'incoming',
      authentication: proof,
      encrypted: this.isEncrypted,
    });
    if (this.#isBidi) this.#context.onBidi(pair, this);
  }

  onHeader(header: Element, contentNamespace: string): void {
    const peer = readPeerHeader(header, contentNamespace);
    this.#checkHeader(peer);
    this.#header = { ...peer, from: peer.from ?? this.#header?.from, to: peer.to ?? this.#header?.to };
    this.#stream.open(this.header());
    if (!peer.isLegacy) this.write(this.#features());
    else if (this.#mustEncrypt) throw new StreamError('policy-violation', 'Use TLS.');
    if (this.#proved !== undefined) this.authenticate(this.#proved, 'certificate');
    this.#proved = undefined;
  }

  /** Begins what keys are given for, too. */
  header(): string {
    const id = this.#context.streamIds.next();
    this.#dialback.opened(id);
    const { from, to, isLegacy } = this.#header ?? { isLegacy: false };
    const own = to !== undefined && this.#context.isLocal(to) ? to : this.#context.domain;
    return peerHeader({ from: own, to: from, id, isLegacy });
  }

  onElement(element: Element): void | Promise<void> {
    if (isStanza(element)) return this.#takeStanza(element);
    if (element.is('starttls', ns.tls)) return this.#takeStartTls();
    if (element.ns === ns.dialback) return this.#dialback.take(element);
    if (this.#mustEncrypt) throw new StreamError('policy-violation', 'Use TLS first.');
    if (element.ns === ns.sasl) return this.#authenticateBySasl(element);
    if (element.is('bidi', ns.bidi)) return this.#takeBidi();
    throw new StreamError('unsupported-stanza-type', 'This was not offered.');
  }

  onDropped(error: StreamError, start: Element | undefined): void {
    void this.#inlet.refuse(error, start);
  }

  onEnding(end: StreamEnd): void {
    const { by, error } = end;
    this.#failure = failureOf(end, true);
    this.#registry.ending(this);
    if (by !== 'us' || error === undefined) return;
    const domain = this.#header?.from;
    this.#context.events.serverRefused({
      client: this.remoteAddress,
      ...(domain !== undefined && { domain }),
      reason: error.message,
    });
  }

  onClosed(): void {
    for (const pair of this.#inlet.pairs) {
      if (this.#isBidi) this.#context.offBidi(pair, this);
      this.#context.events.serverDisconnected({
        domain: pair.remote,
        direction: 'incoming',
        ...reasonFor(this.#failure),
      });
    }
    this.#registry.gone(this);
  }

  get #mustEncrypt(): boolean {
    return this.#context.policy.requireEncryption && !this.isEncrypted;
  }

  /** Whom the header names must be somebody that we talk with, and the same as before. */
  #checkHeader({ from, to }: PeerHeader): void {
    const { isLocal, policy } = this.#context;
    if (to !== undefined && !isLocal(to))
      throw new StreamError('host-unknown', 'That domain is not of this server.');
    const before = this.#header;
    if (isOther(before?.from, from) || isOther(before?.to, to))
      throw new StreamError('improper-addressing', 'The stream was for other domains before.');
    if (from === undefined) return;
    if (isLocal(from)) throw new StreamError('invalid-from', 'That domain is of this server.');
    if (!policy.mayTalk(from)) throw notWanted();
    // Said at once, so that the other server's log tells its operator what to do.
    const flaw = this.isEncrypted ? this.#certificateError(from) : undefined;
    if (flaw !== undefined) throw flaw;
  }

  #certificateError(from: string): StreamError | undefined {
    const flaw = this.#context.policy.mustVerify(from) ? this.certificateFlaw(from) : undefined;
    return flaw === undefined ? undefined : new StreamError('not-authorized', `Your certificate ${flaw}.`);
  }

  /** What the rules have against whom the header names, and against those who have authenticated. */
  #objection(): StreamError | undefined {
    const { mayTalk } = this.#context.policy;
    const from = this.#header?.from;
    const authenticated = [...this.#inlet.pairs].map(({ remote }) => remote);
    if (![...(from === undefined ? [] : [from]), ...authenticated].every(mayTalk)) return notWanted();
    if (authenticated.length > 0 && this.#mustEncrypt) return new StreamError('policy-violation', 'Use TLS.');
    return authenticated.map((domain) => this.#certificateError(domain)).find(isDefined);
  }

  #features(): Element {
    const isNew = this.#proved === undefined;
    const clear = this.#mustEncrypt ? 'required' : 'optional';
    return offerFeatures({
      startTls: this.isEncrypted ? 'no' : clear,
      external: isNew && this.#provable() !== undefined,
      dialback: !this.#mustEncrypt,
      bidi: isNew && !this.#mustEncrypt,
    });
  }

  /** The pair of the header, if the certificate proves it. */
  #provable(): DomainPair | undefined {
    const { from, to } = this.#header ?? {};
    if (from === undefined || to === undefined || this.certificateFlaw(from) !== undefined) return undefined;
    return { local: to, remote: from };
  }

  #takeStanza(stanza: Element): void | Promise<void> {
    if (this.#inlet.size === 0) throw new StreamError('not-authorized', 'Authenticate first.');
    return this.#inlet.take(stanza);
  }

  /** RFC 6120 §5.4.2: a failure is followed by the end of the stream. */
  #takeStartTls(): void {
    if (!this.isEncrypted && this.#inlet.size === 0) {
      this.#startTls(el('proceed', ns.tls));
    } else {
      this.write(el('failure', ns.tls));
      this.end();
    }
  }

  /** What was said in clear counts for nothing (RFC 6120 §5.4.3.3). */
  #startTls(proceed?: Element): void {
    this.#dialback.opened('');
    this.#stream.startTls(
      (socket) =>
        this.#context.tls().accept(socket, (secure, proof) => {
          this.#peer = proof;
          this.#header = undefined;
          this.#isBidi = false;
          this.#stream.secured(secure);
        }),
      proceed,
    );
  }

  #authenticateBySasl(element: Element): void {
    if (this.#inlet.size > 0) throw new StreamError('policy-violation', 'You have authenticated.');
    const pair = this.#provable();
    const step = this.#external.take(element, pair?.remote);
    this.write(externalReply(step));
    if (step.kind === 'success') {
      this.#proved = pair;
      this.#stream.restart();
    } else if (step.kind === 'failure' && ++this.#failures >= this.#context.limits.authenticationTries) {
      throw new StreamError('policy-violation', 'Authentication failed too often.');
    }
  }

  /** Who wants it says so before authentication (XEP-0288 §2.2); who comes too late has to do without. */
  #takeBidi(): void {
    if (this.#inlet.size === 0) this.#isBidi = true;
  }
}

const notWanted = () => new StreamError('policy-violation', 'This server does not talk with yours.');

const isDefined = <T>(value: T | undefined) => value !== undefined;

const isOther = (before: string | undefined, now: string | undefined) =>
  before !== undefined && now !== undefined && before !== now;
