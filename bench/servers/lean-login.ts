import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface LeanAccount {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
}

/** The name of the account of that number. */
export const userOf = (number: number) => `u${number}`;

/** Connects to 127.0.0.1 as a client of that domain. */
export async function open(port: number, isTls: boolean, domain: string): Promise<Socket> {
  const socket = isTls
    ? connectTls({ port, host: '127.0.0.1', servername: domain, rejectUnauthorized: false })
    : connect(port, '127.0.0.1');
  await once(socket, isTls ? 'secureConnect' : 'connect');
  socket.setNoDelay(true);
  return socket;
}

/** Authenticates, and opens the stream that follows. */
export type Authenticate = (socket: Socket, account: LeanAccount) => Promise<void>;

/** By PLAIN: the server makes the keys from the password. */
export const byPlain: Authenticate = async (socket, account) => {
  const { user, password } = account;
  const plain = Buffer.from(`\0${user}\0${password}`).toString('base64');
  await converse(socket, header(account), '</stream:features>');
  await converse(socket, sasl('auth', plain, `mechanism='PLAIN'`), '<success');
  await converse(socket, header(account), '</stream:features>');
};

/** By SCRAM-SHA-1, as a client that has kept the key which it made from the password. */
export function byScram(): Authenticate {
  const salted = new Map<string, Buffer>();
  return async (socket, account) => {
    const bare = `n=${account.user},r=${randomBytes(15).toString('base64')}`;
    await converse(socket, header(account), '</stream:features>');
    const first = sasl('auth', base64(`n,,${bare}`), `mechanism='SCRAM-SHA-1'`);
    const challenge = decode(await converse(socket, first, '</challenge>'));
    const [, nonce = '', salt = '', rounds] = /^r=([^,]*),s=([^,]*),i=(\d+)/.exec(challenge) ?? [];
    const name = [account.user, salt, rounds].join();
    const key =
      salted.get(name) ??
      pbkdf2Sync(account.password, Buffer.from(salt, 'base64'), Number(rounds), 20, 'sha1');
    salted.set(name, key);
    const final = `c=biws,r=${nonce}`;
    const proof = proofOf(key, `${bare},${challenge},${final}`);
    await converse(socket, sasl('response', base64(`${final},p=${proof}`)), '<success');
    await converse(socket, header(account), '</stream:features>');
  };
}

/** Binds the resource `bench`, asks for the roster and becomes available; resolves with the full JID. */
export async function bind(socket: Socket): Promise<string> {
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
  return jid;
}

/** Switches carbons on, and stream management with resumption; resolves with the id to resume by. */
export async function enable(socket: Socket): Promise<string> {
  await converse(socket, `<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>`, `'c'`, '>');
  const enabled = await converse(socket, `<enable xmlns='urn:xmpp:sm:3' resume='true'/>`, '<enabled', '>');
  const id = /<enabled[^>]* id=['"]([^'"]*)/.exec(enabled)?.[1];
  if (id === undefined) throw new Error(`the server did not enable resumption: ${enabled}`);
  return id;
}

/** Writes, and resolves with what was read when all the markers have come, in single quotes or double ones. */
export function converse(socket: Socket, text: string, ...markers: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const read = (chunk: Buffer) => {
      seen += chunk.toString('latin1').replaceAll('"', `'`);
      if (/<failure|<failed|<stream:error|type='error'/.test(seen)) finish(() => reject(new Error(seen)));
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

function header({ domain }: LeanAccount): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='${domain}'>`;
}

function sasl(name: string, content: string, attributes = ''): string {
  return `<${name} xmlns='urn:ietf:params:xml:ns:xmpp-sasl' ${attributes}>${content}</${name}>`;
}

function proofOf(salted: Buffer, message: string): string {
  const hmac = (key: Buffer, text: string) => createHmac('sha1', key).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha1').update(clientKey).digest(), message);
  return Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))).toString('base64');
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

function decode(challenge: string): string {
  return Buffer.from(/<challenge[^>]*>([^<]*)/.exec(challenge)?.[1] ?? '', 'base64').toString();
}
