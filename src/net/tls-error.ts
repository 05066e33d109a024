/** A certificate or key that cannot be used. Message and remedy are sentences for the operator and hold no secret. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
  /** What the operator can do about it. */
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}
