import type { Socket } from 'node:net';

interface LeanAccount {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
}

/** The name of the account of that number. */
export const userOf = (number: number) => `u${number}`;

const messageEnd = '</message>';
/** Bytes of a message as it is sent. */
const messageBytes = 200;

/** A client session that knows its server's answers by markers in the text. */
export class LeanSession {
  readonly jid: string;
  /** Gets the milliseconds that each message was under way. */
  onMessage: (latency: number) => void = () => {};
  readonly #socket: Socket;
  /** When those messages to this session that have not arrived were sent; the order is kept on the way. */
  readonly #expected: number[] = [];
  #peer: LeanSession | undefined;
  #message = '';
  #rest = '';

  private constructor(socket: Socket, jid: string) {
    this.#socket = socket;
    this.jid = jid;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => {
      if (this.#expected.length > 0) throw new Error(`the session of ${jid} ended`);
    });
  }

  /** Logs in by PLAIN, binds, asks for the roster and becomes available. */
  static async login(socket: Socket, { user, domain, password }: LeanAccount): Promise<LeanSession> {
    socket.setNoDelay(true);
    const open = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='${domain}'>`;
    const plain = Buffer.from(`\0${user}\0${password}`).toString('base64');
    await converse(socket, open, '</stream:features>');
    await converse(
      socket,
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`,
      '<success',
    );
    await converse(socket, open, '</stream:features>');
    const bound = await converse(
      socket,
      `<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bench</resource></bind></iq>`,
      '</iq>',
    );
    const jid = /<jid>([^<]+)/.exec(bound)?.[1];
    if (jid === undefined) throw new Error(`the server did not bind: ${bound}`);
    await converse(
      socket,
      `<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>`,
      'jabber:iq:roster',
      '<presence',
    );
    return new LeanSession(socket, jid);
  }

  /** Messages to this session that have not arrived. */
  get unanswered(): number {
    return this.#expected.length;
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
    this.#peer.#expected.push(performance.now());
    this.#socket.write(this.#message, 'latin1');
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.end('</stream:stream>');
    await closed;
  }

  #receive(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1');
    if (text.includes(`type='error'`) || text.includes(`type="error"`)) throw new Error(text);
    let position = 0;
    for (let end = text.indexOf(messageEnd); end >= 0; end = text.indexOf(messageEnd, position)) {
      position = end + messageEnd.length;
      const sent = this.#expected.shift();
      if (sent !== undefined) this.onMessage(performance.now() - sent);
    }
    this.#rest = text.slice(position);
  }
}

/** Writes, and resolves with what was read when all the markers have come. */
function converse(socket: Socket, text: string, ...markers: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const read = (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      if (/<failure|<stream:error|type=.error/.test(seen)) finish(() => reject(new Error(seen)));
      else if (markers.every((marker) => seen.includes(marker))) finish(() => resolve(seen));
    };
    const close = () => finish(() => reject(new Error(`closed by the server after: ${seen}`)));
    const finish = (end: () => void) => {
      socket.off('data', read);
      socket.off('close', close);
      end();
    };
    socket.on('data', read);
    socket.on('close', close);
    socket.write(text, 'latin1');
  });
}
