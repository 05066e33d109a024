import { createECDH, createPrivateKey, type KeyObject, sign } from 'node:crypto';

const privateKeyBytes = 32;

/** How long a token is good for. More than 24 hours are refused (RFC 8292 §2); half of that leaves room for wrong clocks. */
const tokenSeconds = 12 * 3600;

/** A token that is good for less than this is not used any more, for clocks that are ahead of ours. */
const marginSeconds = 3600;

/** As many as there may be origins with connections. */
const maxTokens = 1000;

/** A new private key for P-256: 32 bytes as base64url. Secret: whoever has it can push to all subscriptions made with it. */
export function createVapidKey(): string {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  // OpenSSL leaves out leading zeros.
  const key = ecdh.getPrivateKey('hex').padStart(privateKeyBytes * 2, '0');
  return Buffer.from(key, 'hex').toString('base64url');
}

/** Says to push services who sends (RFC 8292). */
export interface Vapid {
  /** Which subscriptions are made with: a point on P-256, uncompressed, as base64url. */
  readonly publicKey: string;
  /** Value of the header `Authorization` for a push service; good for 1 to 12 hours. */
  authorization(origin: string): string;
}

interface Token {
  readonly header: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/**
 * `contact`: a `mailto:` or `https:` URL by which push services reach whoever runs this. `now`: Unix milliseconds. Throws if the
 * key is none.
 */
export function createVapid(options: {
  readonly privateKey: string;
  readonly contact: string;
  readonly now: () => number;
}): Vapid {
  const { contact, now } = options;
  const { key, publicKey } = readKey(options.privateKey);
  const tokens = new Map<string, Token>();

  const make = (origin: string, seconds: number): Token => {
    const expiresAt = seconds + tokenSeconds;
    const jwt = signToken({ aud: origin, exp: expiresAt, sub: contact }, key);
    return { header: `vapid t=${jwt}, k=${publicKey}`, expiresAt };
  };

  return {
    publicKey,
    authorization(origin) {
      const seconds = Math.floor(now() / 1000);
      const known = tokens.get(origin);
      if (known !== undefined && isGood(known, seconds)) return known.header;
      const token = make(origin, seconds);
      tokens.delete(origin);
      if (tokens.size >= maxTokens) deleteFirst(tokens);
      tokens.set(origin, token);
      return token.header;
    },
  };
}

/** Not one either that our own clock has made when it was ahead. */
function isGood(token: Token, seconds: number): boolean {
  const left = token.expiresAt - seconds;
  return left >= marginSeconds && left <= tokenSeconds;
}

function deleteFirst(tokens: Map<string, Token>): void {
  const [origin] = tokens.keys();
  if (origin !== undefined) tokens.delete(origin);
}

function readKey(text: string): { readonly key: KeyObject; readonly publicKey: string } {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== privateKeyBytes) throw new Error('the VAPID key is not 32 bytes in base64url');
  const point = publicPointOf(bytes);
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.toString('base64url', 1, 33),
      y: point.toString('base64url', 33),
      d: bytes.toString('base64url'),
    },
  });
  return { key, publicKey: point.toString('base64url') };
}

function publicPointOf(privateKey: Buffer): Buffer {
  const ecdh = createECDH('prime256v1');
  try {
    ecdh.setPrivateKey(privateKey);
  } catch {
    throw new Error('the VAPID key is no private key for P-256');
  }
  return ecdh.getPublicKey();
}

/** A JWT with ES256 (RFC 7515 §3, RFC 7518 §3.4). */
function signToken(claims: { aud: string; exp: number; sub: string }, key: KeyObject): string {
  const content = `${encodeJson({ typ: 'JWT', alg: 'ES256' })}.${encodeJson(claims)}`;
  const signature = sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' });
  return `${content}.${signature.toString('base64url')}`;
}

function encodeJson(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
