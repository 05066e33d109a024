import type { DiscoNode, Host, IqRequest } from '../../hosts/host.js';
import { formToElement } from '../../xmpp/data-form.js';
import { type Element, el } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { Command, CommandAnswer } from './command.js';
import { readCommand } from './command-request.js';

export interface AdHocOptions {
  readonly host: Pick<Host, 'domain' | 'onIq' | 'advertise'>;
  readonly commands: readonly Command[];
  /** Commands that are not listed, and refused when they are asked for: by node, what is thrown then. */
  readonly refused: ReadonlyMap<string, () => Error>;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** A step of a client's session, as its answers name it. */
type Stage = Readonly<{ node: string; sessionid: string }>;

const route = { ns: ns.commands, name: 'command' } as const;

/**
 * Offers commands at the host's domain (XEP-0050). A session is but a name that goes to and fro: a command of one form needs no
 * more, and nothing is kept that would have to be bounded, or shared between processes.
 */
export function offerCommands(options: AdHocOptions): void {
  const { host, commands } = options;
  host.advertise({ features: [ns.commands], nodes: nodesOf(host.domain, commands) });
  host.onIq({ ...route, type: 'set' }, createHandler(options));
  host.onIq({ ...route, type: 'get' }, () => {
    throw new StanzaError('bad-request', 'A command is asked for with type set.');
  });
}

function createHandler({ commands, refused, randomBytes }: AdHocOptions) {
  const byNode = new Map(commands.map((command) => [command.node, command]));
  const newSession = () => Buffer.from(randomBytes(16)).toString('base64url');
  return async ({ from, payload }: IqRequest): Promise<Element> => {
    const { node, session, step } = readCommand(payload);
    const command = byNode.get(node);
    if (command === undefined) throw refused.get(node)?.() ?? unknownCommand();
    const stage: Stage = { node, sessionid: session ?? newSession() };
    if (step.kind === 'cancel') return commandElement({ ...stage, status: 'canceled' });
    return answerElement(stage, await command.run({ from, form: step.form }));
  };
}

function unknownCommand(): StanzaError {
  return new StanzaError('item-not-found', 'There is no such command.');
}

function answerElement(stage: Stage, answer: CommandAnswer): Element {
  if (answer.kind === 'form')
    return commandElement({ ...stage, status: 'executing' }, onlyCompletes(), formToElement(answer.form));
  const { form, note } = answer;
  return commandElement(
    { ...stage, status: 'completed' },
    ...(form === undefined ? [] : [formToElement(form)]),
    ...(note === undefined ? [] : [el('note', ns.commands, { type: 'info' }, note)]),
  );
}

function commandElement(
  attrs: Stage & { readonly status: 'executing' | 'completed' | 'canceled' },
  ...children: readonly Element[]
): Element {
  return el('command', ns.commands, attrs, ...children);
}

/** Without it, clients take `execute` for a step to another form (XEP-0050 §3.4). */
function onlyCompletes(): Element {
  return el('actions', ns.commands, { execute: 'complete' }, el('complete', ns.commands));
}

/** The list of commands, and each command (XEP-0050 §2.2). */
function nodesOf(domain: Jid, commands: readonly Command[]): readonly DiscoNode[] {
  const jid = domain.toString();
  const list: DiscoNode = {
    node: ns.commands,
    info: { identities: [{ category: 'automation', type: 'command-list' }], features: [ns.commands] },
    items: commands.map(({ node, name }) => ({ jid, node, name })),
  };
  return [list, ...commands.map(nodeOf)];
}

function nodeOf({ node, name }: Command): DiscoNode {
  const identities = [{ category: 'automation', type: 'command-node', name }];
  return { node, info: { identities, features: [ns.commands, ns.dataForms] }, items: [] };
}
