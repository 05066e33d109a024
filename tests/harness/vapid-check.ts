import { importJWK, jwtVerify } from 'jose';

/** Who has sent a push message (RFC 8292). */
export interface VapidSender {
  /** A point on P-256, uncompressed, as base64url. */
  readonly publicKey: string;
  readonly token: string;
  readonly audience: string;
  readonly subject: string;
  /** Unix seconds. */
  readonly expires: number;
}

const form = /^vapid t=([\w-]+\.[\w-]+\.[\w-]+), ?k=([\w-]+)$/;
const longestLife = 24 * 60 * 60;
/** As Apple's service asks: an address of mail or of a page, which is not on the machine itself. */
const contact = /^(?:mailto:[^@\s]+@[^@\s<>]+|https:\/\/(?!localhost\b)[^\s]+)$/;

/**
 * Checks an Authorization header as strictly as any known push service, by an implementation that is not ours.
 * @throws (as rejection) if the signature or a claim is wrong
 */
export async function checkVapid(header: string | undefined, origin: string): Promise<VapidSender> {
  const [, token, publicKey] = form.exec(header ?? '') ?? [];
  if (token === undefined || publicKey === undefined) throw new Error('there is no VAPID');
  const { payload } = await jwtVerify(token, await keyOf(publicKey), {
    algorithms: ['ES256'],
    audience: origin,
    typ: 'JWT',
    requiredClaims: ['exp', 'sub'],
  });
  const { sub: subject = '', exp: expires = 0, aud: audience } = payload;
  if (typeof audience !== 'string') throw new Error('it is for several audiences');
  if (expires - Date.now() / 1000 > longestLife) throw new Error('it is valid for too long');
  if (!contact.test(subject)) throw new Error(`nobody can be reached at ${subject}`);
  return { publicKey, token, audience, subject, expires };
}

function keyOf(publicKey: string) {
  const point = Buffer.from(publicKey, 'base64url');
  if (point.length !== 65 || point[0] !== 4) throw new Error('the key is no uncompressed point');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  if (x === undefined || y === undefined) throw new Error('the key has no two halves');
  return importJWK({ kty: 'EC', crv: 'P-256', x, y }, 'ES256');
}
