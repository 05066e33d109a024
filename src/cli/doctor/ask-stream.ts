import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ListenAddress } from '../../config/config.js';
import { ns } from '../../xmpp/ns.js';

/** Milliseconds until an answer. */
const timeout = 5_000;
const maxAnswerBytes = 64 * 1024;

/** Who opens a stream: with which name of the server, and in which role. */
export interface Opening {
  readonly to: string;
  readonly as: 'client' | 'server' | 'component';
  /** TLS from the first byte. */
  readonly isDirectTls: boolean;
}

/** What a server said when somebody opened a stream to it. */
export type StreamAnswer =
  /** It is ready to go on. */
  | { readonly kind: 'ready'; readonly from: string | undefined }
  /** It refused, with a condition of RFC 6120 §4.9.3. */
  | { readonly kind: 'error'; readonly condition: string }
  /** It said something else, or nothing. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unreachable'; readonly error: Error };

/** Opens a stream, and leaves. Never rejects. Certificates are not judged. */
export function askStream(address: ListenAddress, opening: Opening): Promise<StreamAnswer> {
  return new Promise((resolve) => {
    const socket = opening.isDirectTls ? openTls(address, opening) : connect(address);
    const end = (answer: StreamAnswer) => {
      socket.destroy();
      resolve(answer);
    };
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(timeout, () => end({ kind: 'other' }));
    socket.once('error', (error) => end({ kind: 'unreachable', error }));
    socket.once('close', () => end({ kind: 'other' }));
    const connected = opening.isDirectTls ? 'secureConnect' : 'connect';
    socket.once(connected, () => socket.write(header(opening)));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const answer = readAnswer(text, opening);
      if (answer !== undefined) end(answer);
      else if (text.length > maxAnswerBytes) end({ kind: 'other' });
    });
  });
}

function openTls(address: ListenAddress, { to, as }: Opening): Socket {
  const servername = /^[\w.-]*[a-z][\w.-]*$/i.test(to) ? { servername: to } : {};
  return connectTls({ ...address, ...servername, ALPNProtocols: [`xmpp-${as}`], rejectUnauthorized: false });
}

const contentNamespaces = { client: ns.client, server: ns.server, component: ns.componentAccept };

function header({ to, as }: Opening): string {
  const names = `xmlns='${contentNamespaces[as]}' xmlns:stream='${ns.streams}'`;
  return `<stream:stream ${names} to='${to}' version='1.0'>`;
}

/** Undefined while more has to come. Good enough to tell an XMPP server from something else; nothing here is trusted. */
function readAnswer(text: string, { as }: Opening): StreamAnswer | undefined {
  if (!/^\s*</.test(text) && text.trim() !== '') return { kind: 'other' };
  const condition = /<(?:stream:)?error\b[^>]*>\s*<([a-z-]+)/.exec(text)?.[1];
  if (condition !== undefined) return { kind: 'error', condition };
  const isReady =
    as === 'component' ? /<stream:stream\b[^>]*>/ : /<\/stream:features>|<stream:features\s*\/>/;
  if (!isReady.test(text)) return undefined;
  const from = /<stream:stream\b[^>]*?\sfrom=['"]([^'"]*)/.exec(text)?.[1];
  return { kind: 'ready', from };
}
