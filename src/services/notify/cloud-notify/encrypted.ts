import { createCipheriv } from 'node:crypto';
import { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import type { Encryption } from './extensions.js';

const ivBytes = 12;
const tagBytes = 16;

/** Bytes of text that fit, encrypted and with their tag, into so many bytes of base64. */
export function roomFor(base64Bytes: number): number {
  return Math.floor(base64Bytes / 4) * 3 - tagBytes;
}

/**
 * `<encrypted/>` (tigase:push:encrypt:0 §4.4): AES-128-GCM under an initialisation vector that is used once, followed by the
 * tag. `isCall` makes the app server ring.
 */
export function encryptedElement(
  text: string,
  { key }: Encryption,
  { isCall, randomBytes }: { readonly isCall: boolean; readonly randomBytes: (size: number) => Uint8Array },
): Element {
  const iv = Buffer.from(randomBytes(ivBytes));
  const cipher = createCipheriv('aes-128-gcm', key, iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  const attrs = { iv: iv.toString('base64'), ...(isCall && { type: 'voip' }) };
  return new Element('encrypted', ns.pushEncryption, attrs, [sealed.toString('base64')]);
}
