import { createCipheriv } from 'node:crypto';
import { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import type { Encryption } from './extensions.js';

const ivBytes = 12;
const ivsPerBlock = 64;
const tagBytes = 16;

/**
 * Random initialisation vectors, each for one text. Fetched in blocks, because a call for each would cost as much as all the
 * rest of the encryption.
 */
export class InitialisationVectors {
  readonly #randomBytes: (size: number) => Uint8Array;
  #block: Uint8Array = new Uint8Array();
  #used = 0;

  constructor(randomBytes: (size: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  next(): Buffer {
    if (this.#used === this.#block.length) {
      this.#block = this.#randomBytes(ivBytes * ivsPerBlock);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += ivBytes;
    return Buffer.from(this.#block.subarray(start, this.#used));
  }
}

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
  { isCall, iv }: { readonly isCall: boolean; readonly iv: Buffer },
): Element {
  const cipher = createCipheriv('aes-128-gcm', key, iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  const attrs = { iv: iv.toString('base64'), ...(isCall && { type: 'voip' }) };
  return new Element('encrypted', ns.pushEncryption, attrs, [sealed.toString('base64')]);
}
