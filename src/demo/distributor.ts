import { randomBytes } from 'node:crypto';
import { type Element, el } from '../xmpp/element.js';
import type { Jid } from '../xmpp/jid.js';
import { ns } from '../xmpp/ns.js';
import { errorReply, iqResult } from '../xmpp/stanza.js';
import { StanzaError } from '../xmpp/stanza-error.js';
import { type Client, type ClientOptions, connectClient } from './client.js';

export interface DistributorOptions
  extends Pick<ClientOptions, 'connect' | 'jid' | 'password' | 'certificate'> {
  /** A push for an instance that registered here. It is answered when this returns. */
  onPush(payload: Buffer): void;
  /** A message for the account; `send` sends what is said to that. */
  onMessage?(message: Element, send: (stanza: Element) => void): void;
}

/** What a registration gave. */
export interface Endpoint {
  readonly url: string;
  /** When it has to be renewed. */
  readonly expires: Date;
}

/** A UnifiedPush distributor (`docs/xmpp.md`): what Conversations is to the apps on a phone. */
export interface Distributor {
  /** The full JID, to which pushes go. */
  readonly jid: Jid;
  /**
   * Registers a made-up instance of an app at the provider.
   * @throws {StanzaError} if the provider refuses
   * @throws {Error} if it does not answer, or not with an endpoint
   */
  register(provider: Jid): Promise<Endpoint>;
  /** As {@link Client.closed}. */
  readonly closed: Promise<Error | undefined>;
  close(): Promise<void>;
}

interface Instance {
  readonly provider: Jid;
  readonly application: string;
}

/** Logs in and becomes available, as a phone does. */
export async function startDistributor(options: DistributorOptions): Promise<Distributor> {
  const instances = new Map<string, Instance>();
  const client = await connectClient({
    ...options,
    onStanza(stanza, self) {
      if (stanza.name === 'message') options.onMessage?.(stanza, (reply) => self.send(reply));
      else answer(stanza, self, instances, options.onPush);
    },
  });
  client.send(el('presence', ns.client));
  return {
    jid: client.jid,
    closed: client.closed,
    register: (provider) => register(client, provider, instances),
    close: () => client.close(),
  };
}

async function register(client: Client, provider: Jid, instances: Map<string, Instance>): Promise<Endpoint> {
  const application = randomHash();
  const instance = randomHash();
  // Known before it is registered: a push may come as soon as the provider has answered.
  instances.set(instance, { provider, application });
  const payload = el('register', ns.unifiedPush, { application, instance });
  const reply = await client.request({ type: 'set', to: provider, payload });
  if (reply.kind === 'error') throw reply.error;
  if (reply.kind !== 'result') throw new Error(`${provider} did not answer the registration: ${reply.kind}`);
  return readEndpoint(reply.payload, provider);
}

/** What an application or an instance is to a provider: the base64 of a SHA-256 hash. */
const randomHash = () => randomBytes(32).toString('base64');

function readEndpoint(registered: Element | undefined, provider: Jid): Endpoint {
  const isRegistered = registered?.is('registered', ns.unifiedPush) === true;
  const url = (isRegistered && registered.attr('endpoint')) || '';
  const expires = new Date((isRegistered && registered.attr('expiration')) || '');
  if (URL.canParse(url) && !Number.isNaN(expires.getTime())) return { url, expires };
  throw new Error(`${provider} answered the registration without an endpoint`);
}

/** Every request gets an answer (RFC 6120 §8.2.3); what is no request is nobody's business here. */
function answer(
  stanza: Element,
  client: Client,
  instances: ReadonlyMap<string, Instance>,
  onPush: (payload: Buffer) => void,
): void {
  if (stanza.name !== 'iq') return;
  try {
    const type = stanza.attr('type');
    if (type !== 'get' && type !== 'set') return;
    onPush(readPush(stanza, instances));
    client.send(iqResult(stanza).withAttrs({ from: undefined }));
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error;
    const reply = errorReply(stanza, error);
    if (reply !== undefined) client.send(reply.withAttrs({ from: undefined }));
  }
}

/** The payload of a push from the provider that its instance registered at. */
function readPush(stanza: Element, instances: ReadonlyMap<string, Instance>): Buffer {
  const push = stanza.attr('type') === 'set' ? stanza.child('push', ns.unifiedPush) : undefined;
  if (push === undefined) throw new StanzaError('service-unavailable');
  const known = instances.get(push.attr('instance') ?? '');
  const isOurs =
    known?.application === push.attr('application') && known?.provider.toString() === stanza.attr('from');
  if (!isOurs) throw new StanzaError('item-not-found');
  const payload = Buffer.from(push.text(), 'base64');
  if (payload.toString('base64') !== push.text()) throw new StanzaError('bad-request');
  return payload;
}
