import { createHash } from 'node:crypto';

/** Hashes by signature algorithm, whose DER is compared in hexadecimal; MD5 and SHA-1 count as SHA-256. */
const hashes: ReadonlyMap<string, string> = new Map([
  // 1.2.840.113549.1.1: RSA with PKCS #1 1.5
  ['2a864886f70d010104', 'sha256'],
  ['2a864886f70d010105', 'sha256'],
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a864886f70d01010e', 'sha224'],
  // 1.2.840.10045.4: ECDSA
  ['2a8648ce3d0401', 'sha256'],
  ['2a8648ce3d040301', 'sha224'],
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
]);
/** 1.2.840.113549.1.1.10: RSASSA-PSS, which names its hash in its parameters. */
const pss = '2a864886f70d01010a';
/** 2.16.840.1.101.3.4.2: the hashes that the parameters of RSASSA-PSS name; without any it is SHA-1. */
const pssHashes: ReadonlyMap<string, string> = new Map([
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
  ['608648016503040204', 'sha224'],
]);

/**
 * What `tls-server-end-point` binds to (RFC 5929 §4.1): the certificate's hash by the function that it was signed with.
 * Undefined for signatures that have none of their own, such as Ed25519, where that type of binding is not defined.
 */
export function endPointHash(certificate: Uint8Array): Uint8Array | undefined {
  const hash = signatureHash(certificate);
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest();
}

/** A certificate is a sequence of what is signed, the algorithm and the signature (RFC 5280 §4.1). */
function signatureHash(certificate: Uint8Array): string | undefined {
  const [, algorithm] = children(certificate);
  const [id, parameters] = algorithm === undefined ? [] : children(algorithm);
  if (id === undefined) return undefined;
  const name = hex(contentOf(id));
  return name === pss ? pssHash(parameters) : hashes.get(name);
}

/** `RSASSA-PSS-params` (RFC 4055 §3.1): `[0]` holds the hash's algorithm, the object identifier first. */
function pssHash(parameters: Uint8Array | undefined): string | undefined {
  const tagged = parameters && children(parameters).find((item) => item[0] === 0xa0);
  if (tagged === undefined) return 'sha256';
  const [algorithm] = children(tagged);
  const [id] = algorithm === undefined ? [] : children(algorithm);
  return id && pssHashes.get(hex(contentOf(id)));
}

/** The values that a constructed value consists of. */
function children(value: Uint8Array): Uint8Array[] {
  const content = contentOf(value);
  const items: Uint8Array[] = [];
  for (let at = 0; at < content.length; ) {
    const rest = content.subarray(at);
    const { headerLength, length } = header(rest);
    items.push(rest.subarray(0, headerLength + length));
    at += headerLength + length;
  }
  return items;
}

function contentOf(value: Uint8Array): Uint8Array {
  const { headerLength, length } = header(value);
  return value.subarray(headerLength, headerLength + length);
}

/** Tag and length (ITU-T X.690 §8.1); OpenSSL has read the certificate before and found it well-formed. */
function header(value: Uint8Array): { readonly headerLength: number; readonly length: number } {
  const first = value[1] ?? 0;
  if (first < 0x80) return { headerLength: 2, length: first };
  const end = 2 + (first & 0x7f);
  const length = value.subarray(2, end).reduce((sum, byte) => sum * 256 + byte, 0);
  return { headerLength: end, length };
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
