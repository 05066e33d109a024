import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answersOk } from '../harness/belfry.js';
import { FakeComponentServer } from '../harness/fake-component-server.js';
import { openRaw } from '../harness/http.js';
import { freePort, waitFor } from '../harness/net.js';
import { type Program, startProgram, waitUntilReady } from '../harness/program.js';
import { main } from '../harness/run-belfry.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belfry-cli-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function belfry(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('the program', () => {
  it('knows its version and its commands', () => {
    expect(belfry('--version')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    const { status, stdout } = belfry('--help');
    expect(status).toBe(0);
    for (const command of ['serve', 'config', 'doctor']) expect(stdout).toContain(`\n  ${command} `);
  });

  it('exits with 2 if the command line makes no sense', () => {
    for (const args of [[], ['frobnicate'], ['serve', '--colour'], ['config', 'check', '--config']]) {
      expect(belfry(...args)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/\S/) });
    }
  });

  it('checks a configuration', () => {
    writeFileSync(
      join(folder, 'good.yaml'),
      'host: component\ncomponent: { jid: push.example.org, secret: x }\n',
    );
    expect(belfry('config', 'check', '--config', 'good.yaml')).toEqual({
      status: 0,
      stdout: 'good.yaml is valid.\n',
      stderr: '',
    });
    writeFileSync(join(folder, 'belfry.yaml'), 'unified_push:\n  backend: pasteo\n');
    const line =
      'belfry.yaml:2:12: unified_push.backend: "pasteo" is not allowed; use one of paseto, storage, jwt\n';
    expect(belfry('config', 'check')).toEqual({ status: 1, stdout: '', stderr: line });
    expect(belfry('serve')).toEqual({ status: 1, stdout: '', stderr: line });
  });

  it('prints the schema, and does not mind if nobody reads it to its end', () => {
    const { status, stdout } = belfry('config', 'schema');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty('properties.component.properties.jid');
    const pipe = spawnSync('sh', ['-c', '"$0" "$1" config schema | true', process.execPath, main], {
      encoding: 'utf8',
    });
    expect(pipe.stderr).toBe('');
  });
});

describe('serve', () => {
  let server: FakeComponentServer;
  let port: number;
  let running: Program | undefined;

  beforeEach(async () => {
    server = new FakeComponentServer();
    await server.start();
    port = await freePort();
    configure();
  });

  afterEach(async () => {
    await running?.kill('SIGKILL');
    running = undefined;
    await server.stop();
  });

  function configure(unifiedPush: object = {}, logLevel = 'info'): void {
    const config = {
      host: 'component',
      component: { jid: server.domain, secret: server.secret, connect: `127.0.0.1:${server.port}` },
      http: { listen: `127.0.0.1:${port}` },
      unified_push: unifiedPush,
      log: { level: logLevel, format: 'json' },
    };
    writeFileSync(join(folder, 'belfry.yaml'), JSON.stringify(config));
  }

  async function start(): Promise<Program> {
    running = startProgram({ command: process.execPath, args: [main, 'serve'], cwd: folder });
    await waitUntilReady('belfry', running, () => answersOk(`http://127.0.0.1:${port}/readyz`));
    return running;
  }

  const end = (program: Program) => waitFor('the end', () => !program.isRunning, { timeout: 60_000 });

  it.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])('ends with 0 at %s, and closes its stream', async (name) => {
    const serving = await start();
    process.kill(serving.pid, name);
    await end(serving);
    expect(serving.exitCode).toBe(0);
    expect(server.current.text).toContain('</stream:stream>');
    expect(serving.output()).toContain('"msg":"stopped"');
  });

  it.each<[NodeJS.Signals, number]>([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ])('ends at once at a second %s, with %d', async (name, code) => {
    const serving = await start();
    const connection = await openRaw(port);
    connection.closed.catch(() => undefined);
    connection.socket.write('POST /push/x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf');
    await waitFor('the request to be under way', async () => (await inFlight(connection)) === '');
    process.kill(serving.pid, name);
    await waitFor('the drain', () => serving.output().includes('"msg":"stopping"'));
    expect(serving.isRunning).toBe(true);
    process.kill(serving.pid, name);
    await end(serving);
    expect(serving.exitCode).toBe(code);
  });

  async function inFlight(connection: { received(): string }): Promise<string> {
    // A whole request on another connection, answered after ours was taken.
    await (await fetch(`http://127.0.0.1:${port}/healthz`)).text();
    return connection.received();
  }

  it('applies a changed configuration at SIGHUP, and survives a wrong one', async () => {
    const serving = await start();
    const count = (text: string) => serving.output().split(text).length - 1;
    configure({ acl: ['example.net'], registration_ttl: '1 week' }, 'debug');
    process.kill(serving.pid, 'SIGHUP');
    await waitFor('the reload', () => count('"msg":"configuration reloaded"') === 1);
    expect(count('"msg":"changed keys that need a restart"')).toBe(1);
    expect(serving.output()).toContain('"keys":["unified_push.registration_ttl"]');
    writeFileSync(join(folder, 'belfry.yaml'), 'host: [');
    process.kill(serving.pid, 'SIGHUP');
    await waitFor(
      'the refusal',
      () => count('"msg":"configuration not reloaded: the former one stays"') === 1,
    );
    expect(count('"msg":"configuration reloaded"')).toBe(1);
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  });

  it('is asked by the doctor, which does not connect beside it', async () => {
    await start();
    const { status, stdout } = belfry('doctor');
    expect(stdout).toMatch(/^ok {7}component: the running Belfry is connected as push\.example\.org$/m);
    expect(stdout).toMatch(/^ok {7}public URL: .* leads here$/m);
    expect(status).toBe(0);
    expect(server.connections).toHaveLength(1);
  });
});
