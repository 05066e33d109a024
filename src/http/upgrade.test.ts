import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpTestBed, type HttpTestOptions, openRaw, startHttp } from '../../tests/harness/http.js';
import { waitFor } from '../../tests/harness/net.js';

let bed: HttpTestBed | undefined;
const taken: { request: IncomingMessage; socket: Duplex; head: string }[] = [];

async function start(options: HttpTestOptions = {}): Promise<HttpTestBed> {
  bed = await startHttp({
    upgrade: (request, socket, head) => taken.push({ request, socket, head: head.toString() }),
    ...options,
  });
  return bed;
}

afterEach(async () => {
  for (const { socket } of taken.splice(0)) socket.destroy();
  await bed?.server.stop(0);
  bed = undefined;
});

const upgrading = (method: string, path: string, protocol: string, more = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\n${more}\r\n`;

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]));

describe('a request for a WebSocket', () => {
  it('is handed over with what came behind it', async () => {
    const { port } = await start();
    const { socket } = await openRaw(port);
    socket.write(`${upgrading('GET', '/xmpp-websocket', 'WebSocket')}first bytes`);
    await waitFor('the hand-over', () => taken.length === 1, { interval: 2 });
    expect(taken).toMatchObject([{ head: 'first bytes', request: { method: 'GET' } }]);
    socket.destroy();
  });

  it.each(['/up/xmpp-websocket', '/xmpp-websocket', '/up/xmpp-websocket?x=y'])(
    'may have the path of the public URL: %s',
    async (path) => {
      const { port } = await start({ publicUrl: 'https://example.org/up' });
      const { socket } = await openRaw(port);
      socket.write(upgrading('GET', path, 'websocket'));
      await waitFor('the hand-over', () => taken.length === 1, { interval: 2 });
      socket.destroy();
    },
  );

  it.each(['/other', '/xmpp-websocket/x', '/push'])('elsewhere is any request: %s', async (path) => {
    const { port } = await start();
    const connection = await openRaw(port);
    connection.socket.write(upgrading('GET', path, 'websocket'));
    await waitFor('an answer', () => connection.received().includes('\r\n\r\n'), { interval: 2 });
    expect(statuses(connection.received())).toEqual([path === '/push' ? 200 : 404]);
    expect(taken).toEqual([]);
    connection.socket.destroy();
  });

  it('neither holds up a stop nor is cut by it', async () => {
    const { port, server } = await start({ limits: { headersTimeout: 20 } });
    const { socket } = await openRaw(port);
    socket.write(upgrading('GET', '/xmpp-websocket', 'websocket'));
    await waitFor('the hand-over', () => taken.length === 1, { interval: 2 });
    await server.stop(60_000);
    expect(socket.readyState).toBe('open');
    expect(taken[0]?.socket.destroyed).toBe(false);
    socket.destroy();
  });

  it('takes no place among the connections of HTTP', async () => {
    const { port, url } = await start({ limits: { maxConnections: 2 } });
    const sockets = [];
    for (let count = 1; count <= 5; count++) {
      const { socket } = await openRaw(port);
      sockets.push(socket);
      socket.write(upgrading('GET', '/xmpp-websocket', 'websocket'));
      await waitFor('the hand-over', () => taken.length === count, { interval: 2 });
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });

  it('is any request if nobody takes it', async () => {
    bed = await startHttp();
    const connection = await openRaw(bed.port);
    connection.socket.write(upgrading('GET', '/xmpp-websocket', 'websocket'));
    await waitFor('an answer', () => connection.received().includes('\r\n\r\n'), { interval: 2 });
    expect(statuses(connection.received())).toEqual([404]);
    connection.socket.destroy();
  });
});

describe('a request that offers another protocol', () => {
  it('is a push like any other, and the connection goes on', async () => {
    const { port, pushes } = await start();
    const connection = await openRaw(port);
    const settings = 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n';
    connection.socket.write(`${upgrading('POST', '/push/t', 'h2c', `${settings}Content-Length: 6\r\n`)}abc`);
    connection.socket.write('def');
    await waitFor('the first answer', () => statuses(connection.received()).length === 1, { interval: 2 });
    connection.socket.write('POST /push/u HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx');
    await waitFor('the second answer', () => statuses(connection.received()).length === 2, { interval: 2 });
    expect(statuses(connection.received())).toEqual([201, 201]);
    expect(pushes.map(({ token, payload }) => [token, payload.toString()])).toEqual([
      ['t', 'abcdef'],
      ['u', 'x'],
    ]);
    connection.socket.destroy();
  });

  it('may do so with every request of a connection', async () => {
    const { port, pushes } = await start();
    const connection = await openRaw(port);
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    for (let count = 1; count <= 30; count++) {
      connection.socket.write(`${upgrading('POST', '/push/t', 'h2c', 'Content-Length: 1\r\n')}x`);
      await waitFor('an answer', () => statuses(connection.received()).length === count, { interval: 2 });
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warn);
    expect([pushes.length, warnings]).toEqual([30, []]);
    connection.socket.destroy();
  });

  it('is told at the WebSocket that it has to ask for one', async () => {
    const { port, url, refusals } = await start();
    const connection = await openRaw(port);
    connection.socket.write(upgrading('GET', '/xmpp-websocket', 'h2c'));
    await waitFor('an answer', () => connection.received().includes('\r\n\r\n'), { interval: 2 });
    expect(statuses(connection.received())).toEqual([426]);
    connection.socket.destroy();
    const response = await fetch(`${url}/xmpp-websocket`);
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect(refusals.map(({ code }) => code)).toEqual(['upgrade-required', 'upgrade-required']);
  });
});

describe('host-meta', () => {
  it.each([
    ['https://push.example.org', 'wss://push.example.org/xmpp-websocket'],
    ['http://localhost:5280/up', 'ws://localhost:5280/up/xmpp-websocket'],
  ])('of %s names %s', async (publicUrl, href) => {
    const { url } = await start({ publicUrl });
    const json = await fetch(`${url}/.well-known/host-meta.json`);
    expect(json.headers.get('access-control-allow-origin')).toBe('*');
    expect(await json.json()).toEqual({ links: [{ rel: 'urn:xmpp:alt-connections:websocket', href }] });
    const xrd = await fetch(`${url}/.well-known/host-meta`);
    expect(xrd.headers.get('access-control-allow-origin')).toBe('*');
    expect(xrd.headers.get('content-type')).toBe('application/xrd+xml');
    expect(await xrd.text()).toContain(`<Link rel='urn:xmpp:alt-connections:websocket' href='${href}'/>`);
  });

  it('is not there without a WebSocket', async () => {
    bed = await startHttp();
    for (const path of ['/.well-known/host-meta', '/.well-known/host-meta.json', '/xmpp-websocket'])
      expect((await fetch(bed.url + path)).status).toBe(404);
  });
});
