import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import type { RandomText } from '../../../xmpp/random-text.js';
import type { StanzaCondition } from '../../../xmpp/stanza-error.js';
import type { StreamError } from '../../../xmpp/stream-error.js';
import type { S2sLimits } from './limits.js';
import type { S2sTls } from './tls.js';

/** Two domains that talk, in prepared form (RFC 7622): one of ours and one of another server. */
export interface DomainPair {
  readonly local: string;
  readonly remote: string;
}

/** Text by which a pair is known in a map. */
export const pairKey = ({ local, remote }: DomainPair) => `${local} ${remote}`;

/** With whom and how the operator wants to talk. Domains are prepared. */
export interface S2sPolicy {
  mayTalk(domain: string): boolean;
  /** Whether that domain has to have a certificate that verifies; else dialback (XEP-0220) does as well. */
  mustVerify(domain: string): boolean;
  readonly requireEncryption: boolean;
}

/** How a domain has proved that it is it, in the log too. */
export type Proof = 'certificate' | 'dialback';

/** What the authoritative server says of a key. `unreachable` also if it gave no answer that counts. */
export type KeyVerdict = 'valid' | 'invalid' | 'unreachable';

/** Why a stream ended, or never came to carry anything. */
export interface StreamFailure {
  /** What stanzas that wait for the stream go back with. */
  readonly condition: StanzaCondition;
  /** A sentence for the operator, without addresses. */
  readonly reason: string;
  /** What the operator can do about it, if that is known. */
  readonly remedy?: string;
  /** The other server has said no, and would at another of its addresses too: those need not be tried. */
  readonly isFinal: boolean;
}

/** A stream that carries stanzas from `pair.local` to `pair.remote`. */
export interface StanzaStream {
  readonly remoteAddress: string;
  /** Takes a stanza in `jabber:client` with `from` and `to`; false if the stream has ended or its queue is full. */
  send(stanza: Element): boolean;
  /** Writes what waits, then the error if there is one, then closes. */
  end(error?: StreamError): void;
  /** Stanzas that were taken and have not left, in order; final when the stream has closed. */
  readonly unsent: readonly Element[];
}

/** What all streams with other servers have in common. */
export interface S2sContext {
  /** The server's main domain. */
  readonly domain: string;
  /** Whether stanzas for a domain stay here: ours, those of further entities and of attached components. */
  readonly isLocal: (domain: string) => boolean;
  readonly policy: S2sPolicy;
  /** Own certificate and trusted authorities of the moment (`createS2sTls`). */
  readonly tls: () => S2sTls;
  /** Of the whole server: keys have to be known wherever its connections come in (XEP-0185). */
  readonly dialbackSecret: Uint8Array;
  /**
   * Asks the server that is authoritative for `pair.remote`, on a connection of our own, whether it gave that key out for
   * the stream. Never rejects.
   */
  readonly verifyKey: (pair: DomainPair, streamId: string, key: string) => Promise<KeyVerdict>;
  /** Reads an address, as `AddressCache.read`. */
  readonly address: (text: string) => Jid | undefined;
  /** Takes a stanza of another server: in `jabber:client`, addresses checked and prepared. Never rejects. */
  readonly route: (stanza: Element) => void | Promise<void>;
  /** A stream that the other server opened carries stanzas both ways for this pair from now on (XEP-0288). */
  readonly onBidi: (pair: DomainPair, stream: StanzaStream) => void;
  /** It carries none any more; `unsent` is final. Called once for each pair of `onBidi`. */
  readonly offBidi: (pair: DomainPair, stream: StanzaStream) => void;
  readonly events: Pick<
    Events,
    'serverConnected' | 'serverDisconnected' | 'serverRefused' | 'stanzaDropped' | 'handlerFailed'
  >;
  readonly clock: Clock;
  readonly limits: S2sLimits;
  readonly streamIds: RandomText;
}
