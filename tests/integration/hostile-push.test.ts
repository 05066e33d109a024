import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { AppServer } from '../harness/app-server.js';
import { ask, domain, useHostileServer } from '../harness/hostile.js';
import { metricsOf } from '../harness/metrics.js';
import { freePort, waitFor } from '../harness/net.js';

const pushJid = `push.${domain}`;
const otherJid = `other.${domain}`;
const secret = 'secret of the components';
const port = await freePort();
const hostile = useHostileServer({
  components: { listen: `127.0.0.1:${port}`, secrets: { [pushJid]: secret, [otherJid]: secret } },
});
const appServer = new AppServer({ jid: pushJid, secret, port });
const other = new AppServer({ jid: otherJid, secret, port });

beforeAll(async () => {
  await appServer.start();
  await other.start();
});
afterAll(async () => {
  await appServer.stop();
  await other.stop();
});

const enable = (id: string, attrs: string, inner = '') =>
  `<iq type='set' id='${id}'><enable xmlns='${ns.push}' ${attrs}>${inner}</enable></iq>`;
const at = (node: string) => `jid='${pushJid}' node='${node}'`;
const muted = (items: string) => `<muted xmlns='${ns.pushMuted}'>${items}</muted>`;
const rooms = (items: string) => `<groupchat xmlns='${ns.pushRooms}'>${items}</groupchat>`;
const form = (inner: string) => `<x xmlns='${ns.dataForms}'>${inner}</x>`;
/** Takes ever longer to be put into NFC, the more of them there are. */
const marks = (count: number) => '\u0345\u0301\u0316\u0334'.repeat(count / 4);

/** Enables, and goes: what comes is to be told. */
async function sleepingDevice(user: string, attrs: string, inner = ''): Promise<void> {
  const client = await hostile.logIn(user, 'phone');
  expect(await ask(client, 'e', enable('e', attrs, inner))).toBe('result');
  await client.write('</stream:stream>').closed();
}

function say(user: string, body: string): void {
  const text = el('body', ns.client, {}, body);
  hostile.bystanders.ana.send(message({ to: `${user}@${domain}`, type: 'chat' }, text));
}

/** A component that speaks for others is cut off; it comes back. */
async function forge(node: string, account: string, from: string): Promise<void> {
  const connections = () => hostile.server.log().split('"msg":"component connected"').length;
  const before = connections();
  other.disable(node, account, from);
  await waitFor('the forger to be cut off', () => connections() > before);
  await other.attached();
}

describe('who enables what nobody should', () => {
  it.each([
    ['options without end', form('<a/>'.repeat(9_000)), 'policy-violation'],
    ['too many muted people', muted("<item jid='ä@example.net'/>".repeat(6_000)), 'policy-violation'],
    ['people of nothing but marks', muted(`<item jid='a${marks(4_000)}@b'/>`.repeat(7)), 'result'],
    ['rooms by names that objects have', rooms("<room jid='__proto__' allow='never'/>"), 'result'],
    ['a rule that is none', rooms("<room jid='constructor' allow='constructor'/>"), 'bad-request'],
    ['a nick that is a pattern', rooms("<room jid='a@b' allow='mentioned' nick='(a+)+$'/>"), 'result'],
  ])('asks for %s', async (_, inner, answer) => {
    const client = await hostile.logIn('mallory1');
    expect(await ask(client, 'e', enable('e', at('n'), inner))).toBe(answer);
    client.socket.destroy();
  });

  it('may choose options by names that objects have: the push service gets them as they are', async () => {
    const options = `<field var='__proto__'><value>__proto__</value></field><constructor xmlns='__proto__'/>`;
    await sleepingDevice('mallory2', at('n-proto'), form(options));
    say('mallory2', 'hello');
    const { options: form_ } = await appServer.next('n-proto', 0);
    expect(form_?.child('field')?.attr('var')).toBe('__proto__');
    expect(form_?.child('constructor', '__proto__')).toBeDefined();
  });

  it('over and over, at other addresses, is stopped after a hundred', async () => {
    const client = await hostile.logIn('mallory3');
    const wishes = Array.from({ length: 400 }, (_, number) => enable(`e${number}`, at(`n-${number}`)));
    client.write(wishes.join(''));
    await waitFor('answers', () => client.text.includes("id='e399'"), { timeout: 60_000 });
    const text = client.take();
    expect(text.split("type='result'")).toHaveLength(101);
    expect(text.split('<resource-constraint')).toHaveLength(301);
    expect(await ask(client, 'again', enable('again', at('n-99')))).toBe('result');
    const lines = hostile.server.log().split('\n');
    const enabled = lines.filter((line) => line.includes('device enabled') && line.includes('mallory3@'));
    expect(enabled).toHaveLength(100);
    client.socket.destroy();
  });

  it('at whatever address, learns nothing and stops nothing', async () => {
    const sender = await hostile.logIn('mallory4', 'sender');
    const victims = [
      `bob@${domain}`,
      `bob@${domain}/desk`,
      domain,
      `nobody@${domain}`,
      'nowhere.invalid',
      '127.0.0.1',
    ];
    for (const jid of victims) {
      await sleepingDevice('mallory5', `jid='${jid}' node='x'`);
      sender.write(
        `<message to='mallory5@${domain}' type='chat'><propose xmlns='${ns.callSignals}' id='c'/></message>`,
      );
      expect(
        await ask(sender, 'p', `<iq type='get' id='p' to='${domain}'><ping xmlns='${ns.ping}'/></iq>`),
      ).toBe('result');
    }
    await hostile.talk();
    expect(sender.text).not.toMatch(/<message|<error|<presence/);
    sender.socket.destroy();
  });
});

