import { randomBytes } from 'node:crypto';
import { systemClock } from '../hosts/system-clock.js';
import { type Element, el } from '../xmpp/element.js';
import { type IqAnswer, IqTracker } from '../xmpp/iq-tracker.js';
import { Jid } from '../xmpp/jid.js';
import { ns } from '../xmpp/ns.js';
import { StanzaError } from '../xmpp/stanza-error.js';
import { ClientStream } from './client-stream.js';
import { createScram } from './scram.js';

export interface ClientOptions {
  readonly connect: { readonly host: string; readonly port: number };
  /** The account; with a resource, that one is asked for. */
  readonly jid: Jid;
  /** Printable ASCII. */
  readonly password: string;
  /** The certificate, in PEM, that the server must have; undefined: no encryption at all. */
  readonly certificate?: string;
  /** Takes every stanza that answers no request of `request`. */
  onStanza(stanza: Element, client: Client): void;
}

export interface ClientRequest {
  readonly type: 'get' | 'set';
  /** The own account if absent. */
  readonly to?: Jid;
  readonly payload: Element;
}

/** A client of an XMPP server with a bound resource. */
export interface Client {
  /** The full JID that the server bound. */
  readonly jid: Jid;
  /** Sends a stanza; false if the stream is over or too much waits already. */
  send(stanza: Element): boolean;
  /** Asks and waits for the answer, at most 10 seconds; never rejects. */
  request(request: ClientRequest): Promise<IqAnswer>;
  /** Resolves when the stream is over: with the reason, or undefined if `close` ended it. */
  readonly closed: Promise<Error | undefined>;
  /** Closes the stream in good order; open requests end as `disconnected`. */
  close(): Promise<void>;
}

/** Milliseconds until a bound resource. */
const loginTimeout = 10_000;
const requestTimeout = 10_000;

/**
 * Connects (RFC 6120): STARTTLS, SCRAM-SHA-256, a resource. No presence is sent yet.
 * @throws {Error} if that fails or takes more than ten seconds, with the reason in words
 */
export async function connectClient(options: ClientOptions): Promise<Client> {
  const stream = new ClientStream(options.connect, options.jid.domain);
  const impatience = setTimeout(
    () => stream.fail(new Error(`the server let nobody in within ${loginTimeout / 1000} seconds`)),
    loginTimeout,
  );
  try {
    const jid = await logIn(stream, options);
    return createClient(stream, jid, options);
  } catch (error) {
    await stream.close();
    throw error;
  } finally {
    clearTimeout(impatience);
  }
}

async function logIn(stream: ClientStream, options: ClientOptions): Promise<Jid> {
  let features = await stream.open();
  if (options.certificate !== undefined) {
    await startTls(stream, features, options.certificate);
    features = await stream.open();
  }
  await authenticate(stream, features, options);
  await stream.open();
  return bind(stream, options.jid);
}

/** RFC 6120 §5. */
async function startTls(stream: ClientStream, features: Element, certificate: string): Promise<void> {
  if (features.child('starttls', ns.tls) === undefined) throw new Error('the server offers no STARTTLS');
  stream.send(el('starttls', ns.tls));
  const answer = await stream.next();
  if (!answer.is('proceed', ns.tls)) throw new Error('the server refused STARTTLS');
  await stream.secure(certificate);
}

/** RFC 6120 §6, by SCRAM-SHA-256. */
async function authenticate(
  stream: ClientStream,
  features: Element,
  { jid, password }: ClientOptions,
): Promise<void> {
  const mechanism = 'SCRAM-SHA-256';
  const offered = features.child('mechanisms', ns.sasl)?.elements() ?? [];
  if (!offered.some((offer) => offer.text() === mechanism)) {
    throw new Error(`the server does not offer ${mechanism}`);
  }
  const scram = createScram({ user: jid.local, password });
  stream.send(el('auth', ns.sasl, { mechanism }, base64(scram.first)));
  const final = await scram.respond(await saslAnswer(stream, 'challenge'));
  stream.send(el('response', ns.sasl, {}, base64(final)));
  scram.verify(await saslAnswer(stream, 'success'));
}

async function saslAnswer(stream: ClientStream, expected: 'challenge' | 'success'): Promise<string> {
  const answer = await stream.next();
  if (answer.is(expected, ns.sasl)) return Buffer.from(answer.text(), 'base64').toString();
  const condition = answer.is('failure', ns.sasl) ? answer.firstElement()?.name : undefined;
  throw new Error(`the server refused the login: ${condition ?? `<${answer.name}/>`}`);
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** RFC 6120 §7. */
async function bind(stream: ClientStream, { resource }: Jid): Promise<Jid> {
  const wanted = resource === '' ? [] : [el('resource', ns.bind, {}, resource)];
  stream.send(el('iq', ns.client, { type: 'set', id: 'bind' }, el('bind', ns.bind, {}, ...wanted)));
  const answer = await stream.next();
  if (answer.attr('type') === 'error') throw StanzaError.fromStanza(answer);
  const jid = Jid.tryParse(answer.child('bind', ns.bind)?.child('jid')?.text());
  if (jid === undefined) throw new Error('the server did not say which resource is bound');
  return jid;
}

function createClient(stream: ClientStream, jid: Jid, { onStanza }: ClientOptions): Client {
  const tracker = new IqTracker({ processId: 'c', clock: systemClock, randomBytes });
  let over = (_reason: Error | undefined) => {};
  const closed = new Promise<Error | undefined>((resolve) => {
    over = resolve;
  });
  const client: Client = {
    jid,
    closed,
    send: (stanza) => stream.send(stanza),
    request: ({ type, to, payload }) =>
      tracker.ask(to ?? jid.bare(), { timeout: requestTimeout }, (id) => {
        const request = el('iq', ns.client, { type, id, to: to?.toString() }, payload);
        return stream.send(request) ? 'sent' : 'disconnected';
      }),
    close: () => stream.close(),
  };
  stream.deliverTo({
    onStanza(stanza) {
      if (!isAnswer(stanza) || !tracker.answer(withSender(stanza, jid))) onStanza(stanza, client);
    },
    onClosed(reason) {
      tracker.disconnect();
      over(reason);
    },
  });
  return client;
}

const isAnswer = (stanza: Element) =>
  stanza.name === 'iq' && (stanza.attr('type') === 'result' || stanza.attr('type') === 'error');

/** What comes without a sender comes from the own account (RFC 6120 §8.1.2.1). */
function withSender(stanza: Element, own: Jid): Element {
  return stanza.attr('from') === undefined ? stanza.withAttrs({ from: own.bare().toString() }) : stanza;
}
