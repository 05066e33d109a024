import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { createAuthority } from './authority.js';
import { checkVapid } from './vapid-check.js';

/** A message for a browser, as its push service was given it. */
export interface AutopushMessage {
  readonly endpoint: string;
  readonly version: string;
  /** Encrypted. */
  readonly body: Buffer;
  readonly ttl: number;
  readonly urgency: string;
  readonly topic: string | undefined;
}

/** What a browser says of a message that it was given: 100 if its page got it, something else if it could not be read. */
export interface AutopushAcknowledgement {
  readonly version: string;
  readonly code: number;
}

const helloSchema = z.object({ messageType: z.literal('hello'), uaid: z.string().optional() });
const registerSchema = z.object({
  messageType: z.literal('register'),
  channelID: z.uuid(),
  key: z.string().optional(),
});
const acknowledgementSchema = z.object({
  messageType: z.literal('ack'),
  updates: z.array(z.object({ channelID: z.uuid(), version: z.string(), code: z.number() })),
});
const clientMessageSchema = z.union([
  z.discriminatedUnion('messageType', [
    helloSchema,
    registerSchema,
    z.object({ messageType: z.literal('unregister'), channelID: z.uuid() }),
    acknowledgementSchema,
    z.object({ messageType: z.enum(['nack', 'broadcast_subscribe']) }),
  ]),
  z.strictObject({}),
]);

interface Channel {
  readonly id: string;
  readonly browser: string;
  /** The only one that may send, as base64url; undefined: anybody. */
  readonly key: string | undefined;
  /** By topic, or by version if there is none. */
  readonly waiting: Map<string, AutopushMessage>;
}

/**
 * A push service with the protocol that Firefox speaks (https://mozilla-push-service.readthedocs.io, "HTTP Endpoints" and
 * "WebSocket"): browsers connect by WebSocket, in clear, and app servers post to its endpoints by HTTPS, with HTTP/2 or 1.1. What
 * a browser does not take at once it gets later, if it comes back.
 */
