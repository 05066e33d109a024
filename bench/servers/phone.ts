import type { Socket } from 'node:net';
import { type Authenticate, bind, type LeanAccount, open } from './lean-login.js';
import { message, Sleeper, type SleeperOptions } from './sleeper.js';

/**
 * What a publish says of the messages that its client has missed, by which it is known that each was told: `each`: there is
 * one for each message; `collected`: it is for all that were sent until then; `counted`: it has the number of them all.
 */
export type Telling = 'each' | 'collected' | 'counted';

/** A client that sleeps, with what it was sent and what its app server was told of that. */
export class Phone {
  readonly sleeper: Sleeper;
  readonly #bare: string;
  readonly #caller: Caller;
  /** Messages since it last woke up. */
  sent = 0;
  /** How many of those a publish has told of. */
  told = 0;
  /** When the last ones were sent. */
  sentAt = 0;
  #number = 0;

  constructor(options: SleeperOptions, caller: Caller) {
    const { user, domain } = options.account;
    this.sleeper = new Sleeper(options);
    this.#bare = `${user}@${domain}`;
    this.#caller = caller;
  }

  /** An app server was told of all that was sent. */
  get isToldOf(): boolean {
    return this.told === this.sent;
  }

  /** Sends so many messages in a row. */
  call(messages: number): void {
    this.sent += messages;
    this.sentAt = performance.now();
    for (let left = messages; left > 0; left--) this.#caller.send(message(this.#bare, this.#number++));
  }

  /** Takes a publish; returns how many messages it tells of that no other did. */
  tell(telling: Telling, count: number): number {
    const told = { each: this.told + 1, collected: this.sent, counted: count }[telling];
    const news = told - this.told;
    if (news <= 0 || told > this.sent) return 0;
    this.told = told;
    return news;
  }

  /** Resumes its session, takes what it has missed, and is gone again. */
  async wake(): Promise<void> {
    await this.sleeper.resume(this.sent);
    await this.sleeper.settle();
    await this.sleeper.cut();
    this.sent = 0;
    this.told = 0;
  }
}

/** A session that sends to sleepers; what it sends within one turn goes out at once. */
export class Caller {
  readonly #socket: Socket;
  #waiting: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (/type=['"]error|<stream:error/.test(chunk.toString('latin1'))) {
        throw new Error(`a message was refused: ${chunk.toString()}`);
      }
    });
  }

  static async login(port: number, account: LeanAccount, authenticate: Authenticate): Promise<Caller> {
    const socket = await open(port, false, account.domain);
    await authenticate(socket, account);
    await bind(socket);
    return new Caller(socket);
  }

  send(text: string): void {
    if (this.#waiting.push(text) === 1) setImmediate(this.#flush);
  }

  close(): void {
    this.#socket.destroy();
  }

  readonly #flush = () => {
    this.#socket.write(this.#waiting.join(''), 'latin1');
    this.#waiting = [];
  };
}
