import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createSecureServer, type Http2Session } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Authority, createAuthority } from './authority.js';
import { freePort } from './net.js';
import { type AnyRequest, type AnyResponse, answers, give, type PushAnswer } from './push-answers.js';
import { createPushUserAgent, type PushKeys } from './push-user-agent.js';
import { checkVapid, type VapidSender } from './vapid-check.js';

export type PushProtocol = 'h2' | 'http/1.1';

/** A request for a push message, as the service has got it. */
export interface ReceivedPush {
  /** Where it went to. */
  readonly endpoint: string;
  readonly protocol: PushProtocol;
  /** On which connection, counted from 1. */
  readonly connection: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As sent. */
  readonly body: Buffer;
  /** What the browser shows; undefined if it cannot decrypt it, or knows nothing of the endpoint. */
  readonly payload: string | undefined;
  /** Undefined if there was none, or what was wrong with it. */
  readonly sender: VapidSender | undefined;
  /** Why the service did not take it, before any script was asked. */
  readonly problem: string | undefined;
  /** Bytes of the answer's body that a drip or an endless answer has written so far. */
  readonly written: number;
}

/** A browser's subscription at the service. */
export interface TestSubscription extends PushKeys {
  readonly endpoint: string;
  /** What has come for it, in order. */
  readonly received: readonly ReceivedPush[];
  /** The next requests are answered so, one after the other; the last one for all that follow. */
  answer(...script: readonly PushAnswer[]): void;
}

export interface PushServiceOptions {
  /** What it speaks; both by default. */
  readonly protocols?: readonly PushProtocol[];
  /** Its name in the certificate and in endpoints. */
  readonly name?: string;
  /** Further names and addresses in the certificate. */
  readonly names?: readonly string[];
  readonly port?: number;
  /** Who signs its certificate; one of its own by default. */
  readonly authority?: Authority;
  /** HTTP/2 streams at once. */
  readonly maxStreams?: number;
  /** Whether it takes what is not signed as it should be (RFC 8292). */
  readonly isLenient?: boolean;
}

/** A push service (RFC 8030) on 127.0.0.1, and the browsers that use it. */
export interface PushService {
  readonly origin: string;
  readonly port: number;
  /** PEM of the authority that it is trusted by. */
  readonly ca: string;
  readonly authority: Authority;
  readonly requests: readonly ReceivedPush[];
  /** How many connections there have been, TLS or not, and how many are open. */
  readonly connections: { readonly made: number; readonly open: number };
  /** A new subscription; `key`: it takes messages of that sender alone (RFC 8292 §4). */
  subscribe(key?: string): TestSubscription;
  /** As `answer` of a subscription, for all that have no script of their own. */
  answer(...script: readonly PushAnswer[]): void;
  /** Says on all HTTP/2 connections that no new request is taken there; what is under way goes on. */
  goAway(): void;
  /** Resets all connections; a request on one of them that was not looked at yet has not come. */
  cut(): void;
  close(): Promise<void>;
}

interface Known {
  readonly subscription: TestSubscription;
  readonly received: ReceivedPush[];
  readonly decrypt: (body: Buffer) => string | undefined;
  readonly key: string | undefined;
  script: PushAnswer[];
}

export async function startPushService(options: PushServiceOptions = {}): Promise<PushService> {
  const service = new TestPushService(options);
  await service.listen();
  return service;
}

class TestPushService implements PushService {
  readonly #options: PushServiceOptions;
  readonly authority: Authority;
  readonly #server: ReturnType<typeof createServerFor>;
  readonly #sockets = new Map<Socket, number>();
  readonly #sessions = new Set<Http2Session>();
  readonly #known = new Map<string, Known>();
  readonly requests: ReceivedPush[] = [];
  #script: PushAnswer[] = [answers.created];
  #made = 0;

