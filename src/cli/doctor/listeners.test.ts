import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../tests/harness/net.js';
import type { StandaloneConfig } from '../../config/config.js';
import { loadConfig } from '../../config/load.js';
import { checkListeners } from './listeners.js';

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
      expect(await checkListeners(hostOf(port), undefined)).toMatchObject([
        { status: 'ok', what: 'standalone.c2s' },
      ]);
    }
  });

  it('fails if something else has it', async () => {
    const port = await listen((socket) => socket.destroy());
    expect(await checkListeners(hostOf(port), undefined)).toMatchObject([
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
      'refuses clients of localhost: host-unknown',
    ],
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'failed', 'no answer of an XMPP server'],
    ['too much', `${header('localhost')}${'<a/>'.repeat(20_000)}`, 'failed', 'no answer of an XMPP server'],
  ])('while Belfry runs is asked: %s', async (_what, text, status, words) => {
    const port = await listen(saying(text));
    expect(await checkListeners(hostOf(port), running)).toMatchObject([
      { status, text: expect.stringContaining(words) },
    ]);
  });

  it('while Belfry runs fails if nobody answers, or hangs up', async () => {
    const closed = await freePort();
    expect(await checkListeners(hostOf(closed), running)).toMatchObject([
      { status: 'failed', text: expect.stringContaining('cannot be reached') },
    ]);
    const port = await listen((socket) => socket.destroy());
    expect(await checkListeners(hostOf(port), running)).toMatchObject([{ status: 'failed' }]);
  });

  it('may be one for servers or components, who are asked for as such', async () => {
    const said: string[] = [];
    const port = await listen((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (bytes) => {
        const [, to = ''] = / to='([^']*)'/.exec(String(bytes)) ?? [];
        said.push(/ xmlns='([^']*)'/.exec(String(bytes))?.[1] ?? '');
        socket.write(`${header(to)}${String(bytes).includes('accept') ? '' : '<stream:features/>'}`);
      });
    });
    const host = (env: Record<string, string>) =>
      hostOf(false, { BELFRY_STANDALONE_C2S_DIRECT_TLS: 'false', ...env });
    const servers = host({
      BELFRY_STANDALONE_S2S: `127.0.0.1:${port}`,
      BELFRY_STANDALONE_S2S_DIRECT_TLS: 'false',
    });
    const components = host({
      BELFRY_STANDALONE_COMPONENTS_LISTEN: `127.0.0.1:${port}`,
      BELFRY_STANDALONE_COMPONENTS_SECRETS: 'push.example.org=x',
    });
    expect((await checkListeners(servers, running))[1]).toMatchObject({
      status: 'ok',
      what: 'standalone.s2s',
      text: expect.stringContaining('answers servers that look for localhost'),
    });
    expect((await checkListeners(components, running))[1]).toMatchObject({
      status: 'ok',
      what: 'standalone.components.listen',
      text: expect.stringContaining('answers the component push.example.org'),
    });
    expect(said).toEqual(['jabber:server', 'jabber:component:accept']);
  });

  it('may be missing, which is said', async () => {
    expect(await checkListeners(hostOf(false), undefined)).toMatchObject([
      { status: 'warning', what: 'clients' },
    ]);
  });
});
