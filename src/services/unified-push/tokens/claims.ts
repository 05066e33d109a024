import { Jid } from '../../../xmpp/jid.js';
import { isHash, type Registration } from '../registration.js';

/**
 * A registration as the JSON that Prosody's mod_unified_push puts into its tokens; `jti` is for tokens that would
 * otherwise be the same for the same registration (RFC 7519 §4.1.7).
 */
export function writeClaims(registration: Registration, jti?: string): string {
  const { jid, application, instance, expiresAt } = registration;
  return JSON.stringify({ sub: jid.toString(), application, instance, exp: expiresAt, jti });
}

/**
 * The registration of a token's claims; undefined if one is missing or wrong. The token was authentic, but its maker may
 * have been another program with the same key.
 */
export function readClaims(json: string): Registration | undefined {
  const { sub, application, instance, exp } = parseClaims(json);
  if (typeof sub !== 'string' || typeof exp !== 'number') return undefined;
  const expiresAt = Math.floor(exp);
  if (!Number.isSafeInteger(expiresAt)) return undefined;
  if (typeof application !== 'string' || !isHash(application)) return undefined;
  if (typeof instance !== 'string' || !isHash(instance)) return undefined;
  const jid = Jid.tryParse(sub);
  return jid?.isFull ? { jid, application, instance, expiresAt } : undefined;
}

interface Claims {
  readonly sub?: unknown;
  readonly application?: unknown;
  readonly instance?: unknown;
  readonly exp?: unknown;
}

function parseClaims(json: string): Claims {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
