import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { converse } from './lean-login.js';

interface AppServerOptions {
  /** Port of the server's listener for components (XEP-0114). */
  readonly port: number;
  readonly jid: string;
  readonly secret: string;
  /** The domain that publishes. */
  readonly domain: string;
  /** Gets the number of each node that is published to (of `n17` it is 17), and the message count that was told. */
  readonly onPublish: (node: number, count: number) => void;
}

const end = '</iq>';
const idOf = /<iq [^>]*?\bid=['"]([^'"]*)/;
const nodeOf = /<publish [^>]*?\bnode=['"]n(\d+)/;
const countOf = /message-count['"][^>]*>\s*<value>(\d+)/;

/**
 * An app server of XEP-0357 that accepts each publish at once, and knows it by markers in the text: it is to cost little
 * beside the server that is measured. Resolves with the socket when the server has let it in.
 */
export async function connectAppServer(options: AppServerOptions): Promise<Socket> {
  const { port, jid, secret, domain, onPublish } = options;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const header = `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${jid}'>`;
  const greeting = await converse(socket, header, '<stream:stream', ` id='`, `'>`);
  const id = / id='([^']*)'/.exec(greeting)?.[1] ?? '';
  const proof = createHash('sha1').update(`${id}${secret}`).digest('hex');
  await converse(socket, `<handshake>${proof}</handshake>`, '<handshake');
  const addresses = `from='${jid}' to='${domain}'`;
  const accept = (iq: string) => {
    const node = nodeOf.exec(iq)?.[1];
    if (node === undefined) throw new Error(`the app server cannot read ${iq}`);
    onPublish(Number(node), Number(countOf.exec(iq)?.[1] ?? 0));
    return `<iq type='result' id='${idOf.exec(iq)?.[1]}' ${addresses}/>`;
  };
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('latin1')).split(end);
    rest = parts.pop() ?? '';
    if (parts.length > 0) socket.write(parts.map(accept).join(''), 'latin1');
  });
  return socket;
}
