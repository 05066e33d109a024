/** One way to do something with a message. */
export interface Contender {
  readonly name: string;
  /** The message with that number, from the first to the last step. */
  readonly act: (n: number) => unknown;
  /** Whatever it has opened. */
  readonly stop?: () => Promise<void>;
}
