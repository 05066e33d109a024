// A distributor that costs as little CPU as it can, so that the benchmark measures the servers: a raw socket, a scan
// for the end of each IQ, one write per chunk. Runs as a child process and is asked over its IPC channel.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type Question =
  | {
      readonly ask: 'login';
      readonly port: number;
      readonly domain: string;
      readonly user: string;
      readonly password: string;
    }
  /** Takes pushes from the port without any login. */
  | { readonly ask: 'attach'; readonly port: number }
  | { readonly ask: 'register'; readonly provider: string; readonly count: number }
  /** How many pushes of that many payload bytes came from each provider since the last time. */
  | { readonly ask: 'counts'; readonly payloadBytes: number };

export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'endpoints'; readonly endpoints: readonly string[] }
  | {
      readonly kind: 'counts';
      readonly delivered: Readonly<Record<string, number>>;
    };

const closing = '</iq>';
const hash = () => randomBytes(32).toString('base64');

let socket: Socket;
let counts = new Map<string, Map<number, number>>();
const results = new Map<string, (stanza: string) => void>();

function attribute(head: string, name: string): string {
  return new RegExp(` ${name}=['"]([^'"]*)`).exec(head)?.[1] ?? '';
}

/** Reads until the pattern has come; used only before pushes flow. */
function expect(pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const read = (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      if (/<failure|<stream:error/.test(seen)) reject(new Error(seen));
      if (!pattern.test(seen)) return;
      socket.off('data', read);
      resolve(seen);
    };
    socket.on('data', read);
  });
}

async function login(account: Extract<Question, { ask: 'login' }>): Promise<void> {
  const open = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='${account.domain}'>`;
  const converse = async (text: string, pattern: RegExp) => {
    const answer = expect(pattern);
    socket.write(text);
    await answer;
  };
  socket = connect(account.port, '127.0.0.1');
  socket.setNoDelay(true);
  await converse(open, /<\/stream:features>/);
  const plain = Buffer.from(`\0${account.user}\0${account.password}`).toString('base64');
  await converse(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`,
    /<success[^>]*>/,
  );
  await converse(open, /<\/stream:features>/);
  await converse(
    `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bench</resource></bind></iq>`,
    /<\/jid>/,
  );
  socket.write('<presence/>');
  socket.on('data', receive);
}

let rest = '';

function receive(chunk: Buffer): void {
  const text = rest + chunk.toString('latin1');
  let answers = '';
  let position = 0;
  for (;;) {
    const end = text.indexOf(closing, position);
    if (end < 0) break;
    const start = text.lastIndexOf('<iq ', end);
    answers += answerTo(text.slice(start, end));
    position = end + closing.length;
  }
  rest = text.slice(position);
  if (answers !== '') socket.write(answers, 'latin1');
}

/** Counts a push and answers it with a result; hands everything else to whoever asked. */
function answerTo(stanza: string): string {
  const headEnd = stanza.indexOf('>');
  const head = stanza.slice(0, headEnd);
  const id = attribute(head, 'id');
  if (!stanza.startsWith('<push ', headEnd + 1)) {
    results.get(id)?.(stanza);
    results.delete(id);
    return '';
  }
  const from = attribute(head, 'from');
  const textStart = stanza.indexOf('>', headEnd + 1) + 1;
  const length = stanza.indexOf('<', textStart) - textStart;
  const sizes = counts.get(from) ?? new Map<number, number>();
  counts.set(from, sizes.set(length, (sizes.get(length) ?? 0) + 1));
  return `<iq type='result' id='${id}' to='${from}'/>`;
}

async function register(provider: string): Promise<string> {
  const id = randomBytes(8).toString('hex');
  const answer = new Promise<string>((resolve) => results.set(id, resolve));
  socket.write(
    `<iq type='set' id='${id}' to='${provider}'><register xmlns='http://gultsch.de/xmpp/drafts/unified-push' application='${hash()}' instance='${hash()}'/></iq>`,
  );
  const endpoint = attribute(await answer, 'endpoint');
  if (endpoint === '') throw new Error(`${provider} refused the registration`);
  return endpoint;
}

function takeCounts(payloadBytes: number): Answer {
  const expected = 4 * Math.ceil(payloadBytes / 3);
  const delivered: Record<string, number> = {};
  for (const [from, sizes] of counts) {
    delivered[from] = sizes.get(expected) ?? 0;
  }
  counts = new Map();
  return { kind: 'counts', delivered };
}

async function answer(question: Question): Promise<Answer> {
  switch (question.ask) {
    case 'login':
      await login(question);
      return { kind: 'done' };
    case 'attach':
      socket = connect(question.port, '127.0.0.1');
      socket.setNoDelay(true);
      socket.on('data', receive);
      await once(socket, 'connect');
      return { kind: 'done' };
    case 'register': {
      const endpoints: string[] = [];
      while (endpoints.length < question.count) endpoints.push(await register(question.provider));
      return { kind: 'endpoints', endpoints };
    }
    case 'counts':
      return takeCounts(question.payloadBytes);
  }
}

process.on('message', async (question: Question) => {
  process.send?.(await answer(question));
});
process.on('disconnect', () => process.exit());
