import { readFileSync, statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { connectControl } from '../../src/control/client.js';
import { type Client, connectClient } from '../../src/demo/client.js';
import { startDistributor } from '../../src/demo/distributor.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { hasOpenssl, makeCertificate } from '../harness/certificate.js';
import { freePort, waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { type Program, startProgram, waitUntilReady } from '../harness/program.js';
import { postPush } from '../harness/push-request.js';
import { main, runBelfry } from '../harness/run-belfry.js';
import { temporaryFolder } from '../harness/xmpp-server.js';

const password = 'a-password';

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder('standalone');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

interface Address {
  readonly host: string;
  readonly port: number;
}

/** `belfry serve` in `folder`, without a configuration file, on ports that the system chose. */
interface Serving {
  readonly program: Program;
  readonly c2s: Address;
  readonly directTls: Address;
  readonly httpBase: string;
  /** How many lines the log has with that message. */
  count(message: string): number;
}

async function serve(env: Record<string, string> = {}): Promise<Serving> {
  const program = startProgram({
    command: process.execPath,
    args: [main, 'serve'],
    cwd: folder,
    env: {
      BELFRY_STANDALONE_C2S: '127.0.0.1:0',
      BELFRY_STANDALONE_C2S_DIRECT_TLS: '127.0.0.1:0',
      BELFRY_STANDALONE_S2S: 'false',
      BELFRY_HTTP_LISTEN: '127.0.0.1:0',
      BELFRY_LOG_FORMAT: 'json',
      ...env,
    },
  });
  onTestFinished(() => program.kill('SIGKILL'));
  const count = (text: string) => program.output().split(`"msg":"${text}"`).length - 1;
  await waitUntilReady('belfry', program, () => count('serving') === 1);
  const lines = linesOf(program);
  const listening = lines
    .filter(({ msg }) => msg === 'listening')
    .map(({ address }) => addressOf(String(address)));
  const [c2s, directTls] = listening;
  const http = lines.find(({ msg }) => msg === 'serving')?.['listen'];
  if (c2s === undefined || directTls === undefined) throw new Error(program.output());
  return { program, c2s, directTls, httpBase: `http://${http}`, count };
}

function linesOf(program: Program): Record<string, unknown>[] {
  return program
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

function addressOf(text: string): Address {
  const [host = '', port] = text.split(':');
  return { host, port: Number(port) };
}

async function addUser(jid: string): Promise<void> {
  await control('user.add', { jid, password });
}

async function control(command: string, args: Record<string, string>): Promise<void> {
  const client = await connectControl(join(folder, 'belfry-data', 'control.sock'));
  if (client === undefined) throw new Error('nobody listens on the control socket');
  await client.ask({ command, args }, () => {});
  client.close();
}

interface LogIn {
  readonly connect: Address;
  readonly jid: string;
  readonly certificate?: string;
  readonly onStanza?: (stanza: Element) => void;
}

async function logIn({ connect, jid, certificate, onStanza = () => {} }: LogIn): Promise<Client> {
  const client = await connectClient({
    ...{ connect, jid: Jid.parse(jid), password, onStanza },
    certificate: certificate ?? readFileSync(join(folder, 'belfry-data', 'tls.crt'), 'utf8'),
  });
  onTestFinished(() => client.close());
  return client;
}

const ping = (client: Client) =>
  client.request({ type: 'get', to: Jid.parse('localhost'), payload: el('ping', ns.ping) });

describe('serve without a configuration', () => {
  it('makes what it needs for its user alone, says so, and answers clients', async () => {
    const { program, c2s } = await serve();
    const lines = linesOf(program);
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'new database made' }));
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'certificate loaded', names: expect.arrayContaining(['localhost']) }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'to make an account',
        command: expect.stringMatching(/main\.\S+ user add you@localhost/),
      }),
    );
    const modeOf = (path: string) => statSync(join(folder, path)).mode & 0o777;
    expect(modeOf('belfry-data')).toBe(0o700);
    for (const name of ['belfry.sqlite', 'tls.key', 'control.sock']) {
      expect(modeOf(`belfry-data/${name}`)).toBe(0o600);
    }
    const answer = await openStream(c2s, 'localhost');
    expect(answer).toMatch(/<stream:stream [^>]*from='localhost'/);
    expect(answer).toMatch(/<starttls [^>]*><required\/><\/starttls>/);
    expect(answer).not.toContain('<mechanism>');
  });

  it('says at the second start that nothing had to be made', async () => {
    const first = await serve();
    await addUser('ana@localhost');
    await first.program.kill('SIGTERM');
    const second = await serve();
    expect(second.count('new database made')).toBe(0);
    expect(second.count('to make an account')).toBe(0);
  });

  it('refuses to share its data with a second one', async () => {
    await serve();
    await expect(serve()).rejects.toThrow('Another Belfry runs with this data_dir');
  });

  it('at SIGTERM tells its sessions, and ends with 0', async () => {
    const { program, c2s } = await serve();
    await addUser('ana@localhost');
    const client = await logIn({ connect: c2s, jid: 'ana@localhost/phone' });
    await program.kill('SIGTERM');
    expect(String(await client.closed)).toContain('system-shutdown');
    expect(program.exitCode).toBe(0);
    expect(linesOf(program).at(-1)).toMatchObject({ msg: 'stopped' });
  });

  it('pushes, and has WebSockets where XEP-0156 says', async () => {
    const { c2s, httpBase } = await serve();
    await addUser('ana@localhost');
    const received: string[] = [];
    const device = await startDistributor({
      connect: c2s,
      jid: Jid.parse('ana@localhost/phone'),
      password,
      certificate: readFileSync(join(folder, 'belfry-data', 'tls.crt'), 'utf8'),
      onPush: (payload) => received.push(payload.toString()),
    });
    onTestFinished(() => device.close());
    const { url } = await device.register(Jid.parse('localhost'));
    const endpoint = `${httpBase}${new URL(url).pathname}`;
    expect((await postPush(endpoint, Buffer.from('hello'))).status).toBe(201);
    expect(received).toEqual(['hello']);
    const meta = await fetch(`${httpBase}/.well-known/host-meta.json`);
    expect(await meta.json()).toMatchObject({
      links: [
        { rel: 'urn:xmpp:alt-connections:websocket', href: expect.stringMatching(/\/xmpp-websocket$/) },
      ],
    });
    expect(await openWebSocket(`${httpBase.replace('http', 'ws')}/xmpp-websocket`)).toMatch(
      /^<open [^>]*from='localhost'/,
    );
    const ended = device.closed;
    await control('user.remove', { jid: 'ana@localhost' });
    await ended;
    expect((await postPush(endpoint, Buffer.from('hello'))).status).not.toBe(201);
    expect(received).toEqual(['hello']);
  });

  it('has every message that it took, in order, after kill -9', async () => {
    const first = await serve();
    await addUser('ana@localhost');
    await addUser('bob@localhost');
    const ana = await logIn({ connect: first.c2s, jid: 'ana@localhost/phone' });
    const bodies = Array.from({ length: 100 }, (_, index) => `message ${index}`);
    for (const body of bodies)
      ana.send(message({ to: 'bob@localhost', type: 'chat' }, el('body', ns.client, {}, body)));
    // Stanzas of a client are worked on in order: what came before this answer is on disk.
    expect(await ping(ana)).toMatchObject({ kind: 'result' });
    await first.program.kill('SIGKILL');

    const second = await serve();
    const received: string[] = [];
    const bob = await logIn({
      connect: second.c2s,
      jid: 'bob@localhost/phone',
      onStanza: (stanza) =>
        received.push(...(stanza.name === 'message' ? [stanza.child('body')?.text() ?? ''] : [])),
    });
    bob.send(el('presence', ns.client));
    await waitFor('the messages', () => received.length >= bodies.length);
    expect(received).toEqual(bodies);
  });
});

