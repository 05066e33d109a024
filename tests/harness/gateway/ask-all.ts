import { randomBytes } from 'node:crypto';
import { type Element, el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { serialize } from '../../../src/xmpp/serialize.js';
import type { ServerSide } from '../fake-component-server.js';
import { waitFor } from '../net.js';

/** A request that a server carries to its component. */
export interface Carried {
  readonly from: string;
  readonly payload: Element;
}

/** How a request was answered: `result`, or the error's type and condition. */
export function verdictOf(answer: Element): string {
  const error = answer.child('error');
  if (error === undefined) return answer.attr('type') ?? 'no type';
  const conditions = error
    .elements()
    .filter((child) => child.ns === ns.stanzaErrors && child.name !== 'text');
  return [error.attr('type'), conditions[0]?.name].join(' ');
}

/** Answers that have come so far, by the place of their request. */
type Answers = () => ReadonlyMap<number, Element>;

/** Carries requests (IQ set) to the component, all of them at once. */
export function carryAll(server: ServerSide, requests: readonly Carried[]): Answers {
  const mark = `${randomBytes(6).toString('hex')}-`;
  const text = requests.map(({ from, payload }, at) => {
    const id = `${mark}${at}`;
    return serialize(el('iq', ns.client, { type: 'set', from, to: server.domain, id }, payload), ns.client);
  });
  server.write(text.join(''));
  const answers = new Map<number, Element>();
  let seen = server.stanzas.length;
  return () => {
    for (const stanza of server.stanzas.slice(seen)) {
      const id = stanza.attr('id') ?? '';
      if (id.startsWith(mark)) answers.set(Number(id.slice(mark.length)), stanza);
    }
    seen = server.stanzas.length;
    return answers;
  };
}

/** The same; resolves with the answers in the order of the requests when they have all come. */
export async function askAll(
  server: ServerSide,
  requests: readonly Carried[],
  { timeout = 60_000 } = {},
): Promise<readonly Element[]> {
  const answers = carryAll(server, requests);
  await waitFor(`${requests.length} answers`, () => answers().size === requests.length, { timeout });
  return [...answers()].sort(([a], [b]) => a - b).map(([, answer]) => answer);
}
