import type { Events } from '../../../observability/events.js';
import { StreamError } from '../../../xmpp/stream-error.js';

/**
 * What a stream ends with for something that was thrown while its other side was heard. A flaw of ours is reported as a
 * failure of `what`; the other side learns no more than that there was one.
 */
export function streamErrorFor(
  error: unknown,
  what: string,
  events: Pick<Events, 'handlerFailed'>,
): StreamError {
  if (error instanceof StreamError) return error;
  events.handlerFailed({ what, error });
  return new StreamError('internal-server-error');
}
