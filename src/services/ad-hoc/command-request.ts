import { type DataForm, parseForm } from '../../xmpp/data-form.js';
import type { Element } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import { commandError } from './command-error.js';

/** A request for a command, checked. */
export interface CommandRequest {
  readonly node: string;
  /** By which the client knows its session; undefined at its first step. */
  readonly session: string | undefined;
  readonly step:
    | { readonly kind: 'cancel' }
    | { readonly kind: 'go on'; readonly form: DataForm | undefined };
}

/** It goes back as it came. */
const maxSessionBytes = 256;

/**
 * Reads `<command/>` (XEP-0050 §4.1). `execute`, `next` and `complete` are the same to a command of one form: what was submitted
 * counts, and without that there is something to be asked.
 * @throws {StanzaError} `bad-request`, with what is wrong in the commands' words
 */
export function readCommand(command: Element): CommandRequest {
  const node = command.attr('node') ?? '';
  if (node === '') throw new StanzaError('bad-request', 'A command has a node.');
  return { node, session: readSession(command), step: readStep(command) };
}

function readSession(command: Element): string | undefined {
  const session = command.attr('sessionid') ?? '';
  if (Buffer.byteLength(session) > maxSessionBytes)
    throw commandError('bad-sessionid', `A session id has at most ${maxSessionBytes} bytes.`);
  return session === '' ? undefined : session;
}

function readStep(command: Element): CommandRequest['step'] {
  const action = command.attr('action') ?? 'execute';
  switch (action) {
    case 'cancel':
      return { kind: 'cancel' };
    case 'execute':
    case 'next':
    case 'complete':
      return readForm(command);
    case 'prev':
      throw commandError('bad-action', 'There is no step before this one.');
    default:
      throw commandError('malformed-action', 'An action is execute, next, complete, prev or cancel.');
  }
}

/**
 * XEP-0050 §3.5.1 would have a form of type `cancel` taken for one that was submitted. Whoever fills in nothing and says so
 * wants nothing done (XEP-0004 §3.1).
 */
function readForm(command: Element): CommandRequest['step'] {
  const x = command.child('x', ns.dataForms);
  if (x === undefined) return { kind: 'go on', form: undefined };
  const form = parseForm(x);
  if (form?.type === 'cancel') return { kind: 'cancel' };
  if (form?.type !== 'submit')
    throw commandError('bad-payload', 'What is submitted is a form of type submit.');
  return { kind: 'go on', form };
}
