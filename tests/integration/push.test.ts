import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { AppServer } from '../harness/app-server.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { Phone } from '../harness/cloud-notify/phone.js';
import { waitFor } from '../harness/net.js';
import { type RunResult, runBelfry } from '../harness/run-belfry.js';
import { connectPeer, type Peer } from '../harness/xmpp-peer.js';

const domain = 'example.test';
const password = 'a password';
const ana = `ana@${domain}`;
const bo = `bo@${domain}`;
const pushJid = `push.${domain}`;
const secret = 'secret of the component';
const accounts = { [ana]: password, [bo]: password };

let server: StandaloneServer;
let appServer: AppServer;

beforeAll(async () => {
  server = await startStandalone({ accounts, components: { [pushJid]: secret } });
  appServer = new AppServer({ jid: pushJid, secret, port: server.componentPort });
  await appServer.start();
});

afterAll(async () => {
  await appServer?.stop();
  await server?.stop();
});

const belfry = (args: readonly string[], input = '') =>
  runBelfry([...args, '--config', server.configFile], { input });
const push = (action: 'list' | 'ping', jid: string) => belfry(['push', action, jid]);
const failed = (line: string): RunResult => ({ status: 1, out: '', err: `belfry: ${line}\n` });

async function logIn(jid: string): Promise<Peer> {
  const peer = await connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, jid, password);
  onTestFinished(() => peer.close());
  return peer;
}

async function request({ client }: Peer, name: 'enable' | 'disable', node: string): Promise<void> {
  const options = el(
    'x',
    ns.dataForms,
    { type: 'submit' },
    el('field', ns.dataForms, { var: 'secret' }, el('value', ns.dataForms, {}, `secret-of-${node}`)),
  );
  const payload = el(name, ns.push, { jid: pushJid, node }, ...(name === 'enable' ? [options] : []));
  expect((await client.request({ type: 'set', payload })).kind).toBe('result');
}

/** A device that has enabled notifications and is not connected any more. */
async function addDevice(jid: string, node: string): Promise<void> {
  const peer = await logIn(jid);
  await request(peer, 'enable', node);
  await peer.close();
}

async function removeDevice(jid: string, node: string): Promise<void> {
  const peer = await logIn(jid);
  await request(peer, 'disable', node);
  await peer.close();
}

/** Changes keys of `cloud_notify`, and has the configuration read again. */
async function reload(keys: Readonly<Record<string, unknown>>): Promise<void> {
  const config: Record<string, object> = JSON.parse(await readFile(server.configFile, 'utf8'));
  config['cloud_notify'] = { ...config['cloud_notify'], ...keys };
  await writeFile(server.configFile, JSON.stringify(config));
  const count = () => server.log().split('"msg":"configuration reloaded"').length;
  const before = count();
  process.kill(server.pid, 'SIGHUP');
  await waitFor('the configuration to be read', () => count() > before);
}

async function say(body: string): Promise<void> {
  const peer = await logIn(`${bo}/desk`);
  peer.send(message({ to: ana, type: 'chat' }, el('body', ns.client, {}, body)));
  await peer.settle();
  await peer.close();
}

describe('belfry push, where a server runs,', () => {
  it('lists the devices of an account, and nothing secret of them', async () => {
    await addDevice(`${ana}/phone`, 'n-phone');
    await addDevice(`${ana}/tablet`, 'n-tablet');
    const { status, out, err } = await push('list', ana);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const line = (client: string) =>
      `${client} \\(cloud-notify, ${pushJid}\\): enabled \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\n`;
    expect(out).toMatch(new RegExp(`^${line('phone')}${line('tablet')}$`));
    expect(out + server.log()).not.toMatch(/n-phone|secret-of/);
  });

  it('tells each of them something, and says how that went', async () => {
    appServer.answerWith('n-tablet', new StanzaError('item-not-found'));
    const before = appServer.to('n-phone').length;
    const { status, out, err } = await push('ping', ana);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out.trimEnd().split('\n').toSorted()).toEqual([
      `phone (cloud-notify, ${pushJid}): delivered`,
      `tablet (cloud-notify, ${pushJid}): rejected: item-not-found`,
    ]);
    expect(appServer.to('n-phone').length).toBe(before + 1);
    expect(appServer.to('n-phone').at(-1)?.from).toBe(domain);
  });

  it('fails if none could be told', async () => {
    await removeDevice(`${ana}/tablet`, 'n-tablet');
    appServer.answerWith('n-phone', new StanzaError('forbidden'));
    expect(await push('ping', ana)).toEqual({
      status: 1,
      out: `phone (cloud-notify, ${pushJid}): rejected: forbidden\n`,
      err: `belfry: No device of ${ana} could be told.\n`,
    });
  });

  it('says that an account has no devices, and that there is no account', async () => {
    for (const action of ['list', 'ping'] as const) {
      expect(await push(action, bo)).toEqual(failed(`No device of ${bo} has enabled notifications.`));
      const nobody = `nobody@${domain}`;
      expect(await push(action, nobody)).toEqual(failed(`There is no account ${nobody}.`));
    }
  });

  it('forgets the devices of an account that is removed', async () => {
    const carol = `carol@${domain}`;
    const add = () => belfry(['user', 'add', carol], `${password}\n`);
    expect(await add()).toMatchObject({ status: 0 });
    await addDevice(`${carol}/phone`, 'n-carol');
    expect(await belfry(['user', 'remove', carol])).toMatchObject({ status: 0 });
    expect(await add()).toMatchObject({ status: 0 });
    expect(await push('list', carol)).toEqual(failed(`No device of ${carol} has enabled notifications.`));
  });
});

