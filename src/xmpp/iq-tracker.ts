import type { Element } from './element.js';
import type { StanzaError } from './stanza-error.js';

/** How a request ended. Exactly one of these per request. */
export type IqAnswer =
  | { readonly kind: 'result'; readonly payload: Element | undefined }
  | { readonly kind: 'error'; readonly error: StanzaError }
  /** Nobody answered in time. */
  | { readonly kind: 'timeout' }
  /** The stream was or went down before the answer came. */
  | { readonly kind: 'disconnected' }
  /** Too many requests are open or the write queue is full: this one was not sent. */
  | { readonly kind: 'overflow' }
  /** The asker's signal ended the wait. */
  | { readonly kind: 'aborted' };
