/** What browsers are told. */
export interface WebPushChannelSettings {
  /** What an important notification says instead of the message's text; empty: it says nothing. */
  readonly importantBody: string;
  /** Whether a notification carries what the newest message says. */
  readonly withBody: boolean;
  /** Whether it carries who exactly has written: in a room, which occupant. */
  readonly withSender: boolean;
  /** Seconds that a notification may wait until the browser can be reached. */
  readonly ttl: number;
}
