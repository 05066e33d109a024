import type { Socket } from 'node:net';
import { bind, byPlain, converse, enable, type LeanAccount } from './lean-login.js';

const messageEnd = '</message>';
/** Bytes of a message as it is sent. */
const messageBytes = 200;

/** Ends of messages, and what stream management says. Stanzas of the bench hold nothing that looks like it. */
const marks = /<\/message>|<r [^>]*>|<a [^>]*>/g;
const request = `<r xmlns='urn:xmpp:sm:3'/>`;

/** A client session that knows its server's answers by markers in the text. */
export class LeanSession {
  readonly jid: string;
  /** Gets the milliseconds that each message was under way. */
  onMessage: (latency: number) => void = () => {};
  /** Gets the milliseconds until the server answered for a message that this session sent. */
  onAcknowledged: (latency: number) => void = () => {};
  readonly #socket: Socket;
  /** The stream is managed: the session asks for acknowledgement, and gives it, whenever there is something new. */
  readonly #isManaged: boolean;
  /** When those messages to this session that have not arrived were sent; the order is kept on the way. */
  readonly #expected: number[] = [];
  /** When those messages of this session that are not acknowledged were sent. */
  readonly #unacknowledged: number[] = [];
  #acknowledged = 0;
  #received = 0;
  #isAsking = false;
  #peer: LeanSession | undefined;
  #message = '';
  #rest = '';

  private constructor(socket: Socket, jid: string, isManaged: boolean) {
    this.#socket = socket;
    this.jid = jid;
    this.#isManaged = isManaged;
    socket.on('data', this.#read);
    socket.on('close', () => {
      if (this.unanswered > 0) throw new Error(`the session of ${jid} ended`);
    });
  }

  /** Logs in by PLAIN, becomes available, and has the stream managed (XEP-0198) if it should be. */
  static async login(socket: Socket, account: LeanAccount, isManaged: boolean): Promise<LeanSession> {
    await byPlain(socket, account);
    const jid = await bind(socket);
    if (isManaged) await enable(socket);
    return new LeanSession(socket, jid, isManaged);
  }

  /** Messages to this session that have not arrived, and of this session that are not acknowledged. */
  get unanswered(): number {
    return this.#expected.length + this.#unacknowledged.length;
  }

  /** Messages that arrived, and those of this session that were acknowledged: all that its archive has to hold. */
  get settled(): number {
    return this.#received + this.#acknowledged;
  }

  talkTo(peer: LeanSession): void {
    const head = `<message to='${peer.jid}' type='chat' id='m1'><body>`;
    const tail = `</body>${messageEnd}`;
    this.#peer = peer;
    this.#message = head + 'x'.repeat(messageBytes - head.length - tail.length) + tail;
  }

  /** Sends a message to the peer. */
  say(): void {
    if (this.#peer === undefined) throw new Error(`${this.jid} has nobody to talk to`);
    const now = performance.now();
    this.#peer.#expected.push(now);
    if (!this.#isManaged) return void this.#socket.write(this.#message, 'latin1');
    this.#unacknowledged.push(now);
    this.#socket.write(this.#isAsking ? this.#message : this.#message + request, 'latin1');
    this.#isAsking = true;
  }

  /** How many messages the account's archive holds. */
  async archived(): Promise<number> {
    const count = `<set xmlns='http://jabber.org/protocol/rsm'><max>0</max></set>`;
    const query = `<iq type='set' id='n'><query xmlns='urn:xmpp:mam:2'>${count}</query></iq>`;
    this.#socket.off('data', this.#read);
    const answer = await converse(this.#socket, query, '</iq>');
    this.#socket.on('data', this.#read);
    return Number(/<count>(\d+)/.exec(answer)?.[1]);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.end('</stream:stream>');
    await closed;
  }

  readonly #read = (chunk: Buffer) => {
    const text = this.#rest + chunk.toString('latin1');
    if (text.includes(`type='error'`) || text.includes(`type="error"`)) throw new Error(text);
    this.#rest = text.slice(this.#isManaged ? this.#readManaged(text) : this.#readMessages(text));
  };

  /** Takes what is whole; returns where the rest begins. */
  #readMessages(text: string): number {
    let position = 0;
    for (let end = text.indexOf(messageEnd); end >= 0; end = text.indexOf(messageEnd, position)) {
      position = end + messageEnd.length;
      this.#take();
    }
    return position;
  }

  #readManaged(text: string): number {
    let position = 0;
    let isAsked = false;
    for (const { 0: mark, index } of text.matchAll(marks)) {
      position = index + mark.length;
      if (mark === messageEnd) this.#take();
      else if (mark.startsWith('<r')) isAsked = true;
      else this.#takeAcknowledgement(Number(/ h=.(\d+)/.exec(mark)?.[1]));
    }
    if (isAsked) this.#socket.write(`<a xmlns='urn:xmpp:sm:3' h='${this.#received}'/>`, 'latin1');
    return position;
  }

  #take(): void {
    this.#received++;
    const sent = this.#expected.shift();
    if (sent !== undefined) this.onMessage(performance.now() - sent);
  }

  #takeAcknowledgement(handled: number): void {
    const now = performance.now();
    while (this.#acknowledged < handled) {
      const sent = this.#unacknowledged.shift();
      if (sent === undefined)
        throw new Error(`${this.jid} did not send the ${handled} that were acknowledged`);
      this.#acknowledged++;
      this.onAcknowledged(now - sent);
    }
    this.#isAsking = this.#unacknowledged.length > 0;
    if (this.#isAsking) this.#socket.write(request, 'latin1');
  }
}