export class Autopush {
  /** All that was taken, in order. */
  readonly accepted: AutopushMessage[] = [];
  /** The statuses of all answers to app servers, in order. */
  readonly statuses: number[] = [];
  readonly acknowledgements: AutopushAcknowledgement[] = [];
  readonly #authority = createAuthority();
  readonly #sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  readonly #endpoints = createSecureServer({
    ...this.#authority.issue({ names: ['localhost'] }),
    allowHTTP1: true,
  });
  readonly #browsers = new Map<string, WebSocket>();
  readonly #channels = new Map<string, Channel>();
  readonly #connections = new Set<Socket>();
  #isHolding = false;

  private constructor() {
    this.#sockets.on('connection', (socket) => this.#greet(socket));
    this.#endpoints.on('secureConnection', (socket: Socket) => {
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
    });
    this.#endpoints.on('request', (request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<Autopush> {
    const service = new Autopush();
    service.#endpoints.listen(0, 'localhost');
    await Promise.all([once(service.#endpoints, 'listening'), once(service.#sockets, 'listening')]);
    return service;
  }

  /** Where browsers connect. */
  get url(): string {
    return `ws://127.0.0.1:${portOf(this.#sockets)}/`;
  }

  /** The PEM of the authority that stands for its endpoints. */
  get ca(): string {
    return this.#authority.cert;
  }

  /** Of its endpoints. */
  get origin(): string {
    return `https://localhost:${portOf(this.#endpoints)}`;
  }

  /** Endpoints that there are. */
  get endpoints(): string[] {
    return [...this.#channels.keys()].map((token) => this.#endpoint(token));
  }

  /** From now on browsers are given nothing, as if they were not there. */
  hold(): void {
    this.#isHolding = true;
  }

  /** Browsers are given what was held. */
  release(): void {
    this.#isHolding = false;
    for (const browser of this.#browsers.keys()) this.#handOver(browser);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    for (const socket of this.#connections) socket.destroy();
    const closed = [once(this.#endpoints, 'close'), once(this.#sockets, 'close')];
    this.#sockets.close();
    this.#endpoints.close();
    await Promise.all(closed);
  }

  #endpoint(token: string): string {
    return `${this.origin}/wpush/v2/${token}`;
  }

  #greet(socket: WebSocket): void {
    let browser = '';
    socket.on('message', (data) => {
      const message = clientMessageSchema.parse(JSON.parse(String(data)));
      const say = (answer: object) => socket.send(JSON.stringify(answer));
      if (!('messageType' in message)) say({});
      else if (message.messageType === 'hello') {
        browser = message.uaid ?? randomUUID().replaceAll('-', '');
        this.#browsers.set(browser, socket);
        say({ messageType: 'hello', status: 200, uaid: browser, use_webpush: true, broadcasts: {} });
        this.#handOver(browser);
      } else if (message.messageType === 'register') say(this.#register(browser, message));
      else if (message.messageType === 'unregister') say(this.#unregister(message.channelID));
      else if (message.messageType === 'ack') this.#acknowledge(message.updates);
    });
    socket.on('close', () => {
      if (this.#browsers.get(browser) === socket) this.#browsers.delete(browser);
    });
  }

  #register(browser: string, { channelID: id, key }: z.infer<typeof registerSchema>): object {
    const token = randomUUID();
    this.#channels.set(token, { id, browser, key: key && withoutPadding(key), waiting: new Map() });
    return { messageType: 'register', status: 200, channelID: id, pushEndpoint: this.#endpoint(token) };
  }

  #unregister(id: string): object {
    for (const [token, channel] of this.#channels) if (channel.id === id) this.#channels.delete(token);
    return { messageType: 'unregister', status: 200, channelID: id };
  }

  #acknowledge(updates: z.infer<typeof acknowledgementSchema>['updates']): void {
    for (const { version, code } of updates) {
      this.acknowledgements.push({ version, code });
      for (const { waiting } of this.#channels.values()) {
        for (const [key, message] of waiting) if (message.version === version) waiting.delete(key);
      }
    }
  }

  #handOver(browser: string): void {
    const socket = this.#browsers.get(browser);
    if (socket === undefined || this.#isHolding) return;
    const own = [...this.#channels.values()].filter((channel) => channel.browser === browser);
    for (const { id, waiting } of own) {
      for (const message of waiting.values()) socket.send(JSON.stringify(notification(id, message)));
    }
  }

  async #serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { status, message } = await this.#judge(request, body);
    this.statuses.push(status);
    if (message === undefined) {
      response.writeHead(status).end();
      return;
    }
    const location = `${this.origin}/m/${message.version}`;
    response.writeHead(status, { location, ttl: String(message.ttl) }).end();
  }

  /** What becomes of a request, as RFC 8030 §5 has it. */
  async #judge(
    request: Http2ServerRequest,
    body: Buffer,
  ): Promise<{ status: number; message?: AutopushMessage }> {
    const token = /^\/wpush\/v2\/([\w-]+)$/.exec(request.url)?.[1];
    if (token === undefined) return { status: 404 };
    const channel = this.#channels.get(token);
    if (channel === undefined) return { status: 410 };
    if (body.length > 4096) return { status: 413 };
    const { ttl, urgency = 'normal', topic, authorization } = request.headers;
    const isWellFormed =
      request.method === 'POST' &&
      /^\d+$/.test(String(ttl)) &&
      /^(very-low|low|normal|high)$/.test(String(urgency)) &&
      (topic === undefined || /^[\w-]{1,32}$/.test(String(topic))) &&
      request.headers['content-encoding'] === 'aes128gcm';
    if (!isWellFormed) return { status: 400 };
    const refusal = await refusalOf(authorization, channel.key, this.origin);
    if (refusal !== undefined) return { status: refusal };
    const message = {
      endpoint: this.#endpoint(token),
      version: randomUUID(),
      body,
      ttl: Number(ttl),
      urgency: String(urgency),
      topic: topic === undefined ? undefined : String(topic),
    };
    this.#take(channel, message);
    return { status: 201, message };
  }

  #take(channel: Channel, message: AutopushMessage): void {
    this.accepted.push(message);
    channel.waiting.delete(message.topic ?? message.version);
    channel.waiting.set(message.topic ?? message.version, message);
    const socket = this.#browsers.get(channel.browser);
    if (!this.#isHolding) socket?.send(JSON.stringify(notification(channel.id, message)));
  }
}

const notification = (channelID: string, { version, body }: AutopushMessage) => ({
  messageType: 'notification',
  channelID,
  version,
  data: body.toString('base64url'),
  headers: { encoding: 'aes128gcm' },
});

/** The status that a request is refused with which does not show that its sender has the key (RFC 8292 §4.2). */
async function refusalOf(
  authorization: string | undefined,
  key: string | undefined,
  origin: string,
): Promise<401 | 403 | undefined> {
  if (key === undefined) return undefined;
  if (authorization === undefined) return 401;
  const sender = await checkVapid(authorization, origin).catch(() => undefined);
  return sender?.publicKey === key ? undefined : 403;
}

const withoutPadding = (base64url: string) => base64url.replace(/=+$/, '');

function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  return address.port;
}
