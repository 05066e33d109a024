import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** The client's side of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), without channel binding. */
export interface ScramExchange {
  /** The client's first message. */
  readonly first: string;
  /**
   * The client's final message, as answer to the server's first.
   * @throws {Error} if the server's message is malformed, not for this exchange, or asks for too much or too little work
   */
  respond(serverFirst: string): Promise<string>;
  /**
   * Takes the server's final message.
   * @throws {Error} if it does not prove that the server knows the account
   */
  verify(serverFinal: string): void;
}

export interface ScramOptions {
  readonly user: string;
  /** Printable ASCII, which SASLprep leaves as it is. */
  readonly password: string;
  /** Unguessable; made if absent. */
  readonly nonce?: string;
}

/** RFC 7677 §4 has the lower one; the upper one bounds what a server can make a client compute. */
const iterationRange = { least: 4_096, most: 1_000_000 };

const noChannelBinding = 'n,,';
const printableAscii = /^[ -~]+$/;
const derive = promisify(pbkdf2);

/** @throws {Error} if the password is not printable ASCII */
export function createScram({ user, password, nonce = randomNonce() }: ScramOptions): ScramExchange {
  if (!printableAscii.test(password)) throw new Error('this client takes passwords of printable ASCII only');
  const firstBare = `n=${escapeName(user)},r=${nonce}`;
  let expected: Buffer | undefined;
  return {
    first: noChannelBinding + firstBare,
    async respond(serverFirst) {
      const { serverNonce, salt, iterations } = readChallenge(serverFirst, nonce);
      const withoutProof = `c=${Buffer.from(noChannelBinding).toString('base64')},r=${serverNonce}`;
      const exchange = `${firstBare},${serverFirst},${withoutProof}`;
      const salted = await derive(password, salt, iterations, 32, 'sha256');
      const clientKey = hmac(salted, 'Client Key');
      const signature = hmac(createHash('sha256').update(clientKey).digest(), exchange);
      expected = hmac(hmac(salted, 'Server Key'), exchange);
      return `${withoutProof},p=${xor(clientKey, signature).toString('base64')}`;
    },
    verify(serverFinal) {
      const given = Buffer.from(attributesOf(serverFinal).get('v') ?? '', 'base64');
      if (expected === undefined || given.length !== expected.length || !timingSafeEqual(given, expected)) {
        throw new Error('the server did not prove that it knows the account');
      }
    },
  };
}

const randomNonce = () => randomBytes(18).toString('base64url');

/** RFC 5802 §5.1: `,` and `=` stand for something else. */
function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

function readChallenge(
  message: string,
  nonce: string,
): { serverNonce: string; salt: Buffer; iterations: number } {
  const attributes = attributesOf(message);
  const serverNonce = attributes.get('r') ?? '';
  const salt = Buffer.from(attributes.get('s') ?? '', 'base64');
  const iterations = Number(attributes.get('i'));
  // RFC 5802 §5.1: an extension that the client has to understand, and does not.
  if (attributes.has('m')) throw new Error("the server's SCRAM asks for an unknown extension");
  if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length || salt.length === 0) {
    throw new Error("the server's SCRAM challenge is malformed");
  }
  if (!(iterations >= iterationRange.least && iterations <= iterationRange.most)) {
    throw new Error(`the server's SCRAM asks for ${iterations} iterations`);
  }
  return { serverNonce, salt, iterations };
}

/** `r=…,s=…,i=…`, by letter. */
function attributesOf(message: string): Map<string, string> {
  return new Map(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function xor(left: Uint8Array, right: Uint8Array): Buffer {
  return Buffer.from(left.map((byte, at) => byte ^ (right[at] ?? 0)));
}
