import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeComponentServer } from '../../tests/harness/fake-component-server.js';
import { freePort } from '../../tests/harness/net.js';
import { run } from './program.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belfry-cli-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Result {
  readonly code: number;
  readonly out: string[];
  readonly err: string[];
}

async function belfry(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    load: { env, cwd: folder },
    readNewPassword: async () => '',
    watchSignals: async () => 'SIGTERM',
  });
  return { code, out, err };
}

describe('the command line', () => {
  it.each([
    [[]],
    [['bogus']],
    [['serve', '--bogus']],
    [['config', 'bogus']],
    [['serve', '--config']],
    [['user']],
    [['user', 'add']],
    [['user', 'bogus']],
    [['user', 'list', '--bogus']],
    [['push']],
    [['push', 'ping']],
    [['push', 'pong', 'ana@localhost']],
    [['demo', '--twice']],
  ])('is refused with 2 and help on standard error: %j', async (args) => {
    const { code, out, err } = await belfry(args);
    expect(code).toBe(2);
    expect(out).toEqual([]);
    expect(err).not.toEqual([]);
  });

  it.each([['--help'], ['--version'], ['help']])('answers %s', async (arg) => {
    const { code, out, err } = await belfry([arg]);
    expect(code).toBe(0);
    expect(out.join('\n')).toMatch(arg === '--version' ? /^\d+\.\d+\.\d+/ : /Usage: belfry/);
    expect(err).toEqual([]);
  });
});

describe('config check', () => {
  it('says that a configuration is valid', async () => {
    writeFileSync(
      join(folder, 'belfry.yaml'),
      'host: component\ncomponent: { jid: push.example.org, secret: x }\n',
    );
    expect(await belfry(['config', 'check'])).toEqual({ code: 0, out: ['belfry.yaml is valid.'], err: [] });
  });

  it('says each mistake on a line, and fails', async () => {
    writeFileSync(join(folder, 'other.yaml'), 'host: componnt\nlogg: 1\n');
    expect(await belfry(['config', 'check', '--config', 'other.yaml'])).toEqual({
      code: 1,
      out: [],
      err: [
        'other.yaml:1:7: host: "componnt" is not allowed; use one of standalone, component',
        'other.yaml:2:1: logg: is no key; did you mean log?',
      ],
    });
  });

  it('takes no configuration at all, which is a server of its own', async () => {
    expect(await belfry(['config', 'check'])).toEqual({
      code: 0,
      out: ['The configuration from environment and defaults is valid.'],
      err: [],
    });
  });
});

describe('user', () => {
  it.each([
    ['dan@elsewhere.org', 'dan@elsewhere.org is not an account here: the domain is localhost.'],
    ['dan', 'dan is no account: an account is written like ana@localhost.'],
    [
      'dan@localhost/x',
      'dan@localhost/x has a resource at its end: an account is written like ana@localhost.',
    ],
    ['d an@localhost', '"d an@localhost" is no address: the localpart holds U+0020, which is not allowed.'],
  ])('does not ask for a password of what is no account: %s', async (jid, message) => {
    expect(await belfry(['user', 'add', jid])).toEqual({ code: 1, out: [], err: [`belfry: ${message}`] });
  });
});

describe('push', () => {
  it.each([
    ['no address', '@', /^belfry: "@" is no address: /],
    ['an account elsewhere', 'ana@elsewhere.org', /the domain is localhost\.$/],
    ['no server that runs', 'ana@localhost', /^belfry: No Belfry runs with the data_dir .*: start it/],
  ])('says that there is %s', async (_what, jid, message) => {
    for (const action of ['ping', 'list']) {
      expect(await belfry(['push', action, jid])).toEqual({
        code: 1,
        out: [],
        err: [expect.stringMatching(message)],
      });
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is nothing for a component, whose XMPP server tells devices', async () => {
    const env = {
      BELFRY_HOST: 'component',
      BELFRY_COMPONENT_JID: 'push.example.org',
      BELFRY_COMPONENT_SECRET: 'x',
    };
    const { code, err } = await belfry(['push', 'list', 'ana@example.org'], env);
    expect(code).toBe(1);
    expect(err).toEqual([expect.stringMatching(/^belfry: Accounts live on the XMPP server/)]);
  });
});

describe('config schema', () => {
  it('prints JSON', async () => {
    const { code, out } = await belfry(['config', 'schema']);
    expect(code).toBe(0);
    expect(JSON.parse(out.join('\n'))).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
    });
  });
});

