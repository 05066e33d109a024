/** The part of http_ece that tests use; the package has no types of its own. */
declare module 'http_ece' {
  import type { ECDH } from 'node:crypto';

  interface Parameters {
    readonly version: 'aes128gcm';
    /** Of whoever encrypts or decrypts. */
    readonly privateKey: ECDH;
    /** The public key of the other side, when encrypting: base64url or bytes. */
    readonly dh?: string | Buffer;
    /** Base64url or bytes. */
    readonly authSecret: string | Buffer;
    /** Base64url or bytes. */
    readonly salt?: string | Buffer;
    /** Size of a record in bytes. */
    readonly rs?: number;
  }

  interface Ece {
    /** `pad`: bytes of zeros. */
    encrypt(plaintext: Buffer, parameters: Parameters & { readonly pad?: number }): Buffer;
    /** @throws if it cannot be decrypted */
    decrypt(body: Buffer, parameters: Parameters): Buffer;
  }

  const ece: Ece;
  export default ece;
}
