import type { DataForm } from '../../xmpp/data-form.js';
import type { Jid } from '../../xmpp/jid.js';

/** An ad-hoc command (XEP-0050) of one step, or of two for clients that ask for a form first. */
export interface Command {
  /** By which it is asked for. */
  readonly node: string;
  /** For people. */
  readonly name: string;
  /** What throws, or rejects with, a `StanzaError` is answered so. */
  run(step: CommandStep): CommandAnswer | Promise<CommandAnswer>;
}

export interface CommandStep {
  readonly from: Jid;
  /** What was submitted; undefined: nothing yet, for the client wants to be asked. */
  readonly form: DataForm | undefined;
}

export type CommandAnswer =
  /** To be filled in, of type `form`. */
  | { readonly kind: 'form'; readonly form: DataForm }
  /** It is done. `form`: what came of it, of type `result`; `note`: a word about it for people. */
  | { readonly kind: 'completed'; readonly form?: DataForm; readonly note?: string };
