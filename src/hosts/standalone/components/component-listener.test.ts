import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { openRawClient, type RawClient } from '../../../../tests/harness/c2s.js';
import { conditionOf, EmbeddedCore } from '../../../../tests/harness/embedded-core.js';
import { waitFor } from '../../../../tests/harness/net.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import {
  type ComponentListener,
  type ComponentListenerOptions,
  createComponentListener,
} from './component-listener.js';

const push = 'push.example.net';
const secret = 'geheim & <heim>';
const ana = 'ana@example.org';

interface Bed {
  readonly stage: EmbeddedCore;
  readonly listener: ComponentListener;
  open(): Promise<RawClient>;
  /** A component that has shaken hands. */
  attached(domain?: string): Promise<RawClient>;
}

const clients: RawClient[] = [];
let running: ComponentListener | undefined;

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await running?.stop();
  running = undefined;
});

async function start(
  options: Partial<Pick<ComponentListenerOptions, 'limits'>> & {
    readonly route?: (stanza: Element) => void | Promise<void>;
  } = {},
): Promise<Bed> {
  const stage = new EmbeddedCore();
  const { server } = stage.core;
  const listener = createComponentListener({
    listen: { host: '127.0.0.1', port: 0 },
    secrets: new Map([
      [push, secret],
      ['chat.example.org', 'other'],
    ]),
    server: { ...server, ...(options.route !== undefined && { route: options.route }) },
    events: server.events,
    limits: options.limits ?? {},
  });
  await listener.start();
  running = listener;
  const open = async () => {
    const client = await openRawClient(listener.address?.port ?? 0);
    clients.push(client);
    return client;
  };
  return {
    stage,
    listener,
    open,
    async attached(domain = push) {
      const client = await open();
      const shared = domain === push ? secret : 'other';
      await client.write(handshake(await openStream(client, domain), shared)).expect('<handshake/>');
      return client;
    },
  };
}

const opening = (attributes: string, space: string = ns.componentAccept) =>
  `<?xml version='1.0'?><stream:stream xmlns='${space}' xmlns:stream='${ns.streams}' ${attributes}>`;

/** Answers the id of the stream. */
async function openStream(client: RawClient, domain: string): Promise<string> {
  const header = await client.write(opening(`to='${domain}'`)).expect(/id='[^']+'>/);
  expect(header).toContain(`xmlns='${ns.componentAccept}'`);
  expect(header).toContain(`from='${domain}'`);
  return /id='([^']+)'/.exec(header)?.[1] ?? '';
}

function handshake(id: string, shared: string): string {
  return `<handshake>${createHash('sha1').update(`${id}${shared}`).digest('hex')}</handshake>`;
}

async function fateOf(client: RawClient): Promise<string | undefined> {
  const text = await client.closed();
  expect(text).toMatch(/<\/stream:stream>$/);
  return /<stream:error><([a-z-]+) /.exec(text)?.[1];
}

const named = ({ stage }: Bed, name: string) => stage.recorded.filter((event) => event.name === name);