describe('a push endpoint of the storage backend, at a subdomain', () => {
  it('is gone with its account, and a new account of that name does not get it back', async () => {
    const { c2s, httpBase } = await serve({
      BELFRY_UNIFIED_PUSH_BACKEND: 'storage',
      BELFRY_UNIFIED_PUSH_JID: 'push.localhost',
    });
    const start = async () => {
      await addUser('ana@localhost');
      const device = await startDistributor({
        connect: c2s,
        jid: Jid.parse('ana@localhost/phone'),
        password,
        certificate: readFileSync(join(folder, 'belfry-data', 'tls.crt'), 'utf8'),
        onPush: () => {},
      });
      onTestFinished(() => device.close());
      return device;
    };
    const device = await start();
    const { url } = await device.register(Jid.parse('push.localhost'));
    const endpoint = `${httpBase}${new URL(url).pathname}`;
    expect((await postPush(endpoint, Buffer.from('x'))).status).toBe(201);
    await control('user.remove', { jid: 'ana@localhost' });
    expect((await postPush(endpoint, Buffer.from('x'))).status).toBe(404);
    await start();
    expect((await postPush(endpoint, Buffer.from('x'))).status).toBe(404);
  });
});

describe('serve with a configuration', () => {
  /** Ports from the environment, all else from the file. */
  const configure = (registration: string) =>
    writeFile(join(folder, 'belfry.yaml'), JSON.stringify({ standalone: { registration } }));

  it('opens and closes registration at SIGHUP', async () => {
    await configure('closed');
    const { program, directTls, count } = await serve();
    const offersRegistration = async () =>
      (await openStream(directTls, 'localhost', true)).includes('<register');
    expect(await offersRegistration()).toBe(false);
    await configure('open');
    await hangUp(program, count);
    expect(await offersRegistration()).toBe(true);
    await configure('closed');
    await hangUp(program, count);
    expect(await offersRegistration()).toBe(false);
    expect(count('changed keys that need a restart')).toBe(0);
  });

  it('is found at work by the doctor', async () => {
    const [c2s, directTls, http] = [await freePort(), await freePort(), await freePort()];
    const [s2s, s2sDirectTls, components] = [await freePort(), await freePort(), await freePort()];
    const config = {
      standalone: {
        c2s: `127.0.0.1:${c2s}`,
        c2s_direct_tls: `127.0.0.1:${directTls}`,
        s2s: `127.0.0.1:${s2s}`,
        s2s_direct_tls: `127.0.0.1:${s2sDirectTls}`,
        components: { listen: `127.0.0.1:${components}`, secrets: { 'rooms.localhost': 'x' } },
      },
      http: { listen: `127.0.0.1:${http}`, public_url: `http://127.0.0.1:${http}` },
      log: { format: 'json' },
    };
    await writeFile(join(folder, 'belfry.yaml'), JSON.stringify(config));
    const program = startProgram({ command: process.execPath, args: [main, 'serve'], cwd: folder });
    onTestFinished(() => program.kill('SIGKILL'));
    await waitUntilReady('belfry', program, () => program.output().includes('"msg":"serving"'));
    const { status, out } = await runBelfry(['doctor'], { cwd: folder });
    expect(out).toMatch(/^ok {7}standalone\.c2s: .* answers clients of localhost$/m);
    expect(out).toMatch(/^ok {7}standalone\.c2s_direct_tls: .* answers clients of localhost$/m);
    expect(out).toMatch(/^ok {7}standalone\.s2s: .* answers servers that look for localhost$/m);
    expect(out).toMatch(/^ok {7}standalone\.s2s_direct_tls: .* answers servers that look for localhost$/m);
    expect(out).toMatch(/^ok {7}standalone\.components\.listen: .* answers the component rooms\.localhost$/m);
    expect(out).toMatch(/^ok {7}public URL: .* leads here$/m);
    expect(status).toBe(0);
  });
});

