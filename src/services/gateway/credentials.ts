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

export function createCredentials(options: CredentialsOptions): Credentials {
  throw new Error(`not yet ${options.key.length}`);
}
