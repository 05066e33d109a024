import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../tests/harness/net.js';
import { connectControl } from './client.js';
import { ControlError, type ControlHandlers, maxLineBytes } from './protocol.js';
import { type ControlServer, createControlServer } from './server.js';
import { socketAddress } from './socket-path.js';

let folder: string;
let path: string;
let failures: unknown[];
let server: ControlServer;
let gate: { opened: Promise<void>; open: () => void };

const manyItems = Array.from({ length: 20_000 }, (_, number) => `account-${number}@example.org`);

const handlers: ControlHandlers = {
  echo: async (args, write) => {
    for (const [name, value] of Object.entries(args)) await write(`${name}=${value}`);
  },
  many: async (_args, write) => {
    for (const item of manyItems) await write(item);
  },
  wait: async (_args, write) => {
    await write('begun');
    await gate.opened;
    await write('done');
  },
  refuse: () => Promise.reject(new ControlError('Not today.')),
  break: () => Promise.reject(new Error('a flaw with secrets')),
};

function createGate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const create = () =>
  createControlServer({ path, handlers, events: { handlerFailed: (event) => failures.push(event) } });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belfry-control-'));
  path = join(folder, 'data', 'control.sock');
  failures = [];
  gate = createGate();
  server = create();
  await server.start();
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** Items of the answer; rejects as the client does. */
async function ask(
  command: string,
  args: Record<string, string> = {},
  items: string[] = [],
): Promise<string[]> {
  const client = await connectControl(path);
  if (client === undefined) throw new Error('nobody listens');
  try {
    await client.ask({ command, args }, (item) => items.push(item));
  } finally {
    client.close();
  }
  return items;
}

/** Everything that comes for these bytes, to the end. */
async function say(text: string, { half = true } = {}): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true });
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  socket.on('end', () => socket.end()).on('error', () => {});
  if (half) socket.end(text);
  else socket.write(text);
  await once(socket, 'close');
  return answer;
}

describe('the control socket', () => {
  it('takes requests and streams answers', async () => {
    expect(await ask('echo', { jid: 'ana@example.org', password: 'a\n"b' })).toEqual([
      'jid=ana@example.org',
      'password=a\n"b',
    ]);
    expect(await ask('many')).toEqual(manyItems);
  });

  it('says why something was not done', async () => {
    await expect(ask('refuse')).rejects.toThrow(new ControlError('Not today.'));
    await expect(ask('bogus')).rejects.toThrow('does not know this command');
    await expect(ask('constructor')).rejects.toThrow('does not know this command');
    expect(failures).toEqual([]);
  });

  it('keeps the particulars of a flaw to the log', async () => {
    await expect(ask('break')).rejects.toThrow(new ControlError('The server failed; its log says why.'));
    expect(failures).toEqual([{ what: 'control', error: new Error('a flaw with secrets') }]);
  });

  it('is for this user alone', async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
  });

  it('answers one request of who has said all, and no more', async () => {
    const request = '{"command":"echo","args":{"a":"b"}}\n';
    expect(await say(request)).toBe('{"item":"a=b"}\n{"done":true}\n');
    expect(await say(request + request)).toBe('{"item":"a=b"}\n{"done":true}\n');
    expect(await say('hello\n')).toBe('{"failed":"This is no request."}\n');
    expect(await say('{"command":"echo"')).toBe('');
  });

  it('has a bound for a request', async () => {
    expect(await say('x'.repeat(maxLineBytes + 1), { half: false })).toContain('at most 16384 bytes');
  });

  it('is gone after a stop', async () => {
    await server.stop();
    await server.stop();
    expect(await connectControl(path)).toBeUndefined();
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('waits at a stop for who is being answered, and not for who asks nothing', async () => {
    const idle = connect(path);
    await once(idle, 'connect');
    const items: string[] = [];
    const answer = ask('wait', {}, items);
    await waitFor('the answer to begin', () => items.length > 0);
    const stopped = server.stop();
    gate.open();
    expect(await answer).toEqual(['begun', 'done']);
    await Promise.all([once(idle, 'close'), stopped]);
  });

  it('belongs to one server', async () => {
    await expect(create().start()).rejects.toThrow('Another Belfry runs with this data_dir');
    expect(await ask('echo')).toEqual([]);
  });
});

describe('where no server listens', () => {
  beforeEach(() => server.stop());

  it('a client finds none', async () => {
    expect(await connectControl(path)).toBeUndefined();
    expect(await connectControl(join(folder, 'absent', 'control.sock'))).toBeUndefined();
  });

  it('the socket of a server that was killed is replaced', async () => {
    await abandonSocket();
    expect(await connectControl(path)).toBeUndefined();
    await server.start();
    expect(await ask('echo')).toEqual([]);
  });

  it('what is no socket is left alone', async () => {
    await writeFile(path, 'mine');
    await expect(server.start()).rejects.toThrow('EADDRINUSE');
    expect((await stat(path)).size).toBe(4);
  });

  /** What a process leaves that had no time to clear up: a socket file without a listener. */
  async function abandonSocket(): Promise<void> {
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script, path]);
    expect((await stat(path)).isSocket()).toBe(true);
  }
});

describe('a client says', () => {
  beforeEach(() => server.stop());

  it.each([
    ['something else', 'hello\n', 'something else than an answer'],
    ['nothing', '', 'broke off before it had answered'],
    ['a part', '{"item":"a"}\n', 'broke off before it had answered'],
    ['no end', 'x'.repeat(maxLineBytes + 1), 'a line that is too long'],
  ])('what is wrong if the server answers with %s', async (_what, answer, message) => {
    const other = createServer((socket) => socket.end(answer));
    other.listen(path);
    await once(other, 'listening');
    await expect(ask('echo')).rejects.toThrow(message);
    other.close();
  });

  it("that the socket is another user's", async () => {
    await server.start();
    await chmod(path, 0);
    // No mode keeps root out, so root asks as somebody else.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      await expect(connectControl(path)).rejects.toThrow('belongs to another user');
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

describe('the path of the socket', () => {
  it('is what it is as long as it is short', () => {
    expect(socketAddress('/var/lib/belfry/control.sock', '/')).toBe('/var/lib/belfry/control.sock');
  });

  it('is taken from the working directory if it is too long', () => {
    const cwd = `/${'x'.repeat(120)}`;
    expect(socketAddress('data/control.sock', cwd)).toBe('data/control.sock');
  });

  it('is refused if that is too long too', () => {
    expect(() => socketAddress(`/${'x'.repeat(120)}/control.sock`, '/')).toThrow(
      /has 134 bytes; a system takes 103\. Choose a shorter data_dir\.$/,
    );
  });
});
