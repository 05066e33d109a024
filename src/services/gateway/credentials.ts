import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

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

/** Bytes that tell nodes apart, and those by which a node of ours is known. */
const idBytes = 16;
const sealBytes = 16;
/** More of a text from outside is not read: what is made here has 43 characters. */
const longest = 64;

/**
 * Nodes that are known again by the key alone: 16 random bytes and a seal of theirs (HMAC-SHA-256), as base64url. A secret is
 * another seal of the same bytes. What was forged is found out without the database.
 */
export function createCredentials({ key, randomBytes }: CredentialsOptions): Credentials {
  const seal = (use: 'node' | 'secret', id: Uint8Array) =>
    createHmac('sha256', key).update(use).update(id).digest();
  const nodeOf = (id: Uint8Array) =>
    Buffer.concat([id, seal('node', id).subarray(0, sealBytes)]).toString('base64url');
  const secretOf = (id: Uint8Array) => seal('secret', id).toString('base64url');
  return {
    createNode: () => nodeOf(randomBytes(idBytes)),
    secretOf: (node) => secretOf(idOf(node)),
    check(node, secret = '') {
      const id = idOf(node);
      // Both, whatever the first says.
      const isNode = isSame(node, nodeOf(id));
      const isSecret = isSame(secret, secretOf(id));
      if (!isNode) return 'unknown-node';
      return isSecret ? 'valid' : 'wrong-secret';
    },
  };
}

/** Of what is no node, some bytes. */
function idOf(node: string): Uint8Array {
  const id = Buffer.alloc(idBytes);
  id.write(node.slice(0, longest), 'base64url');
  return id;
}

function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text.slice(0, longest)).digest();
}
