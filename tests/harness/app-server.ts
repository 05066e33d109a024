import { randomBytes } from 'node:crypto';
import { Connection, defaultConnectionLimits } from '../../src/hosts/component/connection.js';
import { systemClock } from '../../src/hosts/system-clock.js';
import { parseForm } from '../../src/xmpp/data-form.js';
import { discoInfoQuery } from '../../src/xmpp/disco.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { serialize } from '../../src/xmpp/serialize.js';
import { errorReply, iqResult, message } from '../../src/xmpp/stanza.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { waitFor } from './net.js';

/** A publish (XEP-0357 §7) as the app server got it. */
export interface Publish {
  readonly node: string;
  readonly from: string;
  /** Important ones tell of a body: by this app servers tell them from others. */
  readonly level: 'important' | 'unimportant';
  /** The fields of the summary that have values, without its type. */
  readonly summary: Readonly<Record<string, string>>;
  /** What stands in `<publish-options/>`. */
  readonly options: Element | undefined;
  readonly stanza: Element;
  /** All of it, as XML. */
  readonly raw: string;
}

/** How a publish is answered; `forged`: with a result that is from another JID of the app server's domain. */
export type Answer = 'result' | 'twice' | 'nothing' | 'forged' | StanzaError;

export interface AppServerOptions {
  readonly jid: string;
  readonly secret: string;
  /** Where a server on this machine takes components. */
  readonly port: number;
}

/**
 * An app server of XEP-0357 as component (XEP-0114) of any server: it keeps every publish, and answers as the test says. When
 * its connection is lost it comes back.
 */
export class AppServer {
  readonly jid: string;
  readonly #options: AppServerOptions;
  #connection: Connection | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** All that it has ever got, in order. */
  readonly publishes: Publish[] = [];
  readonly #scripts = new Map<string, Answer[]>();
  /** Ids of requests that were answered with a result. */
  readonly #pongs = new Set<string>();

  constructor(options: AppServerOptions) {
    this.jid = options.jid;
    this.#options = options;
  }

  /** Resolves when the server has let it in. */
  async start(): Promise<void> {
    this.#connect();
    await this.attached();
  }

  async attached(): Promise<void> {
    const isAttached = () => this.#connection?.phase === 'connected';
    await waitFor(`${this.jid} to be let in`, isAttached, { timeout: 60_000 });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    await this.#connection?.close();
  }

  /** The next publishes to the node are answered so, one after another, and those behind them with a result. */
  answerWith(node: string, ...answers: readonly Answer[]): void {
    this.#scripts.set(node, [...answers]);
  }

  /** Answers a publish, whether or not it was answered before. */
  answer({ stanza }: Publish, how: Answer): void {
    if (how === 'nothing') return;
    const times = how === 'twice' ? 2 : 1;
    for (let time = 0; time < times; time++) this.send(answerTo(stanza, how));
  }

  /** Publishes to a node, in order. */
  to(node: string): readonly Publish[] {
    return this.publishes.filter((publish) => publish.node === node);
  }

  /** The publish to a node after the first `count` ones, as soon as it has come. */
  async next(node: string, count: number): Promise<Publish> {
    const isThere = () => this.to(node).length > count;
    await waitFor(`publish ${count + 1} to ${node}`, isThere, { timeout: 60_000 });
    const publish = this.to(node)[count];
    if (publish === undefined) throw new Error('unreachable: waitFor rejects');
    return publish;
  }

  /** Resolves when a server has worked on everything that it was sent before. */
  async settle(domain: string): Promise<void> {
    const id = `ping-${randomBytes(6).toString('hex')}`;
    this.send(el('iq', ns.client, { type: 'get', id, from: this.jid, to: domain }, el('ping', ns.ping)));
    await waitFor(`${domain} to answer a ping`, () => this.#pongs.delete(id), { timeout: 60_000 });
  }

  /** Tells an account that the node is no more (XEP-0357 §8). */
  disable(node: string, account: string, from = this.jid): void {
    const affiliation = el('affiliation', ns.pubsub, { jid: account, affiliation: 'none' });
    this.send(message({ from, to: account }, el('pubsub', ns.pubsub, { node }, affiliation)));
  }

  /** Sends what any entity of its domain may say; nothing while it is not attached. */
  send(stanza: Element | undefined): void {
    if (stanza !== undefined) this.#connection?.send(stanza);
  }

  #connect(): void {
    const { secret, port } = this.#options;
    const jid = Jid.parse(this.jid);
    const address = { host: '127.0.0.1', port };
    this.#connection = new Connection(
      { jid, secret, connect: address, limits: defaultConnectionLimits, clock: systemClock },
      {
        onConnected() {},
        onStanza: (stanza) => this.#take(stanza),
        onDropped() {},
        onBytes() {},
        onClosed: () => {
          if (!this.#isStopped) this.#retry = setTimeout(() => this.#connect(), 50);
        },
      },
    );
  }

  #take(stanza: Element): void {
    const type = stanza.attr('type');
    if (stanza.name !== 'iq') return;
    if (type === 'result') this.#pongs.add(stanza.attr('id') ?? '');
    if (type === 'result' || type === 'error') return;
    const publish = readPublish(stanza);
    if (publish === undefined) this.#serve(stanza);
    else {
      this.publishes.push(publish);
      this.answer(publish, this.#scripts.get(publish.node)?.shift() ?? 'result');
    }
  }

  #serve(request: Element): void {
    const info = { identities: [{ category: 'pubsub', type: 'push' }], features: [ns.push] };
    const isDisco = request.child('query', ns.discoInfo) !== undefined;
    const refusal = errorReply(request, new StanzaError('service-unavailable'));
    this.send(isDisco ? iqResult(request, discoInfoQuery(info)) : refusal);
  }
}

function answerTo(stanza: Element, how: Exclude<Answer, 'nothing'>): Element | undefined {
  if (how instanceof StanzaError) return errorReply(stanza, how);
  const result = iqResult(stanza);
  return how === 'forged' ? result.withAttrs({ from: `other@${stanza.attr('to')}` }) : result;
}

/** Undefined if it is none. */
function readPublish(stanza: Element): Publish | undefined {
  const pubsub = stanza.child('pubsub', ns.pubsub);
  const publish = pubsub?.child('publish');
  if (publish === undefined) return undefined;
  const notification = publish.child('item')?.child('notification', ns.push);
  const x = notification?.child('x', ns.dataForms);
  const fields = x === undefined ? [] : (parseForm(x)?.fields ?? []);
  const given = fields.filter(({ values }) => values.length > 0);
  const summary = Object.fromEntries(given.map((field) => [field.var ?? '', field.values.join('\n')]));
  const { FORM_TYPE: _, ...rest } = summary;
  return {
    node: publish.attr('node') ?? '',
    from: stanza.attr('from') ?? '',
    level: (rest['last-message-body'] ?? '') === '' ? 'unimportant' : 'important',
    summary: rest,
    options: pubsub?.child('publish-options')?.firstElement(),
    stanza,
    raw: serialize(stanza),
  };
}
