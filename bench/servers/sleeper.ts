import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Authenticate, bind, converse, enable, type LeanAccount, open } from './lean-login.js';

/** Where a sleeper connects, and as whom. */
export interface SleeperOptions {
  readonly port: number;
  readonly isTls: boolean;
  readonly account: LeanAccount;
  readonly authenticate: Authenticate;
  /** Given, the account's server is to publish to that node (XEP-0357) while the client is away. */
  readonly push?: PushNode | undefined;
}

/** Where publishes go. */
interface PushNode {
  readonly jid: string;
  readonly node: string;
}

/** The number in a message; each sleeper's begin with 0. */
const numbers = /<body>(\d+) /g;
const stanzas = /<(message|presence|iq)[ >]/g;
const messageEnd = '</message>';
const request = `<r xmlns='urn:xmpp:sm:3'/>`;

/** A client whose connection is cut again and again, and that acknowledges nothing but by resuming. */
export class Sleeper {
  readonly #options: SleeperOptions;
  #socket: Socket | undefined;
  /** The full JID. */
  jid = '';
  #resumeBy = '';
  /** Messages that have come, and all stanzas. */
  #messages = 0;
  #handled = 0;

  constructor(options: SleeperOptions) {
    this.#options = options;
  }

  async login(): Promise<void> {
    const socket = await this.#connect();
    this.jid = await bind(socket);
    if (this.#options.push !== undefined) await enablePush(socket, this.#options.push);
    this.#resumeBy = await enable(socket);
    this.#hold(socket);
  }

  /** Waits until the server has read all that the client has sent. */
  async settle(): Promise<void> {
    if (this.#socket === undefined) return;
    await converse(this.#socket, request, '<a ');
    this.#socket.resume();
  }

  /** Cuts the connection; what has come on it counts for nothing. */
  async cut(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    socket.destroy();
    await once(socket, 'close');
  }

  /**
   * Resumes the session, and is done when that many messages have come again: each once, in order. Rejects if they are
   * others.
   */
  async resume(expected: number): Promise<void> {
    const socket = await this.#connect();
    const by = `previd='${this.#resumeBy}' h='${this.#handled}'`;
    const replay = read(socket, expected);
    socket.write(`<resume xmlns='urn:xmpp:sm:3' ${by}/>`, 'latin1');
    const came = (await replay).split('<resumed')[1] ?? '';
    const got = [...came.matchAll(numbers)].map(([, number]) => Number(number));
    const wanted = Array.from({ length: expected }, (_, index) => this.#messages + index);
    if (got.join() !== wanted.join()) throw new Error(`${this.jid} did not get ${wanted} but ${came}`);
    this.#messages += expected;
    this.#handled += came.match(stanzas)?.length ?? 0;
    socket.write(`<a xmlns='urn:xmpp:sm:3' h='${this.#handled}'/>`, 'latin1');
    this.#hold(socket);
  }

  /** Logs out for good. */
  async logout(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    socket.end('</stream:stream>');
    await once(socket, 'close');
  }

  async #connect(): Promise<Socket> {
    const { port, isTls, account, authenticate } = this.#options;
    const socket = await open(port, isTls, account.domain);
    await authenticate(socket, account);
    return socket;
  }

  #hold(socket: Socket): void {
    this.#socket = socket;
    // A cut may meet what is still on its way to the client.
    socket.on('error', () => socket.destroy());
    socket.resume();
  }
}

/** Sends to sleepers, on a managed stream. */
export class Waker {
  readonly #socket: Socket;
  #sent = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async login({ port, isTls, account, authenticate }: SleeperOptions): Promise<Waker> {
    const socket = await open(port, isTls, account.domain);
    await authenticate(socket, account);
    await bind(socket);
    await enable(socket);
    return new Waker(socket);
  }

  /** Sends messages with those numbers to each, and waits until the server has taken them on. */
  async send(jids: readonly string[], first: number, count: number): Promise<void> {
    for (const jid of jids) {
      const texts = Array.from({ length: count }, (_, index) => message(jid, first + index));
      this.#sent += count;
      await converse(this.#socket, `${texts.join('')}${request}`, ` h='${this.#sent}'`);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Before the stream is managed: the answer is nothing that the client has to acknowledge. */
async function enablePush(socket: Socket, { jid, node }: PushNode): Promise<void> {
  const wish = `<enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${node}'/>`;
  await converse(socket, `<iq type='set' id='p'>${wish}</iq>`, `'p'`, '>');
}

/** A chat message of 200 bytes with that number in it. */
export function message(to: string, number: number): string {
  const head = `<message to='${to}' type='chat' id='m${number}'><body>${number} `;
  const tail = `</body>${messageEnd}`;
  return head + 'x'.repeat(200 - head.length - tail.length) + tail;
}

/** Reads until the session is resumed and so many messages have come. */
function read(socket: Socket, messages: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const take = (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      if (/<failed|<stream:error/.test(seen)) return finish(() => reject(new Error(seen)));
      const isWhole = seen.includes('<resumed') && seen.split(messageEnd).length > messages;
      if (isWhole) finish(() => resolve(seen));
    };
    const close = () => finish(() => reject(new Error(`closed by the server after: ${seen}`)));
    const finish = (end: () => void) => {
      socket.off('data', take);
      socket.off('close', close);
      end();
    };
    socket.on('data', take);
    socket.on('close', close);
  });
}
