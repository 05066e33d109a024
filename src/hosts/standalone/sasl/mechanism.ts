import type { Jid } from '../../../xmpp/jid.js';
import type { FindClaimant } from './claimant.js';
import type { GuessLimits } from './guess-limits.js';
import type { Channel, SaslCondition, SaslStep } from './sasl.js';

/** Why somebody was not let in. */
export interface Refusal {
  readonly kind: 'failure';
  readonly condition: SaslCondition;
  readonly text?: string;
  /** Who was claimed, once that is known. */
  readonly claimed?: Jid;
}

/** What a mechanism makes of a message: a step of the exchange, with who was claimed or what takes the next message. */
export type Turn =
  | Exclude<SaslStep, { kind: 'failure' | 'challenge' }>
  | Refusal
  | { readonly kind: 'challenge'; readonly data: Uint8Array; readonly takeNext: Take };

/** Takes the client's next message. */
export type Take = (message: Uint8Array) => Promise<Turn>;

/** What the mechanisms have in common. */
export interface Tools {
  readonly domain: Jid;
  readonly find: FindClaimant;
  readonly limits: GuessLimits;
}

/** `claimed` is for the log; `text` is for the client, and says nothing that differs between accounts that exist or not. */
export function refuse(condition: SaslCondition, text?: string, claimed?: Jid): Refusal {
  return {
    kind: 'failure',
    condition,
    ...(text === undefined ? {} : { text }),
    ...(claimed === undefined ? {} : { claimed }),
  };
}

/** The same whatever the password, so that nobody learns anything by going on. */
export const tooManyGuesses = (claimed: Jid) =>
  refuse('temporary-auth-failure', 'Too many attempts have failed. Try again in some minutes.', claimed);

/** The store has failed, which was reported. */
export const unavailable = (claimed: Jid) =>
  refuse('temporary-auth-failure', 'Accounts cannot be looked up at this moment.', claimed);

/** The answer to a wrong password and to a name without an account, which nobody can tell apart. */
export async function wrongPassword(limits: GuessLimits, channel: Channel, claimed: Jid): Promise<Refusal> {
  await limits.failed({ address: channel.remoteAddress, account: claimed.toString() });
  return refuse('not-authorized', undefined, claimed);
}