describeWithPeers('the certificate', { openssl: hasOpenssl }, () => {
  it('is read again at SIGHUP, and no session ends', async () => {
    const files = await makeCertificate(folder, 'localhost');
    const env = { BELFRY_STANDALONE_TLS_CERT: files.cert, BELFRY_STANDALONE_TLS_KEY: files.key };
    const { program, c2s, directTls, count } = await serve(env);
    const before = readFileSync(files.cert, 'utf8');
    await addUser('ana@localhost');
    const client = await logIn({ connect: c2s, jid: 'ana@localhost/phone', certificate: before });
    const first = await fingerprintOf(directTls);

    await makeCertificate(folder, 'localhost');
    await hangUp(program, count);
    expect(await fingerprintOf(directTls)).not.toBe(first);
    expect(await ping(client)).toMatchObject({ kind: 'result' });
    const after = readFileSync(files.cert, 'utf8');
    const newcomer = await logIn({ connect: c2s, jid: 'ana@localhost/desk', certificate: after });
    expect(await ping(newcomer)).toMatchObject({ kind: 'result' });

    const second = await fingerprintOf(directTls);
    await writeFile(files.cert, 'not a certificate');
    await hangUp(program, count);
    expect(count('certificate not loaded: the former one stays')).toBe(1);
    expect(await fingerprintOf(directTls)).toBe(second);
    expect(await ping(client)).toMatchObject({ kind: 'result' });
  });
});

async function hangUp(program: Program, count: (message: string) => number): Promise<void> {
  const before = count('configuration reloaded');
  process.kill(program.pid, 'SIGHUP');
  await waitFor('the reload', () => count('configuration reloaded') > before);
}

/** What a server says to a stream header, up to the end of its features. */
function openStream(address: Address, to: string, isDirectTls = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = isDirectTls
      ? connectTls({ ...address, rejectUnauthorized: false, ALPNProtocols: ['xmpp-client'] })
      : connectTcp(address);
    let text = '';
    socket.setEncoding('utf8');
    socket.once('error', reject);
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (!text.includes('</stream:features>')) return;
      socket.destroy();
      resolve(text);
    });
    socket.write(
      `<stream:stream xmlns='${ns.client}' xmlns:stream='${ns.streams}' to='${to}' version='1.0'>`,
    );
  });
}

function fingerprintOf(address: Address): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...address, rejectUnauthorized: false, ALPNProtocols: ['xmpp-client'] });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
  });
}

/** The first frame that the server sends to a client that opens its stream. */
function openWebSocket(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'xmpp');
    socket.once('error', reject);
    socket.once('open', () => socket.send(`<open xmlns='${ns.framing}' to='localhost' version='1.0'/>`));
    socket.once('message', (data: Buffer) => {
      resolve(data.toString());
      socket.terminate();
    });
  });
}