describe('SIGHUP applies to what devices are told', () => {
  it('whether they are told the text and the sender', async () => {
    await addDevice(`${ana}/phone`, 'n-phone');
    const count = appServer.to('n-phone').length;
    await say('Ms. Quist');
    const before = await appServer.next('n-phone', count);
    expect(before.summary['last-message-body']).toBe('New Message!');
    expect(before.raw).not.toMatch(/Quist|desk/);
    await reload({ with_body: true, with_sender: true });
    await say('Ms. Quirke');
    const after = await appServer.next('n-phone', count + 1);
    expect(after.summary).toMatchObject({
      'last-message-body': 'Ms. Quirke',
      'last-message-sender': `${bo}/desk`,
    });
    await reload({ with_body: false, with_sender: false, important_body: 'Post!' });
    await say('Ms. Quayle');
    const last = await appServer.next('n-phone', count + 2);
    expect(last.summary['last-message-body']).toBe('Post!');
    expect(last.raw).not.toMatch(/Quayle|desk/);
  });
});

describe('a server that stops', () => {
  it('tells first what it was still collecting', async () => {
    await reload({ collection_time: '1 minute' });
    await addDevice(`${ana}/phone`, 'n-phone');
    const count = appServer.to('n-phone').length;
    await say('one');
    await say('two');
    expect(appServer.to('n-phone').length).toBe(count);
    await server.kill('SIGTERM');
    expect(appServer.to('n-phone').length).toBe(count + 1);
    expect(appServer.to('n-phone').at(-1)?.summary['message-count']).toBe('2');
    await server.restart();
    await appServer.attached();
  });

  it('tells first of what was sent to a client that is silent', async () => {
    const phone = await Phone.logIn({ port: server.c2sPort, jid: `${ana}/phone`, password });
    onTestFinished(() => phone.close());
    await phone.enable(pushJid, 'n-phone');
    const count = appServer.to('n-phone').length;
    await phone.settle();
    phone.fallSilent();
    await say('three');
    await waitFor('the message to come', () => phone.bodies.includes('three'));
    // A client that is awake answers within a second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(appServer.to('n-phone').length).toBe(count);
    await server.kill('SIGTERM');
    expect(appServer.to('n-phone').length).toBe(count + 1);
    await server.restart();
    await appServer.attached();
  });
});

describe('belfry push, where no server runs,', () => {
  beforeAll(() => server.kill('SIGKILL'));

  it('says so', async () => {
    for (const action of ['list', 'ping'] as const) {
      const { status, out, err } = await push(action, ana);
      expect({ status, out }).toEqual({ status: 1, out: '' });
      expect(err).toMatch(/^belfry: No Belfry runs with the data_dir .+: start it with belfry serve\.\n$/);
    }
  });

  it('is not needed for the devices of a removed account to go with it', async () => {
    expect(await belfry(['user', 'remove', ana])).toMatchObject({ status: 0 });
    expect(await belfry(['user', 'add', ana], `${password}\n`)).toMatchObject({ status: 0 });
    await server.restart();
    expect(await push('list', ana)).toEqual(failed(`No device of ${ana} has enabled notifications.`));
  });
});
