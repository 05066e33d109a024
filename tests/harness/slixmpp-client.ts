import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Element } from '../../src/xmpp/element.js';
import type { ConnectClient } from './distributor.js';

const script = fileURLToPath(new URL('slixmpp_client.py', import.meta.url));

/** Debian installs slixmpp for its own Python, which need not be the first on PATH. */
const python = ['/usr/bin/python3', 'python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import slixmpp']).status === 0,
);

/** True if a Python with slixmpp is installed. */
export const hasSlixmpp = python !== undefined;

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

/** A client by slixmpp, in a process of its own. */
export const connectSlixmpp: ConnectClient = async (account, onIq) => {
  if (python === undefined) throw new Error('slixmpp is not installed');
  const { user, domain, resource, port, password } = account;
  const child = spawn(python, [script, String(port), `${user}@${domain}/${resource}`, password], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-20_000);
  });
  const lines = createInterface({ input: child.stdout });
  const jid = await new Promise<string>((resolve, reject) => {
    lines.once('line', (line) => resolve(boundSchema.parse(JSON.parse(line)).jid));
    child.once('exit', () => reject(new Error(`slixmpp ended before it was logged in:\n${log}`)));
  });
  lines.on('line', (line) => onIq(fromTree(treeSchema.parse(JSON.parse(line)))));
  return {
    jid,
    send(stanza) {
      child.stdin.write(`${JSON.stringify(stanza)}\n`);
    },
    close: () => end(child),
  };
};

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
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