describe('a component', () => {
  it('is awaited from the start', async () => {
    const awaited = named(await start(), 'componentAwaited');
    expect(awaited).toContainEqual({ name: 'componentAwaited', domain: push });
    expect(awaited).toContainEqual({ name: 'componentAwaited', domain: 'chat.example.org' });
  });

  it('is taken with its secret, and told apart in the log', async () => {
    const bed = await start();
    await bed.attached();
    expect(named(bed, 'componentAttached')).toEqual([
      { name: 'componentAttached', domain: push, client: '127.0.0.1' },
    ]);
    await bed.attached('chat.example.org');
  });

  it('may write its digest in capitals, and its name as it likes', async () => {
    const bed = await start();
    const client = await bed.open();
    await client.write(opening("to='PUSH.example.net'")).expect(`from='${push}'`);
    client.socket.destroy();
    const again = await bed.open();
    const id = await openStream(again, push);
    await again
      .write(handshake(id, secret).replace(/>[^<]+</, (text) => text.toUpperCase()))
      .expect('<handshake/>');
  });

  it('gets what is for its domain, and answers', async () => {
    const bed = await start();
    const component = await bed.attached();
    const client = await bed.stage.connect(`${ana}/phone`);
    await client.say(message({ to: `room@${push}/desk`, id: 'm1' }, el('body', ns.client, {}, 'Hi <all>')));
    const text = await component.expect('</message>');
    expect(text).toMatch(/^<message [^>]*from='ana@example\.org\/phone'/);
    expect(text).toContain('<body>Hi &lt;all&gt;</body>');
    expect(text).not.toContain('xmlns');
    component.write(
      `<message from='room@${push}' to='${ana}/phone' id='m2' type='chat'><body>ho</body></message>`,
    );
    await waitFor('the answer', () => client.link.sent.length > 0);
    const answer = client.only();
    expect([answer.ns, answer.attr('id'), answer.attr('from')]).toEqual([ns.client, 'm2', `room@${push}`]);
    expect(answer.child('body')?.text()).toBe('ho');
  });

  it('has its addresses prepared before others see them', async () => {
    const routed: Element[] = [];
    const bed = await start({ route: (stanza) => void routed.push(stanza) });
    const component = await bed.attached();
    component.write(`<presence from='Room@PUSH.example.net/Desk' to='ANA@Example.org'/>`);
    await waitFor('the presence', () => routed.length > 0);
    expect(routed[0]?.attrs).toEqual({ from: `room@${push}/Desk`, to: ana });
  });

  it('is listed among the items of the domain, connected or not', async () => {
    const bed = await start();
    const client = await bed.stage.connect(`${ana}/phone`);
    const query = el('query', ns.discoItems);
    await client.say(el('iq', ns.client, { type: 'get', id: 'd', to: 'example.org' }, query));
    await waitFor('the items', () => client.link.sent.length > 0);
    const items = client.only().child('query', ns.discoItems)?.elements() ?? [];
    expect(items.map((item) => item.attr('jid'))).toEqual([push, 'chat.example.org']);
  });

  it('may connect again at once when its connection has gone', async () => {
    const bed = await start();
    const first = await bed.attached();
    first.socket.destroy();
    await waitFor('it to be gone', () => named(bed, 'componentDetached').length === 1);
    await bed.attached();
    expect(named(bed, 'componentRefused')).toEqual([]);
  });

  it('is told goodbye when it closes its stream, after what it sent', async () => {
    const bed = await start();
    const component = await bed.attached();
    const client = await bed.stage.connect(`${ana}/phone`);
    component.socket.end(`<message from='${push}' to='${ana}/phone' id='last'/></stream:stream>`);
    expect(await fateOf(component)).toBeUndefined();
    expect(client.only().attr('id')).toBe('last');
  });
});

