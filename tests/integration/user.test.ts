import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { waitFor } from '../harness/net.js';
import { type RunResult, runBelfry } from '../harness/run-belfry.js';
import { available, connectPeer, type Peer } from '../harness/xmpp-peer.js';

const done = (line: string): RunResult => ({ status: 0, out: `${line}\n`, err: '' });
const failed = (line: string): RunResult => ({ status: 1, out: '', err: `belfry: ${line}\n` });

/** What is the same whether a server runs or not. */
function manageAccounts(user: (args: readonly string[], input?: string) => Promise<RunResult>): void {
  it('makes, lists and removes accounts', async () => {
    expect(await user(['add', 'Carol@Example.test'], 'a password\n')).toEqual(
      done('carol@example.test was created.'),
    );
    expect((await user(['list'])).out.split('\n')).toContain('carol@example.test');
    expect(await user(['passwd', 'carol@example.test'], 'another')).toEqual(
      done('carol@example.test has the new password.'),
    );
    expect(await user(['remove', 'carol@example.test'])).toEqual(done('carol@example.test was removed.'));
    expect((await user(['list'])).out).not.toContain('carol');
  });

  it.each([
    [['add', 'ana@example.test'], 'x\n', 'There is an account ana@example.test already.'],
    [['add', 'dan@example.test'], '\u00ad\n', 'The password is empty.'],
    [['remove', 'nobody@example.test'], '', 'There is no account nobody@example.test.'],
  ])('says what is wrong: %j', async (args, input, message) => {
    expect(await user(args, input)).toEqual(failed(message));
  });
}

/** Each sees the other's presence afterwards. */
async function befriend(...peers: readonly [Peer, Peer]): Promise<void> {
  for (const type of ['subscribe', 'subscribed']) {
    for (const [from, to] of [peers, peers.toReversed()]) {
      from?.send(el('presence', ns.client, { type, to: to?.jid.bare().toString() }));
      await from?.settle();
    }
  }
}

/** The roster: address → subscription. */
async function subscriptions({ client }: Peer): Promise<Record<string, string>> {
  const answer = await client.request({ type: 'get', payload: el('query', ns.roster) });
  if (answer.kind !== 'result') throw new Error(answer.kind);
  const items = answer.payload?.elements() ?? [];
  return Object.fromEntries(items.map((item) => [item.attr('jid') ?? '', item.attr('subscription') ?? '']));
}

describe('belfry user, where a server runs,', () => {
  let server: StandaloneServer;
  const user = (args: readonly string[], input = '') =>
    runBelfry(['user', ...args, '--config', server.configFile], { input });
  const logIn = (jid: string, password: string) =>
    connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, jid, password);

  beforeAll(async () => {
    server = await startStandalone({ accounts: { 'ana@example.test': 'password-of-ana' } });
  });
  afterAll(() => server?.stop());

  manageAccounts(user);

  it('gives a password that counts at once, and the former does not', async () => {
    expect(await user(['add', 'erin@example.test'], 'first\n')).toMatchObject({ status: 0, err: '' });
    const before = await logIn('erin@example.test/phone', 'first');
    expect(await user(['passwd', 'erin@example.test'], 'second\n')).toMatchObject({ status: 0, err: '' });
    await expect(logIn('erin@example.test', 'first')).rejects.toThrow('not-authorized');
    const after = await logIn('erin@example.test/desk', 'second');
    await before.settle();
    await Promise.all([before.close(), after.close()]);
  });

  it('ends the sessions of an account that is removed, and lets nobody in', async () => {
    expect(await user(['add', 'frank@example.test'], 'first\n')).toMatchObject({ status: 0, err: '' });
    const session = await logIn('frank@example.test/phone', 'first');
    session.send(available());
    await session.settle();
    expect(await user(['remove', 'frank@example.test'])).toMatchObject({ status: 0, err: '' });
    expect(await session.client.closed).toMatchObject({ condition: 'not-authorized' });
    await expect(logIn('frank@example.test', 'first')).rejects.toThrow('not-authorized');
  });

  it('keeps passwords out of the log', async () => {
    expect(await user(['add', 'grace@example.test'], 'a-secret-of-grace\n')).toMatchObject({
      status: 0,
      err: '',
    });
    // The command has its answer before the server has written the line, or that was read.
    await waitFor('the line', () => server.log().includes('grace@example.test'));
    expect(server.log()).not.toContain('secret-of-grace');
  });
});

describe('belfry user, where no server runs,', () => {
  let server: StandaloneServer;
  const user = (args: readonly string[], input = '') =>
    runBelfry(['user', ...args, '--config', server.configFile], { input });

  beforeAll(async () => {
    server = await startStandalone({ accounts: { 'ana@example.test': 'password-of-ana' } });
    // The socket stays behind, as after a crash.
    await server.kill('SIGKILL');
  });
  afterAll(() => server?.stop());

  const logIn = (jid: string, password: string) =>
    connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, jid, password);

  manageAccounts(user);

  it('makes accounts that the server has when it starts', async () => {
    expect(await user(['add', 'erin@example.test'], 'first\n')).toMatchObject({ status: 0, err: '' });
    await server.restart();
    await (await logIn('erin@example.test', 'first')).close();
    await server.kill('SIGKILL');
  });

  it('leaves nothing of a removed account with its contacts, for whoever gets its name', async () => {
    expect(await user(['add', 'frank@example.test'], 'first\n')).toMatchObject({ status: 0, err: '' });
    await server.restart();
    const [ana, frank] = [
      await logIn('ana@example.test/desk', 'password-of-ana'),
      await logIn('frank@example.test/desk', 'first'),
    ];
    await befriend(ana, frank);
    expect(await subscriptions(ana)).toEqual({ 'frank@example.test': 'both' });
    await Promise.all([ana.close(), frank.close()]);
    await server.kill('SIGKILL');

    expect(await user(['remove', 'frank@example.test'])).toMatchObject({ status: 0, err: '' });
    await server.restart();
    const again = await logIn('ana@example.test/desk', 'password-of-ana');
    expect(await subscriptions(again)).toEqual({ 'frank@example.test': 'none' });
    await expect(logIn('frank@example.test', 'first')).rejects.toThrow('not-authorized');
    await again.close();
    await server.kill('SIGKILL');
  });
});

describe('belfry user', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'belfry-user-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('works before the first start of a server, and without configuration', async () => {
    const cwd = folder;
    expect(await runBelfry(['user', 'list'], { cwd })).toEqual({ status: 0, out: '', err: '' });
    const add = ['user', 'add', 'you@localhost'];
    expect(await runBelfry(add, { cwd, input: 'secret\n' })).toEqual(done('you@localhost was created.'));
    expect(await runBelfry(['user', 'list'], { cwd })).toEqual(done('you@localhost'));
  });

  it('sends operators of a component to their XMPP server', async () => {
    await writeFile(
      join(folder, 'belfry.yaml'),
      'host: component\ncomponent: { jid: push.example.org, secret: x }\n',
    );
    const message =
      'Accounts live on the XMPP server that Belfry is a component of (host: component): manage them there.';
    for (const args of [['list'], ['add', 'ana@push.example.org']]) {
      expect(await runBelfry(['user', ...args], { cwd: folder, input: 'x\n' })).toEqual(failed(message));
    }
  });
});
