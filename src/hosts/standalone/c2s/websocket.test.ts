import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { authenticate, type C2sTestBed, startC2s } from '../../../../tests/harness/c2s.js';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { waitFor } from '../../../../tests/harness/net.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import { StreamError } from '../../../xmpp/stream-error.js';

let bed: C2sTestBed | undefined;
let http: Server | undefined;
const clients: Client[] = [];

/** A WebSocket client that keeps the messages that came. */
class Client {
  readonly socket: WebSocket;
  readonly messages: string[] = [];
  code: number | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data, isBinary) => this.messages.push(isBinary ? 'binary' : String(data)));
    socket.on('close', (code) => {
      this.code = code;
    });
    socket.on('error', () => {});
  }

  send(...texts: string[]): this {
    for (const text of texts) this.socket.send(text);
    return this;
  }

  /** Takes so many messages. */
  async next(count = 1): Promise<string[]> {
    await soon(`${count} messages`, () => this.messages.length >= count || this.code !== undefined);
    return this.messages.splice(0, count);
  }

  async closed(): Promise<string[]> {
    await soon('the end of the WebSocket', () => this.code !== undefined);
    return this.messages;
  }

  async login(): Promise<void> {
    await this.send(open).next(2);
    await this.send(authenticate('ana')).next();
    await this.send(open).next(2);
    await this.send(bind).next();
  }
}

const soon = (what: string, condition: () => boolean) => waitFor(what, condition, { interval: 2 });

const open = `<open xmlns='${ns.framing}' to='example.org' version='1.0'/>`;
const close = `<close xmlns='${ns.framing}'/>`;
const bind = `<iq xmlns='jabber:client' type='set' id='b1'><bind xmlns='${ns.bind}'><resource>w</resource></bind></iq>`;

async function start(options?: Parameters<typeof startC2s>[0]) {
  const running = await startC2s({
    listen: undefined,
    isPrivate: () => true,
    requireEncryption: true,
    ...options,
  });
  bed = running;
  const server = createServer();
  http = server;
  server.on('upgrade', (request, socket, head) => running.c2s.upgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { ...running, port };
}

async function connect(
  port: number,
  protocols: string[] = ['xmpp'],
  headers: IncomingHttpHeaders = {},
): Promise<Client> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols, { headers });
  const client = new Client(socket);
  clients.push(client);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return client;
}

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate();
  await bed?.close();
  await new Promise((resolve) => http?.close(resolve));
  bed = undefined;
});

const conditionsIn = (texts: readonly string[]) =>
  [
    ...texts.join('').matchAll(/<(?:failure xmlns='[^']+'|stream:error xmlns:stream='[^']+')><([a-z-]+)/g),
  ].map((match) => match[1]);