describe('who speaks for push services', () => {
  it('ends nothing that is not at his own address', async () => {
    await sleepingDevice('mallory6', at('n-kept'));
    const account = `mallory6@${domain}`;
    other.disable('n-kept', account);
    appServer.disable('n-kept', account, `push@${pushJid}`);
    appServer.disable('n-kept', account, `${pushJid}/x`);
    appServer.disable('n-else', account);
    for (const each of [other, appServer]) await each.settle(domain);
    for (const from of [pushJid, `push.${otherJid}`]) await forge('n-kept', account, from);
    say('mallory6', 'still?');
    await appServer.next('n-kept', 0);
    appServer.disable('n-kept', account);
    await waitFor('the device to be gone', () =>
      hostile.server
        .log()
        .includes(`"jid":"${account}","channel":"cloud-notify","service":"${pushJid}","why":"service"`),
    );
  });

  it('may flood an account with notices, and others talk on', async () => {
    const affiliation = el('affiliation', ns.pubsub, { jid: `mallory6@${domain}`, affiliation: 'none' });
    const many = Array.from({ length: 2_000 }, () => affiliation);
    for (let count = 0; count < 50; count++) {
      const notice = el('pubsub', ns.pubsub, { node: 'n' }, ...many);
      other.send(message({ from: otherJid, to: `mallory6@${domain}` }, notice));
    }
    await hostile.talk();
    await other.settle(domain);
  });
});

describe('what a room says', () => {
  it.each([
    ['almost the nick, everywhere', `${'a'.repeat(900)}b${'a'.repeat(900)}`, 'a'.repeat(250_000)],
    ['a nick longer than patterns may be', `${'a'.repeat(55_000)}b`, 'a'.repeat(250_000)],
    ['nothing but marks', 'ana', `a${marks(120_000)}`],
  ])('keeps nobody waiting that is not mentioned: %s', async (_, nick, body) => {
    const rule = rooms(`<room jid='tea@${otherJid}' allow='mentioned' nick='${nick}'/>`);
    await sleepingDevice('mallory7', at('n-room'), rule);
    const told = appServer.to('n-room').length;
    const said = el('body', ns.client, {}, body);
    const to = `mallory7@${domain}/phone`;
    for (let count = 0; count < 5; count++) {
      other.send(message({ from: `tea@${otherJid}/ben`, to, type: 'groupchat' }, said));
    }
    await other.settle(domain);
    await hostile.talk();
    other.send(
      message({ from: `tea@${otherJid}/ben`, to, type: 'groupchat' }, el('body', ns.client, {}, nick)),
    );
    await appServer.next('n-room', told);
    expect(hostile.server.log()).not.toContain('handler failed');
  });
});

describe('the log and the metrics', () => {
  it('have nothing of all that which is secret', async () => {
    const known = hostile.server.log() + (await metricsOf(hostile.server.httpBase));
    expect(known).toContain('device enabled');
    expect(known).not.toMatch(/n-proto|n-kept|n-room|n-99|aaaaaaaaaa|still\?|__proto__/);
  });
});
