import type { Element } from '../../../xmpp/element.js';

/** Hears what the other side of a stream does, in order. None of these throws. */
export interface StreamListener {
  /** The other side opened its stream; `contentNamespace` is the default namespace that it declared. */
  onHeader(header: Element, contentNamespace: string): void;
  onElement(element: Element): void;
  /** The other side closed its stream, or only its sending side. */
  onEnd(isStreamClosed: boolean): void;
  /** So many bytes were read, and what they say has been told. */
  onBytes(count: number): void;
  /** What the other side sent is against a rule (a `StreamError`), or a flaw of ours showed. */
  onBroken(error: unknown): void;
  /** The connection is gone, and this is the last call. */
  onClosed(): void;
}
