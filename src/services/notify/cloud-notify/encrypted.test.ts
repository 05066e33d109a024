import { createDecipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { encryptedElement, InitialisationVectors, roomFor } from './encrypted.js';

function decrypt(element: Element, key: Buffer): string {
  const sealed = Buffer.from(element.text(), 'base64');
  const decipher = createDecipheriv('aes-128-gcm', key, Buffer.from(element.attr('iv') ?? '', 'base64'));
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString('utf8');
}

const vectors = new InitialisationVectors(randomBytes);
const key = randomBytes(16);
const encrypt = (text: string, isCall = false) =>
  encryptedElement(text, { key, maxBytes: 3000 }, { isCall, iv: vectors.next() });

describe('encrypted content', () => {
  it('is what anybody with the key reads, within its size', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
        fc.string({ unit: 'binary' }),
        fc.nat(1000),
        (secret, unit, times) => {
          const text = unit.repeat(times);
          const element = encryptedElement(
            text,
            { key: secret, maxBytes: 0 },
            { isCall: false, iv: vectors.next() },
          );
          expect(decrypt(element, secret)).toBe(text);
          const size = element.text().length;
          expect(roomFor(size)).toBeGreaterThanOrEqual(Buffer.byteLength(text));
          expect(roomFor(size - 4)).toBeLessThan(Buffer.byteLength(text));
        },
      ),
    );
  });

  it('is no longer than the room for it', () => {
    for (let size = 256; size < 300; size++) {
      expect(encrypt('x'.repeat(roomFor(size))).text().length).toBeLessThanOrEqual(size);
    }
    expect(encrypt('x'.repeat(roomFor(3000))).text()).toHaveLength(3000);
  });

  it('has a vector of its own each time', () => {
    const seen = new Set(Array.from({ length: 1000 }, () => encrypt('Wine?').attr('iv')));
    expect(seen.size).toBe(1000);
    for (const vector of seen) expect(Buffer.from(vector ?? '', 'base64')).toHaveLength(12);
  });

  it('is told to be a call, or not', () => {
    expect(encrypt('{}', true).attr('type')).toBe('voip');
    expect(encrypt('{}').attr('type')).toBeUndefined();
    expect(encrypt('{}').is('encrypted', ns.pushEncryption)).toBe(true);
  });
});
