/** What app servers are told beside that something waits. */
export interface CloudNotifySettings {
  /** What an important notification says instead of the message's text; empty: it says nothing. */
  readonly importantBody: string;
  /** Whether app servers are told what the newest message says. */
  readonly withBody: boolean;
  /** Whether they are told who has sent it. */
  readonly withSender: boolean;
}
