import type { IncomingMessage } from 'node:http';

/** The body, or why there is none. */
type BodyResult =
  | { readonly kind: 'complete'; readonly bytes: Buffer }
  /** More than the limit: announced, or found on the way. The rest is unread. */
  | { readonly kind: 'too-large' }
  /** The sender went away. */
  | { readonly kind: 'aborted' };

/** Whether a message says of itself that its body is longer than `limit` bytes. */
export function isLongerThan(message: IncomingMessage, limit: number): boolean {
  return Number(message.headers['content-length']) > limit;
}

/** Reads a body of at most `limit` bytes, as the bytes that were sent. Never rejects. */
export function readBody(message: IncomingMessage, limit: number): Promise<BodyResult> {
  if (isLongerThan(message, limit)) return Promise.resolve({ kind: 'too-large' });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (result: BodyResult) => {
      message.off('data', onData).off('end', onEnd).off('close', onClose);
      resolve(result);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        message.pause();
        settle({ kind: 'too-large' });
      } else chunks.push(chunk);
    };
    const onEnd = () => settle({ kind: 'complete', bytes: join(chunks) });
    const onClose = () => settle({ kind: 'aborted' });
    message.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

function join(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}
