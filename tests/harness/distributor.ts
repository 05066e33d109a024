import { randomBytes } from 'node:crypto';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { type StanzaCondition, StanzaError } from '../../src/xmpp/stanza-error.js';
import { waitFor } from './net.js';
import { splitJid, type XmppServer } from './xmpp-server.js';

/** An account and where its server takes clients. */
export interface ClientAccount {
  readonly port: number;
  readonly domain: string;
  readonly user: string;
  readonly password: string;
  readonly resource: string;
  /** The file with the one certificate (PEM) that the client trusts, after STARTTLS; absent: it talks in the clear. */
  readonly certificate?: string;
  /** Where the server listens, if not on 127.0.0.1. */
  readonly host?: string;
  /** The client comes back when its connection is lost, and resumes its session if it can (XEP-0198). */
  readonly comesBack?: boolean;
  /** What starts its process, if that is not started as it is (`NetworkNamespace.launcher`). */
  readonly launcher?: readonly string[];
}

/** A bound stream of a real XMPP library. */
export interface ClientStream {
  /** The full JID that the server bound. */
  readonly jid: string;
  send(stanza: Element): void;
  close(): Promise<void>;
}

/** Logs in; `onStanza` gets every stanza that arrives from then on. */
export type ConnectClient = (
  account: ClientAccount,
  onStanza: (stanza: Element) => void,
) => Promise<ClientStream>;

/** What a distributor answers pushes with: a result, an error of that condition, or nothing at all. */
type AnswerMode = 'result' | 'none' | StanzaCondition;

interface ReceivedPush {
  readonly id: string;
  readonly from: string;
  readonly application: string;
  readonly instance: string;
  readonly payload: Buffer;
}

interface Registration {
  readonly endpoint: string;
  readonly expiration: string;
}

/** A UnifiedPush distributor as Conversations is one: a logged-in client that registers and answers pushes. */
export interface Distributor {
  readonly jid: string;
  /** Every push that arrived, whatever was answered. */
  readonly pushes: readonly ReceivedPush[];
  /** The push after the first `count` ones, as soon as it has arrived. */
  nextPush(count: number): Promise<ReceivedPush>;
  /** Registers; rejects with the provider's `StanzaError`. */
  register(
    provider: string,
    hashes?: Partial<Record<'application' | 'instance', string>>,
  ): Promise<Registration>;
  /** Sends an IQ request; resolves with the answer, be it result or error. */
  request(type: 'get' | 'set', to: string, payload: Element): Promise<Element>;
  /** How pushes are answered from now on. */
  answerWith(mode: AnswerMode): void;
  /** Answers any id of anybody: late, or never asked for. */
  sendAnswer(to: string, id: string, mode: Exclude<AnswerMode, 'none'>): void;
  disconnect(): Promise<void>;
}

const answerTimeout = 30_000;

/** Logs in to the server as that full JID, with the library that `connect` wraps, and becomes available. */
export async function startDistributor(
  connect: ConnectClient,
  server: XmppServer,
  fullJid: string,
): Promise<Distributor> {
  const { local: user, domain, resource } = splitJid(fullJid);
  const password = server.accounts[`${user}@${domain}`] ?? '';
  const account = { port: server.c2sPort, user, domain, resource, password };
  const pushes: ReceivedPush[] = [];
  const open = new Map<string, (answer: Element) => void>();
  let mode: AnswerMode = 'result';
  const stream = await connect(account, (stanza) => {
    if (stanza.name !== 'iq') return;
    const id = stanza.attr('id') ?? '';
    const type = stanza.attr('type');
    if (type === 'result' || type === 'error') return open.get(id)?.(stanza);
    const push = stanza.child('push', ns.unifiedPush);
    if (push === undefined) return;
    const from = stanza.attr('from') ?? '';
    pushes.push({ id, from, ...readPush(push) });
    if (mode !== 'none') stream.send(answerTo(id, from, mode));
  });
  stream.send(el('presence', ns.client));

  const request: Distributor['request'] = async (type, to, payload) => {
    const id = `c-${randomBytes(6).toString('hex')}`;
    let answer: Element | undefined;
    open.set(id, (stanza) => {
      answer = stanza;
    });
    stream.send(el('iq', ns.client, { type, to, id }, payload));
    await waitFor(`${to} to answer ${payload.name}`, () => answer !== undefined, { timeout: answerTimeout });
    open.delete(id);
    if (answer === undefined) throw new Error('unreachable: waitFor rejects');
    return answer;
  };

  return {
    jid: stream.jid,
    pushes,
    request,
    async nextPush(count) {
      await waitFor('a push to arrive', () => pushes.length > count, { timeout: answerTimeout });
      const [push] = pushes.slice(count);
      if (push === undefined) throw new Error('unreachable: waitFor rejects');
      return push;
    },
    async register(provider, hashes = {}) {
      const attrs = { application: randomHash(), instance: randomHash(), ...hashes };
      const answer = await request('set', provider, el('register', ns.unifiedPush, attrs));
      if (answer.attr('type') === 'error') throw StanzaError.fromStanza(answer);
      return readRegistration(answer);
    },
    answerWith(next) {
      mode = next;
    },
    sendAnswer: (to, id, answer) => stream.send(answerTo(id, to, answer)),
    disconnect: () => stream.close(),
  };
}

/** What an application or an instance is to a provider: the base64 of a SHA-256 hash. */
export function randomHash(): string {
  return randomBytes(32).toString('base64');
}

/** Conversations takes padded base64 without white space, and nothing else. */
function readPush(push: Element): Omit<ReceivedPush, 'id' | 'from'> {
  const payload = Buffer.from(push.text(), 'base64');
  if (payload.toString('base64') !== push.text()) throw new Error('the push is not strict base64');
  return { application: push.attr('application') ?? '', instance: push.attr('instance') ?? '', payload };
}

function answerTo(id: string, to: string, mode: Exclude<AnswerMode, 'none'>): Element {
  if (mode === 'result') return el('iq', ns.client, { type: 'result', to, id });
  return el('iq', ns.client, { type: 'error', to, id }, new StanzaError(mode).toElement());
}

/** As Conversations does: an endpoint that is no URL or an expiration that is not ahead fails the registration. */
function readRegistration(answer: Element): Registration {
  const registered = answer.child('registered', ns.unifiedPush);
  const endpoint = registered?.attr('endpoint') ?? '';
  const expiration = registered?.attr('expiration') ?? '';
  if (!URL.canParse(endpoint)) throw new Error('the endpoint is not a URL');
  if (!(Date.parse(expiration) > Date.now()))
    throw new Error(`expiration ${expiration} is not in the future`);
  return { endpoint, expiration };
}
