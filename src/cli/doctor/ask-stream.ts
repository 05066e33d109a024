import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ListenAddress } from '../../config/config.js';
import type { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';

/** Milliseconds until an answer. */
const timeout = 5_000;
const maxAnswerBytes = 64 * 1024;

/** What a server said when a client opened its stream. */
export type StreamAnswer =
  | { readonly kind: 'features'; readonly from: string | undefined }
  /** It refused, with a condition of RFC 6120 §4.9.3. */
  | { readonly kind: 'error'; readonly condition: string }
  /** It said something else, or nothing. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unreachable'; readonly error: Error };

/** Opens a stream as a client of `domain` does, and leaves. Never rejects. Certificates are not judged. */
export function askStream(address: ListenAddress, domain: Jid, tls: boolean): Promise<StreamAnswer> {
  return new Promise((resolve) => {
    const socket = tls ? openTls(address, domain) : connect(address);
    const end = (answer: StreamAnswer) => {
      socket.destroy();
      resolve(answer);
    };
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(timeout, () => end({ kind: 'other' }));
    socket.once('error', (error) => end({ kind: 'unreachable', error }));
    socket.once('close', () => end({ kind: 'other' }));
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(header(domain)));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const answer = readAnswer(text);
      if (answer !== undefined) end(answer);
      else if (text.length > maxAnswerBytes) end({ kind: 'other' });
    });
  });
}

function openTls(address: ListenAddress, { domain }: Jid): Socket {
  const servername = /^[\w.-]*[a-z][\w.-]*$/i.test(domain) ? { servername: domain } : {};
  return connectTls({ ...address, ...servername, ALPNProtocols: ['xmpp-client'], rejectUnauthorized: false });
}

function header(domain: Jid): string {
  return `<stream:stream xmlns='${ns.client}' xmlns:stream='${ns.streams}' to='${domain}' version='1.0'>`;
}

/** Undefined while more has to come. Good enough to tell an XMPP server from something else; nothing here is trusted. */
function readAnswer(text: string): StreamAnswer | undefined {
  if (!/^\s*</.test(text) && text.trim() !== '') return { kind: 'other' };
  const condition = /<(?:stream:)?error\b[^>]*>\s*<([a-z-]+)/.exec(text)?.[1];
  if (condition !== undefined) return { kind: 'error', condition };
  if (!/<\/stream:features>|<stream:features\s*\/>/.test(text)) return undefined;
  const from = /<stream:stream\b[^>]*?\sfrom=['"]([^'"]*)/.exec(text)?.[1];
  return { kind: 'features', from };
}
