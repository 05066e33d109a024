/** A private key as base64url, 32 bytes. */
export function createVapidKey(): string {
  throw new Error('not yet');
}

export interface Vapid {
  readonly publicKey: string;
  authorization(origin: string): string;
}

export function createVapid(_options: { privateKey: string; contact: string; now: () => number }): Vapid {
  throw new Error('not yet');
}
