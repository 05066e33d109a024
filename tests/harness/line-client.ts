import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Element } from '../../src/xmpp/element.js';
import type { ClientStream } from './distributor.js';

interface Tree {
  readonly name: string;
  readonly ns: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly (Tree | string)[];
}

const treeSchema: z.ZodType<Tree> = z.object({
  name: z.string(),
  ns: z.string(),
  attrs: z.record(z.string(), z.string()),
  children: z.array(z.union([z.string(), z.lazy(() => treeSchema)])),
});
const boundSchema = z.object({ jid: z.string() });

/** Reads an element from the JSON that one becomes (`name`, `ns`, `attrs`, `children`). */
export function elementFromJson(line: string): Element {
  return fromTree(treeSchema.parse(JSON.parse(line)));
}

/**
 * A client in a child process that speaks lines of JSON: first `{"jid": …}` when it is bound, then each stanza that
 * arrives; it is given stanzas to send, and ends with its input.
 */
export async function overLines(
  name: string,
  child: ChildProcessWithoutNullStreams,
  onStanza: (stanza: Element) => void,
): Promise<ClientStream> {
  child.stdin.on('error', () => undefined);
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-20_000);
  });
  const lines = createInterface({ input: child.stdout });
  const jid = await new Promise<string>((resolve, reject) => {
    lines.once('line', (line) => {
      // At once, for more lines may have come with this one.
      lines.on('line', (next) => onStanza(elementFromJson(next)));
      resolve(boundSchema.parse(JSON.parse(line)).jid);
    });
    child.once('exit', () => reject(new Error(`${name} ended before it was logged in:\n${log}`)));
  });
  return {
    jid,
    send(stanza) {
      child.stdin.write(`${JSON.stringify(stanza)}\n`);
    },
    close: () => end(child),
  };
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin.end();
  const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(impatience);
}

function fromTree({ name, ns, attrs, children }: Tree): Element {
  return new Element(
    name,
    ns,
    attrs,
    children.map((child) => (typeof child === 'string' ? child : fromTree(child))),
  );
}