describe('a WebSocket', () => {
  it('leads to a session, with one document in each message', async () => {
    const { port, entrance, sasl } = await start();
    const client = await connect(port);
    expect(client.socket.protocol).toBe('xmpp');
    expect(client.socket.extensions).toBe('');
    const [opened, features] = await client.send(open).next(2);
    expect(opened).toMatch(
      /^<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='example\.org' id='[\w-]{24}' version='1\.0' xml:lang='en'\/>$/,
    );
    expect(features).toBe(
      `<stream:features xmlns:stream='${ns.streams}'><mechanisms xmlns='${ns.sasl}'>` +
        '<mechanism>TWICE</mechanism><mechanism>NAME</mechanism></mechanisms></stream:features>',
    );
    expect(await client.send(authenticate('ana')).next()).toEqual([
      `<success xmlns='${ns.sasl}'>=</success>`,
    ]);
    const [, more] = await client.send(open).next(2);
    expect(more).toContain(`<stream:features xmlns:stream='${ns.streams}'><bind xmlns='${ns.bind}'/>`);
    expect(await client.send(bind).next()).toEqual([
      `<iq xmlns='jabber:client' type='result' id='b1'><bind xmlns='${ns.bind}'><jid>ana@example.org/w</jid></bind></iq>`,
    ]);
    expect(entrance.session.link.transport).toBe('websocket');
    expect(sasl.channels[0]).toMatchObject({ isPrivate: true, bindings: new Map() });
    client.send("<message xmlns='jabber:client' id='1'><body>Grüße 🔔</body></message>");
    await soon('the stanza', () => entrance.received.length === 1);
    expect(entrance.received[0]?.is('message', ns.client)).toBe(true);
    entrance.session.send(message({ id: '2' }, el('x', ns.streams)));
    entrance.session.send(message({ id: '3' }));
    expect(await client.next(2)).toEqual([
      `<message xmlns:stream='${ns.streams}' xmlns='jabber:client' id='2'><stream:x/></message>`,
      "<message xmlns='jabber:client' id='3'/>",
    ]);
  });

  it('is closed with a message of its own', async () => {
    const { port, entrance } = await start();
    const client = await connect(port);
    await client.login();
    expect(await client.send(close).closed()).toEqual([close]);
    expect(client.code).toBe(1000);
    await soon('the end of the session', () => entrance.unbound.length === 1);
  });

  it('may be closed without, or break', async () => {
    const { port, entrance } = await start();
    for (const end of [
      (client: Client) => client.socket.close(1001),
      (client: Client) => client.socket.terminate(),
    ]) {
      const client = await connect(port);
      await client.login();
      const ended = entrance.unbound.length;
      end(client);
      await soon('the end of the session', () => entrance.unbound.length === ended + 1);
    }
  });

  it('is ended by the server with an error and a message of its own', async () => {
    const { port, entrance } = await start();
    const client = await connect(port);
    await client.login();
    entrance.session.send(message({ id: 'last' }));
    entrance.session.link.end(new StreamError('conflict'));
    expect(await client.closed()).toEqual([
      "<message xmlns='jabber:client' id='last'/>",
      `<stream:error xmlns:stream='${ns.streams}'><conflict xmlns='${ns.streamErrors}'/></stream:error>`,
      close,
    ]);
    await soon('the end of the session', () => entrance.unbound.length === 1);
    expect(entrance.unbound).toMatchObject([{ undelivered: [] }]);
  });

  it('is closed when the server stops', async () => {
    const { port, c2s } = await start();
    const client = await connect(port);
    await client.login();
    await c2s.stop();
    expect(conditionsIn(await client.closed())).toEqual(['system-shutdown']);
    await expect(connect(port)).rejects.toThrow('503');
  });

  it('has its messages worked on one at a time', async () => {
    const { port, entrance } = await start();
    const client = await connect(port);
    await client.login();
    const done: (() => void)[] = [];
    entrance.onStanza = () => new Promise((resolve) => done.push(resolve));
    client.send(...['1', '2', '3'].map((id) => `<message xmlns='jabber:client' id='${id}'/>`));
    for (let count = 1; count <= 3; count++) {
      await soon(`message ${count}`, () => done.length === count);
      expect(entrance.received.map((stanza) => stanza.attr('id'))).toEqual(['1', '2', '3'].slice(0, count));
      done[count - 1]?.();
    }
  });

  it('may carry white space, and pings are answered', async () => {
    const { port, entrance } = await start();
    const client = await connect(port);
    await client.login();
    const pong = new Promise((resolve) => client.socket.once('pong', resolve));
    client.send(' ', "<message xmlns='jabber:client'/>");
    client.socket.ping();
    await pong;
    await soon('the stanza', () => entrance.received.length === 1);
  });

  it('that does not read is cut off, and what had not left is given back', async () => {
    const clock = new FakeClock();
    const { port, entrance } = await start({ clock });
    const client = await connect(port);
    await client.login();
    client.socket.pause();
    let sent = 0;
    while (entrance.session.send(message({ id: String(sent) }, 'x'.repeat(50_000)))) {
      sent++;
      if (sent > 2_000) throw new Error('nothing is full');
      await new Promise((resolve) => setImmediate(resolve));
    }
    clock.advance(2_000);
    await soon('the end of the session', () => entrance.unbound.length === 1);
    const lost = entrance.unbound[0]?.undelivered ?? [];
    expect(lost.length).toBeGreaterThan(30);
    expect(lost.at(-1)?.attr('id')).toBe(String(sent - 1));
    expect(clock.pending).toEqual([]);
  });

  it('that sends a message without end, before it has authenticated, is cut off', async () => {
    const { port, recorded } = await start();
    const client = await connect(port);
    for (let count = 0; count < 8; count++) client.socket.send('x'.repeat(10_000), { fin: false });
    await client.closed();
    expect(recorded).toMatchObject([{ name: 'streamFailed', condition: 'policy-violation' }]);
  });

  it('that pings and does not read gets only so many answers', async () => {
    const { port, entrance } = await start();
    const client = await connect(port);
    await client.login();
    client.socket.pause();
    const data = Buffer.alloc(125);
    for (let count = 0; count < 200_000; count++) client.socket.ping(data);
    client.send("<message xmlns='jabber:client'/>");
    await soon('what came behind the pings', () => entrance.received.length === 1);
    let pongs = 0;
    client.socket.on('pong', () => pongs++);
    client.socket.resume();
    await client.send(close).closed();
    expect(pongs).toBeGreaterThan(0);
    expect(pongs).toBeLessThan(200_000);
  });

  const hello = "<message xmlns='jabber:client'/>";
  it.each([
    ['half an element', '<message>', 'not-well-formed'],
    ['two elements', hello + hello, 'bad-format'],
    ['an element and half of one', `${hello}<message`, 'not-well-formed'],
    ['text', 'hello', 'bad-format'],
    ['a stream header', `<stream:stream xmlns:stream='${ns.streams}'>`, 'not-well-formed'],
    ['an end tag', '</s:stream>', 'bad-format'],
    ['a stanza without a namespace', '<message/>', 'unsupported-stanza-type'],
    ['a stanza before authentication', hello, 'not-authorized'],
    ['a second beginning', open, 'bad-format'],
    ['STARTTLS', `<starttls xmlns='${ns.tls}'/>`, undefined],
    ['too much', `<auth xmlns='${ns.sasl}'>${'A'.repeat(10_000)}</auth>`, 'policy-violation'],
    ['a comment', '<!-- x -->', 'restricted-xml'],
  ])('is ended by %s', async (_name, text, condition) => {
    const { port } = await start();
    const client = await connect(port);
    await client.send(open).next(2);
    const answer = await client.send(text).closed();
    expect(conditionsIn(answer)).toEqual(condition === undefined ? [] : [condition]);
    expect(answer.at(-1)).toBe(close);
  });

  it('is ended by a wrong beginning, after ours', async () => {
    const { port } = await start();
    const client = await connect(port);
    const answer = await client.send(open.replace('example.org', 'other.example')).closed();
    expect(answer[0]).toContain('<open ');
    expect(conditionsIn(answer)).toEqual(['host-unknown']);
    expect(answer).toHaveLength(3);
  });

  it('is ended by bytes, by text that is none, and by messages beyond the bound', async () => {
    const { port, recorded } = await start({ limits: { stanzaBytes: 20_000 } });
    const binary = await connect(port);
    await binary.send(open).next(2);
    binary.socket.send(Buffer.from(close));
    expect(conditionsIn(await binary.closed())).toEqual(['bad-format']);
    const broken = await connect(port);
    broken.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    await broken.closed();
    expect(broken.code).toBe(1007);
    const long = await connect(port);
    await long.login();
    await long.send(`<message xmlns='jabber:client'>${'x'.repeat(20_000)}</message>`).closed();
    expect(long.code).toBe(1009);
    expect(recorded.filter(({ name }) => name === 'streamFailed')).toMatchObject([
      { condition: 'bad-format' },
      { condition: 'bad-format' },
      { condition: 'policy-violation', jid: 'ana@example.org' },
    ]);
  });

  it('that says nothing is closed after the time limit', async () => {
    const clock = new FakeClock();
    const { port } = await start({ clock });
    const client = await connect(port);
    clock.advance(30_000);
    expect(conditionsIn(await client.closed())).toEqual(['connection-timeout']);
  });
});

