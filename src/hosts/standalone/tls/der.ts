/** The parts of DER (ITU-T X.690) that a certificate needs. Each function gives a whole value: tag, length, content. */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A value of any tag. */
export function der(tag: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([tag, ...encodeLength(content.length)]), content]);
}

/** SEQUENCE, also SEQUENCE OF. */
export function sequence(...items: readonly Uint8Array[]): Uint8Array {
  return der(tags.sequence, Buffer.concat(items));
}

/** SET OF one, whose order is no question. */
export function setOf(item: Uint8Array): Uint8Array {
  return der(tags.set, item);
}

/** Context-specific, constructed: `[n]` with EXPLICIT tagging, or IMPLICIT of a constructed value's content. */
export function explicit(number: number, content: Uint8Array): Uint8Array {
  return der(0xa0 | number, content);
}

/** Context-specific, primitive: `[n] IMPLICIT` of a primitive value's content. */
export function implicit(number: number, content: Uint8Array): Uint8Array {
  return der(0x80 | number, content);
}

/** A number that is not negative, as its bytes, the most significant first. */
export function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Buffer.alloc(1) : bytes.subarray(first);
  // A set top bit would make it negative.
  const isHigh = (digits[0] ?? 0) >= 0x80;
  return der(tags.integer, isHigh ? Buffer.concat([Buffer.alloc(1), digits]) : digits);
}

export const derTrue: Uint8Array = der(tags.boolean, Buffer.from([0xff]));

/** Whole bytes, of which the last may have bits that do not count. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return der(tags.bitString, Buffer.concat([Buffer.from([unusedBits]), bytes]));
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return der(tags.octetString, bytes);
}

export function utf8String(text: string): Uint8Array {
  return der(tags.utf8String, Buffer.from(text, 'utf8'));
}

/** An object identifier in dots. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...more] = dotted.split('.').map(Number);
  return der(tags.oid, Buffer.from([first * 40 + second, ...more.flatMap(encodeArc)]));
}

/** `Time` of RFC 5280 §4.1.2.5: seconds in UTC, with two digits of the year through 2049. */
export function time(date: Date): Uint8Array {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`;
  return date.getUTCFullYear() < 2050
    ? der(tags.utcTime, Buffer.from(digits.slice(2)))
    : der(tags.generalizedTime, Buffer.from(digits));
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return [0x80 | bytes.length, ...bytes];
}

/** Base 128, the most significant digit first, with the top bit on all but the last. */
function encodeArc(arc: number): number[] {
  const digits = [arc & 0x7f];
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f));
  return digits;
}
