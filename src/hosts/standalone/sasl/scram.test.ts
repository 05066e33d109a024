import { describe, expect, it } from 'vitest';
import { Jid } from '../../../xmpp/jid.js';
import type { Claimant } from './claimant.js';
import { hmac, type ScramHash, saltedPassword, storedKeyOf } from './credentials.js';
import { defaultGuessLimits, GuessLimits } from './guess-limits.js';
import type { Turn } from './mechanism.js';
import { scram } from './scram.js';

interface Vector {
  readonly hash: ScramHash;
  readonly clientNonce: string;
  readonly serverNonce: string;
  readonly salt: string;
  readonly proof: string;
  readonly signature: string;
}

/** User `user`, password `pencil`, 4096 iterations. */
const vectors: Readonly<Record<string, Vector>> = {
  'RFC 5802 §5': {
    hash: 'sha1',
    clientNonce: 'fyko+d2lbbFgONRv9qkxdawL',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    salt: 'QSXCR+Q6sek8bf92',
    proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    signature: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  'RFC 7677 §3': {
    hash: 'sha256',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
};

async function claimantOf({ hash, salt }: Vector): Promise<Claimant> {
  const origin = { salt: Buffer.from(salt, 'base64'), iterations: 4096 };
  const salted = await saltedPassword(hash, 'pencil', origin);
  const keys = {
    ...origin,
    storedKey: storedKeyOf(hash, salted),
    serverKey: hmac(hash, salted, 'Server Key'),
  };
  return { jid: Jid.parse('user@example.org'), id: 7, credentials: { sha1: keys, sha256: keys } };
}

async function begin(vector: Vector): Promise<(message: string) => Promise<Turn>> {
  const claimant = await claimantOf(vector);
  let take = scram({
    domain: Jid.parse('example.org'),
    find: async () => claimant,
    limits: new GuessLimits(defaultGuessLimits),
    hash: vector.hash,
    binds: false,
    channel: { remoteAddress: '192.0.2.1', isPrivate: true, bindings: new Map() },
    nextNonce: () => vector.serverNonce,
  });
  return async (message) => {
    const turn = await take(Buffer.from(message));
    if (turn.kind === 'challenge') take = turn.takeNext;
    return turn;
  };
}

const textOf = (turn: Turn) => ('data' in turn && turn.data ? Buffer.from(turn.data).toString() : undefined);

describe.each(Object.entries(vectors))('the example of %s', (_name, vector) => {
  const { clientNonce, serverNonce, salt, proof, signature } = vector;
  const nonce = clientNonce + serverNonce;

  it('is an exchange that succeeds', async () => {
    const say = await begin(vector);
    const challenge = await say(`n,,n=user,r=${clientNonce}`);
    expect(textOf(challenge)).toBe(`r=${nonce},s=${salt},i=4096`);
    const end = await say(`c=biws,r=${nonce},p=${proof}`);
    expect(end).toMatchObject({ kind: 'success', account: { id: 7, jid: Jid.parse('user@example.org') } });
    expect(textOf(end)).toBe(`v=${signature}`);
  });

  it('fails with a nonce, a binding or a proof that is not the one expected', async () => {
    const wrong = {
      [`c=biws,r=${clientNonce},p=${proof}`]: 'malformed-request',
      [`c=biws,r=${nonce}x,p=${proof}`]: 'malformed-request',
      [`c=eSws,r=${nonce},p=${proof}`]: 'not-authorized',
      [`c=biws,r=${nonce},p=${proof.replace(/^./, 'A')}`]: 'not-authorized',
      [`c=biws,r=${nonce},p=${Buffer.from(proof, 'base64').subarray(1).toString('base64')}`]:
        'not-authorized',
      [`c=biws,r=${nonce},p=${Buffer.alloc(64).toString('base64')}`]: 'not-authorized',
      [`c=biws,r=${nonce},x=1,p=${proof}`]: 'not-authorized',
    };
    for (const [message, condition] of Object.entries(wrong)) {
      const say = await begin(vector);
      await say(`n,,n=user,r=${clientNonce}`);
      expect(await say(message), message).toMatchObject({ kind: 'failure', condition });
    }
  });

  it('fails if the first message was another one than the client signed', async () => {
    const say = await begin(vector);
    await say(`n,,n=USER,r=${clientNonce}`);
    expect(await say(`c=biws,r=${nonce},p=${proof}`)).toMatchObject({ condition: 'not-authorized' });
  });
});
