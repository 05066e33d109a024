import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { python } from '../slixmpp-client.js';
import type { WebSubscription } from '../web-push/browser.js';
import type { Credentials } from './requests.js';

const script = fileURLToPath(new URL('../slixmpp_subscriber.py', import.meta.url));

/** What an entity says of itself. */
export interface Discovered {
  /** As `category/type`. */
  readonly identities: readonly string[];
  readonly features: readonly string[];
  /** Nodes of its commands. */
  readonly commands: readonly string[];
}

const discovered = z.object({
  identities: z.array(z.string()),
  features: z.array(z.string()),
  commands: z.array(z.string()),
});
const credentials = z.object({ jid: z.string(), node: z.string(), secret: z.string() });
const completed = z.object({ status: z.literal('completed'), fields: z.record(z.string(), z.unknown()) });
const filled = completed.extend({ asked: z.record(z.string(), z.string().nullable()) });
const bound = z.object({ jid: z.string() });
const answer = z.union([
  z.object({ result: z.unknown() }),
  z.object({ error: z.object({ type: z.string(), condition: z.string(), text: z.string() }) }),
]);

/**
 * A user's client by slixmpp, in a process of its own, with stream management: it registers at an app server and has its own
 * server push there. Requests are answered one after another, and reject with type, condition and text of an error.
 */
export class Subscriber {
  readonly jid: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(jid: string, child: ChildProcessWithoutNullStreams, lines: AsyncIterator<string>) {
    this.jid = jid;
    this.#child = child;
    this.#lines = lines;
  }

  /** Resolves when its session is there and it is available. */
  static async logIn(account: {
    readonly port: number;
    readonly jid: string;
    readonly password: string;
  }): Promise<Subscriber> {
    if (python === undefined) throw new Error('slixmpp is not installed');
    const child = spawn(python, [script, account.jid, account.password, '127.0.0.1', String(account.port)]);
    child.stdin.on('error', () => undefined);
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-20_000);
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true) throw new Error(`slixmpp ended before it was logged in:\n${log}`);
    return new Subscriber(bound.parse(JSON.parse(first.value)).jid, child, lines);
  }

  get bare(): string {
    return this.jid.replace(/\/.*/, '');
  }

  async discover(to: string): Promise<Discovered> {
    return discovered.parse(await this.#ask('discover', { to }));
  }

  /** Registers a subscription in one step. */
  async register(to: string, device: string, subscription: WebSubscription): Promise<Credentials> {
    const fields = fieldsOf(device, subscription);
    const done = await this.#ask('submit', { to, node: 'register-push-webpush', fields });
    return credentials.parse(completed.parse(done).fields);
  }

  /** The same as people do it: the form comes first. `asked`: its fields and their types. */
  async fillIn(
    to: string,
    device: string,
    subscription: WebSubscription,
  ): Promise<Credentials & { readonly asked: Readonly<Record<string, string | null>> }> {
    const fields = fieldsOf(device, subscription);
    const done = filled.parse(await this.#ask('fill', { to, node: 'register-push-webpush', fields }));
    return { ...credentials.parse(done.fields), asked: done.asked };
  }

  async unregister(to: string, device: string): Promise<void> {
    await this.#ask('submit', { to, node: 'unregister-push-webpush', fields: { 'device-id': device } });
  }

  /** Has its own server push to that node (XEP-0357 §5). */
  async enable({ jid, node, secret }: Credentials): Promise<void> {
    await this.#ask('enable', { jid, node, secret });
  }

  /** Writes to somebody, or is only about to; resolves when its server has worked on it. */
  async say(to: string, body?: string): Promise<void> {
    await this.#ask('say', { to, body: body ?? null });
  }

  /** Its process is gone, and it has not said goodbye; it has said that it has got what it was sent until then. */
  async vanish(): Promise<void> {
    await this.#ask('vanish', {});
    await this.#gone();
  }

  /** Ends its session. */
  async leave(): Promise<void> {
    this.#child.stdin.end();
    await this.#gone();
  }

  /** Ends its process, if that is there. */
  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone();
  }

  async #gone(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  async #ask(what: string, details: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify({ do: what, ...details })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`slixmpp ended while it was to ${what}`);
    const answered = answer.parse(JSON.parse(line.value));
    if (!('error' in answered)) return answered.result;
    const { condition, text, type } = answered.error;
    throw new Error(`${type} ${condition}: ${text}`);
  }
}

const fieldsOf = (device: string, { endpoint, p256dh, auth }: WebSubscription) => ({
  endpoint,
  p256dh,
  auth,
  'device-id': device,
});