describe('without a component', () => {
  const toPush = (attrs: Readonly<Record<string, string>>, name = 'message') =>
    el(name, ns.client, { to: `x@${push}`, id: 'i', ...attrs }, el('query', 'urn:x'));

  it('stanzas go back as ones that may be tried again', async () => {
    const { stage } = await start();
    const client = await stage.connect(`${ana}/phone`);
    await client.say(toPush({}));
    await client.say(toPush({ type: 'get' }, 'iq'));
    await client.say(toPush({ type: 'error' }));
    await client.say(toPush({ type: 'result' }, 'iq'));
    const answers = client.link.take();
    expect(answers.map((stanza) => [stanza.name, conditionOf(stanza)])).toEqual([
      ['message', 'remote-server-timeout'],
      ['iq', 'remote-server-timeout'],
    ]);
    expect(answers[0]?.child('error')?.attr('type')).toBe('wait');
    expect(answers[0]?.attr('from')).toBe(`x@${push}`);
  });

  it('goes back what its connection took and did not carry away', async () => {
    const bed = await start({ limits: { waitingBytes: 100_000_000 } });
    const component = await bed.attached();
    component.socket.pause();
    const client = await bed.stage.connect(`${ana}/phone`);
    const text = 'x'.repeat(1_000_000);
    for (let n = 0; n < 40; n++)
      await client.say(message({ to: push, id: `${n}` }, el('body', ns.client, {}, text)));
    expect(client.link.sent).toEqual([]);
    component.socket.destroy();
    await waitFor('the last one', () => client.link.sent.some((stanza) => stanza.attr('id') === '39'));
    const ids = client.link.take().map((stanza) => Number(stanza.attr('id')));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('nothing that reads too slowly holds more than its bound', async () => {
    const bed = await start({ limits: { waitingBytes: 100_000 } });
    const component = await bed.attached();
    component.socket.pause();
    const client = await bed.stage.connect(`${ana}/phone`);
    const text = 'x'.repeat(50_000);
    for (let n = 0; named(bed, 'componentDetached').length === 0 && n < 1_000; n++) {
      await client.say(message({ to: push, id: `${n}` }, el('body', ns.client, {}, text)));
      await new Promise(setImmediate);
    }
    expect(named(bed, 'componentRefused')).toMatchObject([
      { domain: push, reason: 'resource-constraint: The component reads too slowly.' },
    ]);
    component.socket.resume();
    await component.closed();
    await waitFor('what did not leave', () => client.link.sent.length > 0);
  });
});

describe('whoever comes without right', () => {
  async function refused(bed: Bed, ...data: readonly (string | Uint8Array)[]): Promise<string | undefined> {
    const client = await bed.open();
    for (const piece of data) client.write(piece);
    return fateOf(client);
  }

  it.each([
    ['a client', opening(`to='${push}' version='1.0'`, ns.client), 'invalid-namespace'],
    ['a server', opening(`to='${push}' version='1.0'`, 'jabber:server'), 'invalid-namespace'],
    ['nobody in particular', opening(''), 'improper-addressing'],
    ['a user', opening(`to='ana@${push}'`), 'improper-addressing'],
    ['an unknown component', opening("to='other.example.net'"), 'host-unknown'],
    ['the server itself', opening("to='example.org'"), 'host-unknown'],
    ['another root', `<stream xmlns='${ns.componentAccept}'>`, 'invalid-namespace'],
    ['no XML', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe), 'unsupported-encoding'],
    ['a long header', opening(`to='${push}' x='${'x'.repeat(20_000)}'`), 'policy-violation'],
  ])('is refused: %s', async (_who, data, condition) => {
    const bed = await start();
    expect(await refused(bed, data)).toBe(condition);
    expect(named(bed, 'componentRefused')).toHaveLength(1);
  });

  it.each([
    ['a wrong secret', handshake('x', 'wrong'), 'not-authorized'],
    ['an empty handshake', '<handshake/>', 'not-authorized'],
    ['a digest that is too long', `<handshake>${'a'.repeat(80)}</handshake>`, 'not-authorized'],
    ['a stanza instead', `<message from='${push}' to='${ana}'/>`, 'not-authorized'],
    ['a flawed one instead', '<message><a:b/></message>', 'not-well-formed'],
    ['much instead', `<x>${'y'.repeat(20_000)}</x>`, 'policy-violation'],
    ['white space without end', ' '.repeat(20_000), 'policy-violation'],
  ])('is refused with %s', async (_what, data, condition) => {
    const bed = await start();
    const client = await bed.open();
    await openStream(client, push);
    client.write(data);
    expect(await fateOf(client)).toBe(condition);
    expect(named(bed, 'componentRefused')).toMatchObject([{ client: '127.0.0.1', domain: push }]);
    expect(named(bed, 'componentAttached')).toEqual([]);
    expect(bed.stage.failures).toEqual([]);
  });

  it('is refused with the secret of another component, and with a handshake of another stream', async () => {
    const bed = await start();
    const one = await bed.open();
    const id = await openStream(one, push);
    const other = await bed.open();
    const otherId = await openStream(other, push);
    one.write(handshake(id, 'other'));
    other.write(handshake(id, secret));
    expect(id).not.toBe(otherId);
    expect([await fateOf(one), await fateOf(other)]).toEqual(['not-authorized', 'not-authorized']);
  });

  it('is refused while the component is connected, which stays', async () => {
    const bed = await start();
    const first = await bed.attached();
    const second = await bed.open();
    second.write(handshake(await openStream(second, push), secret));
    expect(await fateOf(second)).toBe('conflict');
    const client = await bed.stage.connect(`${ana}/phone`);
    await client.say(message({ to: push, id: 'm' }));
    await first.expect("id='m'");
    expect(named(bed, 'componentDetached')).toEqual([]);
  });

  it('is refused when it takes its time', async () => {
    const bed = await start({ limits: { negotiationTimeout: 1_000 } });
    const client = await bed.open();
    await openStream(client, push);
    bed.stage.clock.advance(1_000);
    expect(await fateOf(client)).toBe('connection-timeout');
  });

  it('makes room for others when there are too many', async () => {
    const bed = await start({ limits: { unauthenticatedConnections: 2 } });
    const strangers = [await bed.open(), await bed.open()];
    await bed.attached();
    await waitFor('one to be closed', () => strangers.some((client) => client.isClosed));
    expect(strangers.filter((client) => client.isClosed)).toHaveLength(1);
  });

  it('is cut off when it goes on after the end', async () => {
    const bed = await start({ limits: { ignoredBytes: 100_000 } });
    const client = await bed.open();
    client.write(opening("to='other.example.net'"));
    await client.expect('</stream:stream>');
    for (let n = 0; n < 100 && !client.socket.destroyed; n++) {
      await new Promise<void>((resolve) => client.socket.write('x'.repeat(10_000), () => resolve()));
    }
    await client.closed();
  });
});

describe('a component that breaks the rules', () => {
  it.each([
    ['without from', `<message to='${ana}'/>`],
    ['from the server', `<message from='example.org' to='${ana}'/>`],
    ['from a user of the server', `<message from='bob@example.org' to='${ana}'/>`],
    ['from another component', `<message from='chat.example.org' to='${ana}'/>`],
    ['from below its domain', `<message from='sub.${push}' to='${ana}'/>`],
    ['from no address', `<message from='@${push}' to='${ana}'/>`],
  ])('by a stanza %s is cut off', async (_what, stanza) => {
    const bed = await start();
    const client = await bed.stage.connect(`${ana}/phone`);
    const component = await bed.attached();
    component.write(stanza);
    expect(await fateOf(component)).toBe('invalid-from');
    expect(client.link.sent).toEqual([]);
    expect(named(bed, 'componentDetached')).toHaveLength(1);
  });

  it.each([
    ['what is no stanza', "<note xmlns='urn:x'/>", 'unsupported-stanza-type'],
    [
      'a stanza of servers',
      `<message xmlns='jabber:server' from='${push}' to='${ana}'/>`,
      'unsupported-stanza-type',
    ],
    ['a second handshake', '<handshake/>', 'unsupported-stanza-type'],
    ['broken tags', '<message></iq>', 'not-well-formed'],
    ['a comment', '<!-- x -->', 'restricted-xml'],
    ['a document type', '<!DOCTYPE x>', 'restricted-xml'],
  ])('by %s is cut off', async (_what, data, condition) => {
    const bed = await start();
    const component = await bed.attached();
    component.write(data);
    expect(await fateOf(component)).toBe(condition);
    await bed.attached();
  });

  it('by a stanza larger than any is cut off', async () => {
    const bed = await start({ limits: { stanzaBytes: 20_000 } });
    const component = await bed.attached();
    component.write(`<message from='${push}' to='${ana}'><body>${'x'.repeat(30_000)}</body></message>`);
    expect(await fateOf(component)).toBe('policy-violation');
  });

  it('in the middle of a stanza has said nothing', async () => {
    const bed = await start();
    const client = await bed.stage.connect(`${ana}/phone`);
    const component = await bed.attached();
    component.socket.end(`<message from='${push}' to='${ana}/phone'><body>half`);
    await component.closed();
    expect(client.link.sent).toEqual([]);
  });

  it('by a stanza for nobody, or too complex, loses that stanza and is told', async () => {
    const bed = await start();
    const component = await bed.attached();
    const attributes = Array.from({ length: 70 }, (_, n) => `a${n}=''`).join(' ');
    component.write(`<iq type='get' id='1' from='${push}'/>`);
    component.write(`<iq type='get' id='2' from='${push}' to='a@b@c'/>`);
    component.write(`<iq type='get' id='3' from='${push}' to='${ana}'><x ${attributes}/></iq>`);
    component.write(`<message type='error' id='4' from='${push}' to='${ana}'><p:x/></message>`);
    component.write(`<iq type='get' id='5' from='${push}' to='example.org'><ping xmlns='${ns.ping}'/></iq>`);
    const text = await component.expect(/id='5'/);
    const told = [...text.matchAll(/id='(\d)'[^>]*>(?:<error[^>]*><([a-z-]+) )?/g)].map(([, id, error]) => [
      id,
      error,
    ]);
    expect(told).toEqual([
      ['1', 'bad-request'],
      ['2', 'jid-malformed'],
      ['3', 'policy-violation'],
      ['5', undefined],
    ]);
    expect(named(bed, 'stanzaDropped')).toHaveLength(2);
    expect(named(bed, 'componentRefused')).toEqual([]);
  });
});

describe('stanzas of a component', () => {
  it('are begun in order and worked on side by side, up to a bound', async () => {
    const finish: (() => void)[] = [];
    const route = () => new Promise<void>((resolve) => void finish.push(resolve));
    const bed = await start({ route, limits: { inFlight: 2 } });
    const component = await bed.attached();
    const stanza = (n: number) => `<message from='${push}' to='${ana}' id='${n}'/>`;
    component.write(Array.from({ length: 6 }, (_, n) => stanza(n)).join(''));
    component.socket.end('</stream:stream>');
    await waitFor('the first ones', () => finish.length === 3);
    await new Promise(setImmediate);
    expect(finish).toHaveLength(3);
    expect(component.isClosed).toBe(false);
    finish[2]?.();
    await waitFor('one more', () => finish.length === 4);
    for (let n = 0; n < 6; n++) {
      await waitFor('the next', () => finish.length > n);
      finish[n]?.();
    }
    expect(await fateOf(component)).toBeUndefined();
    expect(finish).toHaveLength(6);
  });
});

describe('the listener', () => {
  it('ends all with system-shutdown, and takes nobody any more', async () => {
    const bed = await start();
    const [component, stranger] = [await bed.attached(), await bed.open()];
    const port = bed.listener.address?.port ?? 0;
    const stopped = bed.listener.stop();
    expect(await fateOf(component)).toBe('system-shutdown');
    await stranger.closed();
    await stopped;
    await expect(openRawClient(port)).rejects.toThrow('ECONNREFUSED');
    expect(named(bed, 'componentRefused')).toEqual([]);
  });

  it('does not wait long for one that does not close', async () => {
    const bed = await start({ limits: { closeTimeout: 1_000 } });
    const component = await bed.attached();
    component.socket.pause();
    const stopped = bed.listener.stop();
    bed.stage.clock.advance(1_000);
    await stopped;
  });

  it('does not begin with a domain that is taken', () => {
    const { server } = new EmbeddedCore().core;
    const listen = { host: '127.0.0.1', port: 0 };
    const secrets = new Map([['example.org', 'x']]);
    expect(() => createComponentListener({ listen, secrets, server, events: server.events })).toThrow(
      'example.org is a domain of this server already',
    );
    expect(server.isLocal(Jid.parse(push).domain)).toBe(false);
  });

  it('says where it listens', async () => {
    const bed = await start();
    const port = bed.listener.address?.port;
    expect(named(bed, 'listening')).toEqual([
      { name: 'listening', what: 'components', address: `127.0.0.1:${port}` },
    ]);
  });
});
