import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';

/** How a publish shows that it is by whom the device has registered (XEP-0357 §4): a node, and a secret that belongs to it. */
export interface Credentials {
  /** Makes a node; another one each time. */
  createNode(): string;
  /** The secret of a node that was made here. */
  secretOf(node: string): string;
  /** Whether a node was made here and the secret is its own. It takes the same time whatever they are; no look-up. */
  check(node: string, secret: string | undefined): 'valid' | 'unknown-node' | 'wrong-secret';
}

export interface CredentialsOptions {
  /** That of the installation: 32 bytes. */
  readonly key: Uint8Array;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** Bytes that tell nodes apart, and those by which a node of ours is known; and those of a secret. */
const idBytes = 16;
const sealBytes = 16;
const secretBytes = 32;
/** More of a text from outside is not read: what is made here has 43 characters. */
const longest = 64;

/**
 * Nodes that are known again by the key alone: 16 random bytes and a seal of theirs (HMAC-SHA-256), as base64url. A secret is
 * another seal of the same bytes. What was forged is found out without the database.
 */
export function createCredentials({ key, randomBytes }: CredentialsOptions): Credentials {
  const hmacKey = createSecretKey(key);
  const seal = (use: 'node' | 'secret', id: Uint8Array) =>
    createHmac('sha256', hmacKey).update(use).update(id).digest();
  const sealOf = (id: Uint8Array) => seal('node', id).subarray(0, sealBytes);
  return {
    createNode() {
      const id = randomBytes(idBytes);
      return Buffer.concat([id, sealOf(id)]).toString('base64url');
    },
    secretOf: (node) =>
      seal('secret', read(node, idBytes + sealBytes).bytes.subarray(0, idBytes)).toString('base64url'),
    check(node, secret = '') {
      const givenNode = read(node, idBytes + sealBytes);
      const givenSecret = read(secret, secretBytes);
      const id = givenNode.bytes.subarray(0, idBytes);
      // Both, whatever the first says.
      const isNode = timingSafeEqual(givenNode.bytes.subarray(idBytes), sealOf(id));
      const isSecret = timingSafeEqual(givenSecret.bytes, seal('secret', id));
      if (!isNode || !givenNode.isWhole) return 'unknown-node';
      return isSecret && givenSecret.isWhole ? 'valid' : 'wrong-secret';
    },
  };
}

/** So many bytes, whatever the text is; `isWhole`: it is what is written for them, and nothing else. */
function read(text: string, size: number): { readonly bytes: Uint8Array; readonly isWhole: boolean } {
  const bytes = Buffer.alloc(size);
  bytes.write(text.slice(0, longest), 'base64url');
  return { bytes, isWhole: bytes.toString('base64url') === text };
}
