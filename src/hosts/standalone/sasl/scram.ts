import { timingSafeEqual } from 'node:crypto';
import type { ScramKeys } from '../store.js';
import { type Claimant, claimedJid, mayActAs } from './claimant.js';
import { digest, hmac, type ScramHash } from './credentials.js';
import {
  type Refusal,
  refuse,
  type Take,
  type Tools,
  type Turn,
  tooManyGuesses,
  unavailable,
  wrongPassword,
} from './mechanism.js';
import type { Channel, ChannelBinding } from './sasl.js';
import { type ClientFinal, type ClientFirst, parseClientFinal, parseClientFirst } from './scram-messages.js';

export interface ScramOptions extends Tools {
  readonly hash: ScramHash;
  /** A mechanism that ends in -PLUS. */
  readonly binds: boolean;
  readonly channel: Channel;
  /** Unguessable text without a comma. */
  readonly nextNonce: () => string;
}

/** What is known when the client has to prove itself. */
interface Opening {
  readonly first: ClientFirst;
  readonly claimant: Claimant;
  readonly bindingData: () => Uint8Array;
  /** The client's nonce and ours. */
  readonly nonce: string;
  readonly serverFirst: string;
}

const noData = () => new Uint8Array();
const utf8 = (text: string) => Buffer.from(text, 'utf8');

/** SCRAM (RFC 5802, RFC 7677), with and without channel binding. */
export function scram(options: ScramOptions): Take {
  const { domain, find, limits, hash, channel } = options;
  return async (message) => {
    const first = parseClientFirst(message);
    if (first === undefined) return refuse('malformed-request');
    const bindingData = bindingOf(first, options);
    if ('kind' in bindingData) return bindingData;
    const jid = claimedJid(first.username, domain);
    if (jid === undefined) return refuse('not-authorized');
    if (!mayActAs(first.authzid, jid)) return refuse('invalid-authzid', undefined, jid);
    if (await limits.refuses({ address: channel.remoteAddress, account: jid.toString() })) {
      return tooManyGuesses(jid);
    }
    const claimant = await find(jid);
    if (claimant === undefined) return unavailable(jid);
    const nonce = first.nonce + options.nextNonce();
    const serverFirst = challengeText(nonce, claimant.credentials[hash]);
    const opening = { first, claimant, bindingData, nonce, serverFirst };
    return {
      kind: 'challenge',
      data: utf8(serverFirst),
      takeNext: (final) => takeFinal(final, opening, options),
    };
  };
}

/** The data that the client has to repeat: none, or that of the channel (RFC 5802 §6); or why it is refused. */
function bindingOf({ flag }: ClientFirst, { binds, channel }: ScramOptions): (() => Uint8Array) | Refusal {
  if (typeof flag === 'object') {
    const data = binds ? channel.bindings.get(flag.type as ChannelBinding) : undefined;
    return data ?? refuse('malformed-request', 'This type of channel binding is not offered here.');
  }
  if (binds) return refuse('malformed-request', 'This mechanism needs channel binding.');
  // The client would have used what it was offered: somebody has taken it off the list on the way.
  if (flag === 'y' && channel.bindings.size > 0) {
    return refuse('not-authorized', 'Channel binding was offered, but did not reach the client.');
  }
  return noData;
}

function challengeText(nonce: string, { salt, iterations }: ScramKeys): string {
  return `r=${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
}

async function takeFinal(message: Uint8Array, opening: Opening, options: ScramOptions): Promise<Turn> {
  const { claimant, first, serverFirst } = opening;
  const { jid, id, credentials } = claimant;
  const { hash, limits, channel } = options;
  const final = parseClientFinal(message);
  if (final?.nonce !== opening.nonce) return refuse('malformed-request', undefined, jid);
  if (final.channelBinding !== expectedBinding(opening)) {
    return refuse('not-authorized', 'The channel bindings do not match.', jid);
  }
  if (await limits.refuses({ address: channel.remoteAddress, account: jid.toString() })) {
    return tooManyGuesses(jid);
  }
  const keys = credentials[hash];
  const signed = `${first.bare},${serverFirst},${final.withoutProof}`;
  if (!proves(final, signed, hash, keys) || id === undefined) return wrongPassword(limits, channel, jid);
  const signature = Buffer.from(hmac(hash, keys.serverKey, signed)).toString('base64');
  return { kind: 'success', data: utf8(`v=${signature}`), account: { id, jid } };
}

function expectedBinding({ first, bindingData }: Opening): string {
  return Buffer.concat([utf8(first.gs2Header), bindingData()]).toString('base64');
}

/** Whether the proof was made with the key that the stored one was made of (RFC 5802 §3). */
function proves({ proof }: ClientFinal, signed: string, hash: ScramHash, { storedKey }: ScramKeys): boolean {
  const signature = hmac(hash, storedKey, signed);
  if (proof.length !== signature.length) return false;
  const clientKey = signature.map((byte, at) => byte ^ (proof[at] ?? 0));
  return timingSafeEqual(digest(hash, clientKey), storedKey);
}