  constructor(options: PushServiceOptions) {
    this.#options = options;
    this.authority = options.authority ?? createAuthority();
    const { name = 'localhost', names = [] } = options;
    const issued = this.authority.issue({ names: [name, '127.0.0.1', ...names] });
    this.#server = createServerFor(options, issued, (request, response) => {
      void this.#take(request, response).catch(() => response.destroy());
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#made += 1;
      this.#sockets.set(socket, this.#made);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('session', (session: Http2Session) => {
      this.#sessions.add(session);
      session.on('error', () => {}).once('close', () => this.#sessions.delete(session));
    });
    this.#server.on('sessionError', () => {}).on('tlsClientError', () => {});
  }

  async listen(): Promise<void> {
    // One that listens there again must not find that the system has given the port to an outgoing connection meanwhile.
    this.#server.listen(this.#options.port ?? (await freePort()), '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `https://${this.#options.name ?? 'localhost'}:${this.port}`;
  }

  get ca(): string {
    return this.authority.cert;
  }

  get connections() {
    return { made: this.#made, open: this.#sockets.size };
  }

  subscribe(key?: string): TestSubscription {
    const { keys, decrypt } = createPushUserAgent();
    const path = `/push/${randomBytes(20).toString('base64url')}`;
    const received: ReceivedPush[] = [];
    const subscription = {
      endpoint: this.origin + path,
      ...keys,
      received,
      answer: (...script: readonly PushAnswer[]) => {
        known.script = [...script];
      },
    };
    const known: Known = { subscription, received, decrypt, key, script: [] };
    this.#known.set(path, known);
    return subscription;
  }

  answer(...script: readonly PushAnswer[]): void {
    this.#script = [...script];
  }

  goAway(): void {
    for (const session of this.#sessions) session.close();
  }

  cut(): void {
    for (const socket of this.#sockets.keys()) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets.keys()) socket.destroy();
    await closed;
  }

  async #take(request: AnyRequest, response: AnyResponse): Promise<void> {
    response.on('error', () => {});
    const body = await bodyOf(request);
    const [connection, number] = this.#connectionOf(request);
    const path = request.url ?? '';
    const known = this.#known.get(path);
    const { sender, problem } = await this.#check(request, body, known);
    // Its sender has gone or was cut off meanwhile, and hears no answer: whoever has seen the connection end counts it no more.
    if (connection.destroyed) return;
    const received = {
      endpoint: this.origin + path,
      protocol: request.httpVersionMajor === 2 ? ('h2' as const) : ('http/1.1' as const),
      connection: number,
      headers: request.headers,
      body,
      payload: known?.decrypt(body),
      sender,
      problem: problem?.why,
      written: 0,
    };
    this.requests.push(received);
    known?.received.push(received);
    const answer = problem?.answer ?? this.#next(known);
    const onWritten = (bytes: number) => {
      received.written += bytes;
    };
    give(answer, { response, connection, size: body.length, onWritten });
  }

  /** What a push service looks at in a request before all else (RFC 8030 §5, RFC 8292 §4.2). */
  async #check(request: AnyRequest, body: Buffer, known: Known | undefined): Promise<Checked> {
    const { headers, method } = request;
    const refused = (status: number, why: string): Checked => ({
      sender: undefined,
      problem: { why, answer: { kind: 'status', status, body: why } },
    });
    if (method !== 'POST') return refused(405, 'not a POST');
    if (!/^\d+$/.test(headers['ttl']?.toString() ?? '')) return refused(400, 'no TTL');
    if (!/^[\w-]{1,32}$/.test(headers['topic']?.toString() ?? 'none')) return refused(400, 'no topic');
    if (!/^(?:very-low|low|normal|high)$/.test(headers['urgency']?.toString() ?? 'normal'))
      return refused(400, 'no urgency');
    if (headers['content-encoding'] !== 'aes128gcm') return refused(400, 'not encrypted');
    if (body.length > 4_096) return refused(413, 'larger than 4,096 bytes');
    const sender = await checkVapid(headers.authorization, this.origin).catch(String);
    if (this.#options.isLenient === true)
      return { sender: typeof sender === 'string' ? undefined : sender, problem: undefined };
    if (typeof sender === 'string') return refused(headers.authorization === undefined ? 401 : 403, sender);
    if (known?.key !== undefined && known.key !== sender.publicKey)
      return refused(403, 'not the key of the subscription');
    return { sender, problem: undefined };
  }

  #next(known: Known | undefined): PushAnswer {
    const script = known === undefined || known.script.length === 0 ? this.#script : known.script;
    const answer = script.length > 1 ? script.shift() : script[0];
    return answer ?? answers.created;
  }

  /** TLS wraps the connection that was counted; the ports tell which. */
  #connectionOf(request: AnyRequest): [Socket, number] {
    const port = request.socket.remotePort;
    for (const entry of this.#sockets) if (entry[0].remotePort === port) return entry;
    throw new Error('the connection has gone');
  }
}

interface Checked {
  readonly sender: VapidSender | undefined;
  readonly problem: { readonly why: string; readonly answer: PushAnswer } | undefined;
}

function createServerFor(
  { protocols = ['h2', 'http/1.1'], maxStreams }: PushServiceOptions,
  issued: { readonly cert: string; readonly key: string },
  onRequest: (request: AnyRequest, response: AnyResponse) => void,
) {
  if (!protocols.includes('h2')) return createServer({ ...issued }, onRequest);
  return createSecureServer(
    {
      ...issued,
      allowHTTP1: protocols.includes('http/1.1'),
      settings: maxStreams === undefined ? {} : { maxConcurrentStreams: maxStreams },
    },
    onRequest,
  );
}

async function bodyOf(request: AnyRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
