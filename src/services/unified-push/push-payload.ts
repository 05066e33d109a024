/** The largest body of a push in bytes (RFC 8030 §7.2: a push service takes at least these). */
export const maxPushBytes = 4096;

declare const checked: unique symbol;

/** The body of a push that {@link parsePushPayload} let through: 1 to 4096 bytes. */
export type PushPayload = Uint8Array & { readonly [checked]: true };

function isPushPayload(body: Uint8Array): body is PushPayload {
  return body.length > 0 && body.length <= maxPushBytes;
}

/** The body of an HTTP push as a payload, or the code of what is wrong with it. */
export function parsePushPayload(body: Uint8Array): PushPayload | 'empty-body' | 'body-too-large' {
  if (isPushPayload(body)) return body;
  return body.length === 0 ? 'empty-body' : 'body-too-large';
}
