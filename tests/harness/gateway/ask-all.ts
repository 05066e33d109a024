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

/** Carries requests (IQ set) to the component, all of them at once; the answers in the order of the requests. */
export async function askAll(
  server: ServerSide,
  requests: readonly Carried[],
  { timeout = 60_000 } = {},
): Promise<readonly Element[]> {
  const mark = randomBytes(6).toString('hex');
  const before = server.stanzas.length;
  const text = requests.map(({ from, payload }, at) => {
    const id = `${mark}-${at}`;
    return serialize(el('iq', ns.client, { type: 'set', from, to: server.domain, id }, payload), ns.client);
  });
  server.write(text.join(''));
  const collect = () => server.stanzas.filter((stanza) => stanza.attr('id')?.startsWith(mark));
  const areThere = () => server.stanzas.length - before >= requests.length;
  await waitFor(`${requests.length} answers`, () => areThere() && collect().length === requests.length, {
    timeout,
  });
  const place = (answer: Element) => Number(answer.attr('id')?.slice(mark.length + 1));
  const answers = collect().sort((a, b) => place(a) - place(b));
  const rest = server.stanzas.filter((stanza) => !stanza.attr('id')?.startsWith(mark));
  server.stanzas.splice(0, server.stanzas.length, ...rest);
  return answers;
}