describe('doctor', () => {
  async function environment(server: FakeComponentServer) {
    const port = await freePort();
    const env = {
      BELFRY_HOST: 'component',
      BELFRY_COMPONENT_JID: 'push.example.org',
      BELFRY_COMPONENT_SECRET: 's3cret',
      BELFRY_COMPONENT_CONNECT: `127.0.0.1:${server.port}`,
      BELFRY_HTTP_LISTEN: `127.0.0.1:${port}`,
      BELFRY_HTTP_PUBLIC_URL: `http://127.0.0.1:${port}/up`,
    };
    return { port, env };
  }

  const statuses = (out: readonly string[]) =>
    out.map((line) => line.replace(/^(\w+) +([\w. ]+): .*$/, '$1 $2'));

  it('looks at everything where no Belfry runs, and leaves nothing behind', async () => {
    const server = new FakeComponentServer();
    await server.start();
    const { env, port } = await environment(server);
    const { code, out } = await belfry(['doctor'], env);
    expect(statuses(out)).toEqual([
      'ok configuration',
      'ok storage',
      'ok component',
      'ok gateway',
      'ok web push',
      'ok public URL',
      'warning TLS',
      'warning clock',
    ]);
    expect(code).toBe(0);
    const again = createServer();
    await new Promise<void>((resolve) => again.listen(port, '127.0.0.1', resolve));
    again.close();
    await server.stop();
  });

  it('looks at the doors of a standalone server, and makes nothing', async () => {
    const [port, direct, http] = [await freePort(), await freePort(), await freePort()];
    const [s2s, s2sDirect, components] = [await freePort(), await freePort(), await freePort()];
    const { code, out } = await belfry(['doctor'], {
      BELFRY_STANDALONE_C2S: `127.0.0.1:${port}`,
      BELFRY_STANDALONE_C2S_DIRECT_TLS: `127.0.0.1:${direct}`,
      BELFRY_STANDALONE_S2S: `127.0.0.1:${s2s}`,
      BELFRY_STANDALONE_S2S_DIRECT_TLS: `127.0.0.1:${s2sDirect}`,
      BELFRY_STANDALONE_COMPONENTS_LISTEN: `127.0.0.1:${components}`,
      BELFRY_STANDALONE_COMPONENTS_SECRETS: 'push.example.org=x',
      BELFRY_HTTP_LISTEN: `127.0.0.1:${http}`,
    });
    expect(statuses(out)).toEqual([
      'ok configuration',
      'ok storage',
      'ok standalone.c2s',
      'ok standalone.c2s_direct_tls',
      'ok standalone.s2s',
      'ok standalone.s2s_direct_tls',
      'ok standalone.components.listen',
      'ok certificate',
      'ok gateway',
      'warning web push',
      'ok public URL',
      'warning TLS',
      'warning clock',
    ]);
    expect(code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('warns where strangers may come in', async () => {
    const { out } = await belfry(['doctor'], {
      BELFRY_STANDALONE_C2S: `0.0.0.0:${await freePort()}`,
      BELFRY_STANDALONE_C2S_DIRECT_TLS: 'false',
      BELFRY_STANDALONE_S2S: 'false',
      BELFRY_STANDALONE_COMPONENTS_LISTEN: `0.0.0.0:${await freePort()}`,
      BELFRY_STANDALONE_COMPONENTS_SECRETS: 'push.example.org=x',
      BELFRY_STANDALONE_REQUIRE_ENCRYPTION: 'false',
      BELFRY_STANDALONE_REGISTRATION: 'open',
      BELFRY_HTTP_LISTEN: `127.0.0.1:${await freePort()}`,
    });
    expect(out[1]).toMatch(/^warning {2}configuration: standalone\.require_encryption is false/);
    expect(out[2]).toMatch(/^warning {2}configuration: standalone\.registration is open/);
    expect(out[3]).toMatch(/^warning {2}configuration: standalone\.components\.listen is open to other/);
  });

  it('fails if anything fails, and still looks at the rest', async () => {
    const server = new FakeComponentServer({ secret: 'another' });
    await server.start();
    const { env, port } = await environment(server);
    const stranger = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
    const { code, out } = await belfry(['doctor'], env);
    expect(statuses(out)).toEqual([
      'ok configuration',
      'ok storage',
      'failed component',
      'ok gateway',
      'ok web push',
      'failed http.listen',
      'warning TLS',
      'warning clock',
    ]);
    expect(code).toBe(1);
    stranger.close();
    await server.stop();
  });

  it('warns where nobody may register and where a secret is short', async () => {
    const server = new FakeComponentServer();
    await server.start();
    const { env } = await environment(server);
    const jwt = { BELFRY_UNIFIED_PUSH_BACKEND: 'jwt', BELFRY_UNIFIED_PUSH_SECRET: 'x'.repeat(16) };
    const { code, out } = await belfry(['doctor'], { ...env, ...jwt });
    expect(code).toBe(0);
    expect(out[1]).toMatch(/^warning {2}configuration: unified_push\.secret is shorter than the 32 bytes/);
    await server.stop();
  });
});

describe('serve', () => {
  it('fails in one sentence if its address is taken', async () => {
    const port = await freePort();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    const { code, err } = await belfry(['serve'], {
      BELFRY_HOST: 'component',
      BELFRY_COMPONENT_JID: 'push.example.org',
      BELFRY_COMPONENT_SECRET: 'x',
      BELFRY_COMPONENT_CONNECT: `127.0.0.1:${await freePort()}`,
      BELFRY_HTTP_LISTEN: `127.0.0.1:${port}`,
      BELFRY_LOG_LEVEL: 'silent',
    });
    expect(code).toBe(1);
    expect(err).toEqual([expect.stringMatching(/^belfry: .*EADDRINUSE.*change http\.listen\.$/)]);
    other.close();
  });

  it('names the setting of the listener whose address is taken, and closes the others', async () => {
    const [c2s, http] = [await freePort(), await freePort()];
    const taken = await freePort();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(taken, '127.0.0.1', resolve));
    const { code, err } = await belfry(['serve'], {
      BELFRY_STANDALONE_C2S: `127.0.0.1:${c2s}`,
      BELFRY_STANDALONE_C2S_DIRECT_TLS: `127.0.0.1:${taken}`,
      BELFRY_STANDALONE_S2S: 'false',
      BELFRY_HTTP_LISTEN: `127.0.0.1:${http}`,
      BELFRY_LOG_LEVEL: 'silent',
    });
    expect(code).toBe(1);
    expect(err).toEqual([
      expect.stringMatching(/^belfry: .*EADDRINUSE.*: stop it, or change standalone\.c2s_direct_tls\.$/),
    ]);
    const again = createServer();
    await new Promise<void>((resolve) => again.listen(c2s, '127.0.0.1', resolve));
    again.close();
    other.close();
  });

  it('starts as an XMPP server without a configuration, and stops with 0', async () => {
    const { code, err } = await belfry(['serve'], {
      BELFRY_STANDALONE_C2S: '127.0.0.1:0',
      BELFRY_STANDALONE_C2S_DIRECT_TLS: '127.0.0.1:0',
      BELFRY_STANDALONE_S2S: 'false',
      BELFRY_HTTP_LISTEN: '127.0.0.1:0',
      BELFRY_LOG_LEVEL: 'silent',
    });
    expect({ code, err }).toEqual({ code: 0, err: [] });
    expect(readdirSync(join(folder, 'belfry-data')).sort()).toEqual(['belfry.sqlite', 'tls.crt', 'tls.key']);
  });
});
