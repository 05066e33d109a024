import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { decodeBase64url } from './base64url.js';

const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');

/** The key of a secret: its UTF-8 bytes, as Prosody takes it. */
export function jwtKey(secret: string): KeyObject {
  return createSecretKey(secret, 'utf8');
}

/** Signs a JSON text of claims (RFC 7515 §7.1 with HMAC SHA-256). The claims stay readable to all. */
export function signJwt(key: KeyObject, claims: string): string {
  const signed = `${header}.${Buffer.from(claims).toString('base64url')}`;
  return `${signed}.${signatureOf(key, signed).toString('base64url')}`;
}

/** The claims' JSON text of a token that was signed with this key by HS256 and nothing else; otherwise undefined. */
export function verifyJwt(key: KeyObject, token: string): string | undefined {
  const [head = '', body = '', tail = '', ...more] = token.split('.');
  if (more.length > 0 || !isOurHeader(head)) return undefined;
  const signature = decodeBase64url(tail);
  const expected = signatureOf(key, `${head}.${body}`);
  if (signature?.length !== expected.length || !timingSafeEqual(signature, expected)) return undefined;
  return decodeBase64url(body)?.toString();
}

function signatureOf(key: KeyObject, signed: string): Buffer {
  return createHmac('sha256', key).update(signed).digest();
}

/** `alg` has to be ours (RFC 8725 §3.1), and `crit` absent, as no extension is understood (RFC 7515 §4.1.11). */
function isOurHeader(text: string): boolean {
  if (text === header) return true;
  const fields = parseObject(decodeBase64url(text)?.toString() ?? '');
  return fields?.['alg'] === 'HS256' && !('crit' in fields);
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
