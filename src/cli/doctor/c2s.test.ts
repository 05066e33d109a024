import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../tests/harness/net.js';
import type { StandaloneConfig } from '../../config/config.js';
import { loadConfig } from '../../config/load.js';
import { checkC2s } from './c2s.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Listens on a free port of loopback. */
async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer(onSocket);
  servers.push(server);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return port;
}

function hostOf(port: number | false, more: Record<string, string> = {}): StandaloneConfig {
  const { host } = loadConfig({
    cwd: '/nonexistent',
    env: {
      BELFRY_STANDALONE_C2S: port === false ? 'false' : `127.0.0.1:${port}`,
      BELFRY_STANDALONE_C2S_DIRECT_TLS: 'false',
      BELFRY_STANDALONE_S2S: 'false',
      ...more,
    },
  });
  if (host.kind !== 'standalone') throw new Error('this is a component');
  return host;
}

const running = { instance: 'x', isConnected: true };
const header = (from: string) =>
  `<?xml version='1.0'?><stream:stream from='${from}' id='1' version='1.0' xmlns='jabber:client'>`;

/** Answers whatever comes first with a text. */
const saying = (text: string) => (socket: Socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => socket.write(text));
};

describe('an address for clients', () => {
  it('is fine if it is free, and is left free', async () => {
    const port = await freePort();
    for (let times = 0; times < 2; times++) {
      expect(await checkC2s(hostOf(port), undefined)).toMatchObject([
        { status: 'ok', what: 'standalone.c2s' },
      ]);
    }
  });

  it('fails if something else has it', async () => {
    const port = await listen((socket) => socket.destroy());
    expect(await checkC2s(hostOf(port), undefined)).toMatchObject([
      {
        status: 'failed',
        text: expect.stringContaining('EADDRINUSE'),
        remedy: expect.stringContaining('c2s'),
      },
    ]);
  });

  it.each([
    [
      'features of the domain',
      `${header('localhost')}<stream:features><x/></stream:features>`,
      'ok',
      'answers clients',
    ],
    ['another domain', `${header('example.org')}<stream:features/>`, 'failed', 'answers as example.org'],
    [
      'an error',
      `${header('localhost')}<stream:error><host-unknown xmlns='x'/></stream:error></stream:stream>`,
      'failed',
      'refuses clients: host-unknown',
    ],
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'failed', 'no answer of an XMPP server'],
    ['too much', `${header('localhost')}${'<a/>'.repeat(20_000)}`, 'failed', 'no answer of an XMPP server'],
  ])('while Belfry runs is asked: %s', async (_what, text, status, words) => {
    const port = await listen(saying(text));
    expect(await checkC2s(hostOf(port), running)).toMatchObject([
      { status, text: expect.stringContaining(words) },
    ]);
  });

  it('while Belfry runs fails if nobody answers, or hangs up', async () => {
    const closed = await freePort();
    expect(await checkC2s(hostOf(closed), running)).toMatchObject([
      { status: 'failed', text: expect.stringContaining('cannot be reached') },
    ]);
    const port = await listen((socket) => socket.destroy());
    expect(await checkC2s(hostOf(port), running)).toMatchObject([{ status: 'failed' }]);
  });

  it('may be missing, which is said', async () => {
    expect(await checkC2s(hostOf(false), undefined)).toMatchObject([{ status: 'warning', what: 'clients' }]);
  });
});