describe('a request for a WebSocket', () => {
  it('names the subprotocol', async () => {
    const { port } = await start();
    await expect(connect(port, [])).rejects.toThrow('400');
    await expect(connect(port, ['mqtt'])).rejects.toThrow('400');
    const client = await connect(port, ['mqtt', 'xmpp']);
    expect(client.socket.protocol).toBe('xmpp');
  });

  it('comes by a way that nobody can read along, if that is required', async () => {
    const isPrivate = ({ headers }: { headers: IncomingHttpHeaders }) =>
      headers['x-forwarded-proto'] === 'https';
    const { port, recorded } = await start({ isPrivate });
    await expect(connect(port)).rejects.toThrow('403');
    expect(recorded).toMatchObject([{ name: 'connectionRefused', client: '127.0.0.1' }]);
    await connect(port, ['xmpp'], { 'x-forwarded-proto': 'https' });
  });

  it('may come by any way if encryption is not required', async () => {
    const { port, sasl } = await start({ isPrivate: () => false, requireEncryption: false });
    const client = await connect(port);
    await client.send(open).next(2);
    expect(sasl.channels[0]?.isPrivate).toBe(true);
  });

  it('counts as a connection of the address that it comes from', async () => {
    const addressOf = ({ headers }: { headers: IncomingHttpHeaders }) => String(headers['x-client']);
    const { port } = await start({ addressOf, maxConnectionsPerAddress: 1 });
    await connect(port, ['xmpp'], { 'x-client': '2001:db8::1' });
    await expect(connect(port, ['xmpp'], { 'x-client': '2001:db8:0:0:ffff::' })).rejects.toThrow('503');
    await connect(port, ['xmpp'], { 'x-client': '2001:db8:0:1::1' });
    await connect(port, ['xmpp'], { 'x-client': '192.0.2.1' });
    await expect(connect(port, ['xmpp'], { 'x-client': '::ffff:192.0.2.1' })).rejects.toThrow('503');
  });
});
