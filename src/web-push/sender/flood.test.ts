import { createServer, type Server, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../../../tests/harness/authority.js';
import { listenOnLoopback, waitFor } from '../../../tests/harness/net.js';
import type { PushProtocol } from '../../../tests/harness/push-service.js';
import { openSenderStage, type SenderStage } from '../../../tests/harness/sender-stage.js';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function open(options: Parameters<typeof openSenderStage>[0]): Promise<SenderStage> {
  const stage = await openSenderStage(options);
  closers.push(() => stage.close());
  return stage;
}

/** A frame of HTTP/2 (RFC 9113 §4.1) that concerns the connection alone. */
function frame(type: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  return Buffer.concat([head, payload]);
}

const settings = frame(4, Buffer.alloc(0));
const origin = Buffer.from('https://push.example.net');

const floods: readonly (readonly [string, Buffer])[] = [
  [
    'origins',
    frame(12, Buffer.concat(Array(600).fill(Buffer.concat([Buffer.from([0, origin.length]), origin])))),
  ],
  [
    'alternative services',
    frame(10, Buffer.concat([Buffer.from([0, origin.length]), origin, Buffer.from('h2=":1"')])),
  ],
  ['windows', frame(8, Buffer.from([0, 0, 0, 1]))],
  ['frames of a kind that nobody knows', frame(0x55, Buffer.alloc(1_000))],
];

async function listen(server: Server): Promise<number> {
  const port = await listenOnLoopback(server);
  closers.push(async () => server.close());
  return port;
}

/** Answers nothing but two megabytes of a frame, at once. */
async function startFlood(repeated: Buffer): Promise<{ readonly port: number; readonly ca: string }> {
  const authority = createAuthority();
  const issued = authority.issue({ names: ['localhost'] });
  const bytes = Buffer.concat(Array(Math.ceil(2_000_000 / repeated.length)).fill(repeated));
  const server: Server = createServer({ ...issued, ALPNProtocols: ['h2'] }, (socket) => {
    socket.on('error', () => {}).write(settings);
    socket.once('data', () => socket.write(bytes)).resume();
  });
  return { port: await listen(server), ca: authority.cert };
}

describe('a connection ends on which comes more than was asked for', () => {
  it.each(floods)('%s', async (_, repeated) => {
    const { port, ca } = await startFlood(repeated);
    const { service, send } = await open({ ca: [ca], limits: { answerTime: 5_000 } });
    const { endpoint, ...keys } = service.subscribe();
    expect(await send({ ...keys, endpoint: endpoint.replace(/:\d+/, `:${port}`) })).toEqual({
      kind: 'retry',
      reason: 'The connection was lost.',
      isUnreachable: false,
    });
  });
});

it('a connection of HTTP/1.1 ends on which something comes while nobody asks', async () => {
  const authority = createAuthority();
  const sockets: TLSSocket[] = [];
  const server = createServer({ ...authority.issue({ names: ['localhost'] }) }, (socket) => {
    sockets.push(socket);
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        if (chunk.includes('\r\n\r\n')) socket.write('HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n');
      });
  });
  const port = await listen(server);
  const { service, send } = await open({ ca: [authority.cert] });
  const { endpoint, ...keys } = service.subscribe();
  const there = { ...keys, endpoint: endpoint.replace(/:\d+/, `:${port}`) };
  for (let count = 0; count < 3; count++) expect(await send(there)).toEqual({ kind: 'delivered' });
  expect(sockets).toHaveLength(1);
  sockets[0]?.write('x');
  await waitFor('the end of the connection', () => sockets[0]?.destroyed === true);
  expect(await send(there)).toEqual({ kind: 'delivered' });
  expect(sockets).toHaveLength(2);
});

describe.each<PushProtocol>(['h2', 'http/1.1'])('interim answers over %s', (protocol) => {
  it('are passed over', async () => {
    const { service, send } = await open({ protocols: [protocol] });
    service.answer({ kind: 'interim', count: 16 });
    expect(await send()).toEqual({ kind: 'delivered' });
  });

  it('end the exchange if they are too many', async () => {
    const { service, send } = await open({ protocols: [protocol] });
    service.answer({ kind: 'interim', count: 10_000 });
    expect(await send()).toMatchObject({ kind: 'retry', reason: 'The connection was lost.' });
  });
});
