import type { SendOutcome } from '../request.js';
import type { Delivery } from './delivery.js';

/** What carries requests to a push service: an HTTP/2 connection, or a few of HTTP/1.1. */
export interface Channel {
  /** Whether it takes a request now. */
  readonly hasRoom: boolean;
  /** Sends a request, and finishes it or hands it to `onLost`. Only if there is room. Throws if it is none that HTTP knows. */
  start(delivery: Delivery): void;
  /** Ends its connections; requests that are under way are lost. */
  destroy(): void;
}

export interface ChannelListener {
  /** There may be room again. */
  readonly onRoom: () => void;
  /** There will be no room any more. `mayReplace`: nothing says that another one would do no better. */
  readonly onRetired: (mayReplace: boolean) => void;
  /** Its connections have ended. */
  readonly onClosed: () => void;
  /** The connection has ended before there was an answer. `mayRepeat`: another one may do better at once. */
  readonly onLost: (delivery: Delivery, outcome: SendOutcome, mayRepeat: boolean) => void;
}
