import { timingSafeEqual } from 'node:crypto';
import type { Credentials } from '../store.js';
import type { BoundedWork } from './bounded-work.js';
import { claimedJid, mayActAs } from './claimant.js';
import { saltedPassword, storedKeyOf } from './credentials.js';
import { decodeUtf8 } from './decode-utf8.js';
import {
  refuse,
  type Take,
  type Tools,
  type Turn,
  tooManyGuesses,
  unavailable,
  wrongPassword,
} from './mechanism.js';
import { PasswordError, preparePassword } from './password.js';
import type { Channel } from './sasl.js';

export interface PlainOptions extends Tools {
  readonly channel: Channel;
  /** Bounds the work that passwords are. */
  readonly work: BoundedWork;
}

interface PlainMessage {
  readonly authzid: string | undefined;
  readonly username: string;
  readonly password: string;
}

/** PLAIN (RFC 4616). */
export function plain({ domain, find, limits, channel, work }: PlainOptions): Take {
  return async (message) => {
    const said = parsePlain(message);
    if (said === undefined) return refuse('malformed-request');
    const jid = claimedJid(said.username, domain);
    const password = preparedOrNone(said.password);
    if (jid === undefined || password === undefined) return refuse('not-authorized', undefined, jid);
    if (!mayActAs(said.authzid, jid)) return refuse('invalid-authzid', undefined, jid);
    const guess = { address: channel.remoteAddress, account: jid.toString() };
    if (await limits.refuses(guess)) return tooManyGuesses(jid);
    const claimant = await find(jid);
    if (claimant === undefined) return unavailable(jid);
    const turn = work.run(async (): Promise<Turn> => {
      // Once more, because others of the same guesser may have come first while this one waited.
      if (await limits.refuses(guess)) return tooManyGuesses(jid);
      const { id, credentials } = claimant;
      const isRight = await matches(password, credentials);
      if (!isRight || id === undefined) return wrongPassword(limits, channel, jid);
      return { kind: 'success', account: { id, jid } };
    });
    return turn ?? refuse('temporary-auth-failure', 'Too many log in at this moment.', jid);
  };
}

/** `[authzid] NUL authcid NUL passwd` (RFC 4616 §2); undefined if it is malformed. */
function parsePlain(message: Uint8Array): PlainMessage | undefined {
  const [authzid, username, password, ...more] = decodeUtf8(message)?.split('\0') ?? [];
  if (!username || !password || more.length > 0) return undefined;
  return { authzid: authzid === '' ? undefined : authzid, username, password };
}

function preparedOrNone(password: string): string | undefined {
  try {
    return preparePassword(password);
  } catch (error) {
    if (error instanceof PasswordError) return undefined;
    throw error;
  }
}

async function matches(password: string, { sha256 }: Credentials): Promise<boolean> {
  const salted = await saltedPassword('sha256', password, sha256);
  return timingSafeEqual(storedKeyOf('sha256', salted), sha256.storedKey);
}
