import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** The server's side of a component (XEP-0114), as cheap as may be: it lets in whoever comes, and knows answers by their ids. */
export interface LeanServer {
  readonly port: number;
  /** Carries a request of somebody, and resolves with the answer as XML. */
  ask(from: string, payload: string): Promise<string>;
  close(): Promise<void>;
}

const header = `<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='s1'>`;
const stanza = /<iq ([^>]*?)(?:\/>|>.*?<\/iq>)/gs;
const idOf = /\bid=['"]([^'"]*)/;

export async function startLeanServer(domain: string): Promise<LeanServer> {
  const open = new Map<string, (answer: string) => void>();
  let link: Socket | undefined;
  let asked = 0;
  const listener = createServer({ noDelay: true }, (socket) => {
    link = socket.on('error', () => undefined);
    serve(socket, (id, answer) => {
      const resolve = open.get(id);
      open.delete(id);
      // A component asks itself whether its connection works.
      if (resolve === undefined)
        socket.write(`<iq type='result' id='${id}' from='${domain}' to='${domain}'/>`);
      else resolve(answer);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    ask: (from, payload) =>
      new Promise((resolve) => {
        const id = `b${++asked}`;
        open.set(id, resolve);
        link?.write(`<iq type='set' id='${id}' from='${from}' to='${domain}'>${payload}</iq>`);
      }),
    async close() {
      link?.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** Lets the component in, and hands on what it says from then on. */
function serve(socket: Socket, onStanza: (id: string, stanza: string) => void): void {
  let rest = '';
  const steps = [
    { after: '<stream:stream', say: header },
    { after: '</handshake>', say: '<handshake/>' },
  ];
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1');
    for (let step = steps[0]; step !== undefined && rest.includes(step.after); step = steps[0]) {
      rest = rest.slice(rest.indexOf(step.after) + step.after.length);
      socket.write(step.say);
      steps.shift();
    }
    if (steps.length > 0) return;
    let end = 0;
    for (const match of rest.matchAll(stanza)) {
      end = match.index + match[0].length;
      onStanza(idOf.exec(match[1] ?? '')?.[1] ?? '', match[0]);
    }
    rest = rest.slice(end);
  });
}
