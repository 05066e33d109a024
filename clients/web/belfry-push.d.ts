/**
 * Web Push for XMPP clients in a browser: it shows a notification of what waits for the account while no page of the client is open.
 * With a server that sends pushes itself (`urn:xmpp:webpush:0`), or by a gateway that it publishes to (XEP-0357); see
 * `docs/web-push.md` and `docs/gateway.md`. No dependencies, no build.
 */

/**
 * Sends an `<iq/>` without id over the account's XMPP connection, and resolves with the answer. An answer of type `error` may be
 * resolved with, or rejected with, as it is or as what the library makes of it. A connection that is gone rejects.
 */
export type Request = (iq: Element) => Promise<Element>;

/**
 * What notifications say. `{account}`, `{conversation}`, `{sender}` and `{count}` stand for what the message says; one that does
 * not say it leaves nothing there.
 */
export interface Texts {
  /** Title of what says nothing of itself: an empty message, or one of a version that is not known. `New activity` */
  readonly unknown: string;
  /** Title of the rest. `{conversation}` */
  readonly title: string;
  /** The same, when `{count}` messages wait. `{conversation} ({count})` */
  readonly titleOfSeveral: string;
  /** Of a message whose text is not told. `New message` */
  readonly message: string;
  /** `Incoming call` */
  readonly call: string;
  /** Of a call that the caller has given up. `Missed call` */
  readonly missedCall: string;
  /** Of an invitation to a room. `Invitation` */
  readonly invitation: string;
  /** Of a request to see the account's presence. `Contact request` */
  readonly subscription: string;
  /** Of a trial. `Notifications work.` */
  readonly ping: string;
  /** Of everything else. `Something new` */
  readonly other: string;
}

/** What a notification is about, as far as the server has told. */
export interface About {
  /** Bare JID. */
  readonly account?: string;
  /** Bare JID of a contact or a room. */
  readonly conversation?: string;
  /** `message`, `call`, `missed-call`, `invitation`, `subscription`, `ping`, … */
  readonly kind?: string;
}

/**
 * What has been reached on the way to pushes. `key`: that of who will send them, of a gateway if there is one. `enabled`: the server
 * knows where to push.
 */
export type Progress =
  | { readonly step: 'permission' }
  | { readonly step: 'key'; readonly key: Uint8Array; readonly gateway?: string }
  | { readonly step: 'worker'; readonly scope: string }
  | { readonly step: 'subscription'; readonly origin: string; readonly isNew: boolean }
  | { readonly step: 'enabled' }
  | { readonly step: 'disabled' };

export interface BelfryPushOptions {
  /** The account's bare JID as the server writes it: that of the JID which it has bound, not what a person has typed. */
  readonly account: string;
  readonly request: Request;
  /**
   * The URL of `belfry-push-worker.js`, which is registered, or a registration of a worker that imports it. The browser has one
   * subscription for each registration, for one key: accounts that different servers or gateways push for need one each, with a
   * `scope` of its own.
   */
  readonly worker: string | URL | ServiceWorkerRegistration;
  /**
   * Who sends the pushes. `in-band`: the account's server. `gateway`: one that the server publishes to. Default, `auto`: the server, if
   * it offers that, and else a gateway.
   */
  readonly way?: 'auto' | 'in-band' | 'gateway';
  /** The JID of the gateway. Default: one that the account's domain lists among its services. */
  readonly gateway?: string;
  /** Where the worker is registered. Default: the folder that it is in. */
  readonly scope?: string;
  /**
   * The page that a click opens if none is open; `{account}` and `{conversation}` are filled in, percent-encoded. Relative to the
   * scope, which is the default.
   */
  readonly page?: string;
  /** Default: English ones. */
  readonly texts?: Partial<Texts>;
  /** URLs of images, as `showNotification` takes them. */
  readonly icon?: string;
  readonly badge?: string;
  /** A notification of the account was clicked, and this page was brought to the front. */
  onOpen?(about: About): void;
  /** A message for the account arrived while this page was open: its connection may be dead. The notification is shown all the same. */
  onPush?(about: About): void;
  onProgress?(progress: Progress): void;
}

export interface BelfryPush {
  /** Whether the account's pushes were enabled in this browser, and not disabled since. */
  readonly isEnabled: boolean;
  /**
   * Asks for permission, which browsers allow only in the handler of a click, subscribes and enables. Rejects with `PushError`.
   */
  enable(): Promise<void>;
  /**
   * To be called whenever the account has connected: where pushes are enabled, makes sure that they still are, with the server's
   * key and the browser's endpoint of today. Resolves with whether they are. Rejects with `PushError`.
   */
  renew(): Promise<boolean>;
  /** Ends pushes, at the server and in the browser. Rejects with `PushError` if the server has not heard and may go on. */
  disable(): Promise<void>;
  /** The conversation was read, or all of them: takes its notifications away. */
  closeNotifications(conversation?: string): Promise<void>;
  /** Listens to the worker no more. */
  stop(): void;
}

/**
 * `unsupported`: not this browser, or not without HTTPS. `denied`: the person does not want notifications. `not-offered`: the
 * server has no Web Push, and no gateway was found that has. `refused`: one of them has said no; `condition` says why (RFC 6120
 * §8.3.3), if it was a stanza error.
 * `failed`: the browser could not, for instance because it does not reach its push service. Chromium does not say so: after a minute.
 */
export type PushErrorCode = 'unsupported' | 'denied' | 'not-offered' | 'refused' | 'failed';

export class PushError extends Error {
  constructor(code: PushErrorCode, message: string, options?: { cause?: unknown; condition?: string });
  readonly code: PushErrorCode;
  readonly condition: string | undefined;
}

/** Whether this browser, on this page, has all that pushes need. */
export function isSupported(): boolean;

/** Pushes of one account in this browser. Nothing happens before one of the methods is called. */
export function createBelfryPush(options: BelfryPushOptions): BelfryPush;

/** Requests over a connection of Strophe.js, or of anything with its `sendIQ`. */
export function requestByStrophe(connection: {
  sendIQ(
    iq: Element,
    onResult?: (answer: Element) => void,
    onError?: (answer: Element | null) => void,
    timeout?: number,
  ): string;
}): Request;

/** Requests over a client of `@xmpp/client`; `xml` is that package's. */
export function requestByXmppJs<E extends { toString(): string }>(
  client: { readonly iqCaller: { request(iq: E): Promise<{ toString(): string }> } },
  xml: (name: string, attrs: Record<string, string>, ...children: (E | string)[]) => E,
): Request;
