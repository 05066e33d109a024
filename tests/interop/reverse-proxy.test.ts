import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type HttpTestBed, startHttp } from '../harness/http.js';
import { freePort, waitFor } from '../harness/net.js';
import { describeWithPeers, findExecutable } from '../harness/peer.js';
import { type Program, type ProgramSpec, startProgram, waitUntilReady } from '../harness/program.js';
import { type PushAnswer, postPush } from '../harness/push-request.js';

const example = (name: string) =>
  readFile(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

const nginx = findExecutable('nginx');
const caddy = findExecutable('caddy');

interface ProxyPlan {
  readonly port: number;
  readonly belfryPort: number;
  readonly folder: string;
}

/** nginx as one process of this user, with all that it writes in `folder`. */
async function nginxProgram({ port, belfryPort, folder }: ProxyPlan): Promise<ProgramSpec> {
  const site = (await example('nginx.conf'))
    .replaceAll('127.0.0.1:5280', `127.0.0.1:${belfryPort}`)
    .replaceAll('listen 443 ssl;', `listen 127.0.0.1:${port};`)
    .replaceAll(/^\s*(?:listen \[::\]:443 ssl|ssl_certificate(?:_key)? .*);\n/gm, '')
    .replaceAll('/var/log/nginx/', `${folder}/`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n');
  await writeFile(join(folder, 'site.conf'), site);
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr;
     events {} http { ${paths} include ${folder}/site.conf; }`,
  );
  return {
    command: nginx ?? '',
    args: ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')],
  };
}

async function caddyProgram({ port, belfryPort, folder }: ProxyPlan): Promise<ProgramSpec> {
  const sites = (await example('Caddyfile'))
    .replaceAll('127.0.0.1:5280', `127.0.0.1:${belfryPort}`)
    .replaceAll(/^((?:push\.)?example\.org) \{/gm, `http://$1:${port} {`);
  const file = join(folder, 'Caddyfile');
  await writeFile(file, `{\n\tadmin off\n\tauto_https off\n}\n${sites}`);
  return {
    command: caddy ?? '',
    args: ['run', '--adapter', 'caddyfile', '--config', file],
    env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** The body of what a site answers to a GET with 200. */
function fetchFrom(host: string, port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers: { host }, agent: false }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode}`));
      text(response).then(resolve, reject);
    }).once('error', reject);
  });
}

/** GETs a message from another of this machine's addresses, to be told from the proxy. */
function getFrom(localAddress: string, port: number, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, localAddress, path: '/message/m1', headers, agent: false };
    get(options, (response) => response.resume().once('end', resolve)).once('error', reject);
  });
}

/** A WebSocket that says what the proxy said of the client, and then whatever it hears. */
function echo(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => 'xmpp' });
  server.handleUpgrade(request, socket, head, (opened) => {
    const { 'x-forwarded-for': client, 'x-forwarded-proto': scheme } = request.headers;
    opened.send(`${client} ${scheme}`);
    opened.on('message', (message) => opened.send(message.toString()));
  });
}

/** The text of a file, empty if there is none. */
function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

const proxies = [
  { name: 'nginx', file: 'nginx.conf', executable: nginx, program: nginxProgram },
  { name: 'caddy', file: 'Caddyfile', executable: caddy, program: caddyProgram },
];

for (const { name, file, executable, program } of proxies) {
  describeWithPeers(`${name} with examples/${file}`, { [name]: executable !== undefined }, () => {
    let folder: string;
    let port: number;
    let proxy: Program;
    /** Both sites lead to the same Belfry; its public URL is that of the one with a path. */
    let http: HttpTestBed;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'belfry-proxy-'));
      http = await startHttp({
        publicUrl: 'https://example.org/up',
        trustedProxies: ['127.0.0.1'],
        upgrade: echo,
        answer: ({ token }) =>
          token === 'gone'
            ? { kind: 'gone', code: 'unknown-endpoint' }
            : { kind: 'delivered', messageId: 'm1' },
      });
      port = await freePort();
      proxy = startProgram(await program({ port, belfryPort: http.port, folder }));
      await waitUntilReady(name, proxy, () => accepts(port));
    });

    afterAll(async () => {
      await proxy?.kill();
      await http?.server.stop(0);
      await rm(folder, { recursive: true, force: true });
    });

    beforeEach(() => {
      http.pushes.length = 0;
      http.refusals.length = 0;
    });

    /** Of whole requests: a connection that the proxy broke off in a test before may be reported in a later one. */
    const refusals = () => http.refusals.filter(({ code }) => code !== 'bad-request');

    const post = (host: string, path: string, body: string, headers = {}): Promise<PushAnswer> =>
      postPush(`http://${host}:${port}${path}`, Buffer.from(body), headers);

    it.each([
      ['push.example.org', '/push/v3.local.AbC-_d'],
      ['example.org', '/up/push/v3.local.AbC-_d'],
    ])('passes a push to %s%s', async (host, path) => {
      const body = 'x'.repeat(4096);
      const answer = await post(host, path, body, { 'content-encoding': 'aes128gcm', urgency: 'high' });
      expect(answer.status).toBe(201);
      expect(answer.headers).toMatchObject({ ttl: '0', location: 'https://example.org/up/message/m1' });
      expect(http.pushes).toEqual([{ token: 'v3.local.AbC-_d', payload: Buffer.from(body) }]);
    });

    it.each([
      ['push.example.org', '/push/gone', 404, 'unknown-endpoint'],
      ['example.org', '/up/push/gone', 404, 'unknown-endpoint'],
      ['push.example.org', '/push/', 404, 'unknown-endpoint'],
      ['push.example.org', '/message/m1', 405, 'method-not-allowed'],
    ])('passes on what %s%s is answered with: %i', async (host, path, status, code) => {
      const answer = await post(host, path, 'x');
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.body)).toMatchObject({ error: code });
    });

    it.each([4097, 60_000])('says 413 to %i bytes', async (size) => {
      const answer = await post('push.example.org', '/push/t', 'x'.repeat(size));
      expect(answer.status).toBe(413);
      expect(JSON.parse(answer.body)).toMatchObject({ error: 'body-too-large' });
      expect(http.pushes).toEqual([]);
    });

    it('says 413 to a megabyte', async () => {
      const answer = await post('push.example.org', '/push/t', 'x'.repeat(1024 * 1024));
      expect(answer.status).toBe(413);
    });

    it("passes the client's address on, whatever the client says itself", async () => {
      await getFrom('127.0.0.9', port, { host: 'push.example.org', 'x-forwarded-for': '203.0.113.7' });
      expect(refusals()).toEqual([{ code: 'message-gone', client: '127.0.0.9' }]);
    });

    it('logs no token', async () => {
      const log = join(folder, 'belfry.log');
      const logged = async () => (await read(log)).split('POST 201').length;
      const before = await logged();
      await post('push.example.org', '/push/v3.local.SECRET', 'x');
      await post('example.org', '/up/push/v3.local.SECRET', 'x');
      if (name === 'nginx') await waitFor('both log lines', async () => (await logged()) === before + 2);
      expect(proxy.output()).not.toContain('SECRET');
      expect(await read(log)).not.toContain('SECRET');
    });

    it('passes WebSockets on, and says who they are', async () => {
      const headers = { host: 'push.example.org', 'x-forwarded-for': '203.0.113.7' };
      const url = `ws://127.0.0.1:${port}/xmpp-websocket`;
      const socket = new WebSocket(url, 'xmpp', { headers, localAddress: '127.0.0.9' });
      const heard: string[] = [];
      socket.on('message', (message) => heard.push(message.toString()));
      await once(socket, 'open');
      expect(socket.protocol).toBe('xmpp');
      socket.send('hello');
      await waitFor('the echo', () => heard.length === 2);
      expect(heard).toEqual(['127.0.0.9 http', 'hello']);
      socket.close();
      await once(socket, 'close');
    });

    it.each(['/.well-known/host-meta', '/.well-known/host-meta.json'])('passes %s on', async (path) => {
      const answer = await fetchFrom('push.example.org', port, path);
      expect(answer).toContain('wss://example.org/up/xmpp-websocket');
    });

    it.each(['/healthz', '/readyz', '/metrics', '/up/metrics', '/pushy'])(
      'keeps %s from the public',
      async (path) => {
        const [own, shared] = await Promise.all([
          post('push.example.org', path, 'x'),
          post('example.org', path, 'x'),
        ]);
        for (const { body, headers } of [own, shared]) {
          expect(body).not.toContain('method-not-allowed');
          expect(headers).not.toHaveProperty('allow');
        }
        expect(refusals()).toEqual([]);
      },
    );
  });
}
