import { describe, expect, it } from 'vitest';
import { ns } from '../../src/xmpp/ns.js';
import { bind, iqNamed, type RawClient } from '../harness/c2s.js';
import {
  domain,
  fateOf,
  opening,
  password,
  plain,
  pour,
  repeated,
  streamErrorIn,
  useHostileServer,
} from '../harness/hostile.js';
import { waitFor } from '../harness/net.js';
import { frame, opcodes, upgrade } from '../harness/raw-websocket.js';

const hostile = useHostileServer();
const open = `<open xmlns='${ns.framing}' to='${domain}' version='1.0'/>`;
const port = () => Number(new URL(hostile.server.httpBase).port);
const inClient = (stanza: string) => stanza.replace(/^<(\w+)/, `<$1 xmlns='${ns.client}'`);
const message = (body: string) =>
  inClient(`<message to='ana@${domain}/desk' type='chat'><body>${body}</body></message>`);

async function connect(): Promise<RawClient> {
  const client = await upgrade(port());
  await client.expect('101 Switching Protocols');
  return client;
}

async function opened(): Promise<RawClient> {
  const client = await connect();
  await client.write(frame(open)).expect('</stream:features>');
  return client;
}

async function logIn(user: string): Promise<RawClient> {
  const client = await opened();
  await client.write(frame(plain(user, password))).expect('<success');
  await client.write(frame(open)).expect('</stream:features>');
  await client.write(frame(inClient(bind()))).expect('<jid>');
  return client;
}

describe('a request for a WebSocket', () => {
  it.each([
    ['without subprotocol', { 'sec-websocket-protocol': '' }, '400'],
    ['with another subprotocol', { 'sec-websocket-protocol': 'xmpp2, mqtt' }, '400'],
    ['with another version', { 'sec-websocket-version': '12' }, '4'],
    ['without key', { 'sec-websocket-key': '' }, '400'],
    ['with a key that is none', { 'sec-websocket-key': 'short' }, '400'],
    ['whose header does not end soon', { 'x-filler': 'x'.repeat(100_000) }, '431'],
  ])('%s is refused', async (_what, fields, status) => {
    const client = await upgrade(port(), fields);
    expect(await client.closed()).toContain(`HTTP/1.1 ${status}`);
  });

  it('that offers compression is answered without it', async () => {
    const client = await upgrade(port(), { 'sec-websocket-extensions': 'permessage-deflate' });
    expect((await client.expect('\r\n\r\n')).toLowerCase()).not.toContain('sec-websocket-extensions');
    client.socket.destroy();
  });
});

describe.each(['before authentication', 'after it'] as const)('%s', (when) => {
  const begin = () => (when === 'after it' ? logIn('mallory') : opened());

  it.each([
    ['a binary message', frame(message('Hi.'), { opcode: opcodes.binary }), ['bad-format']],
    ['two elements in a message', frame(message('a') + message('b')), ['bad-format']],
    ['half an element', frame('<message><body>'), ['not-well-formed']],
    ['an end tag', frame('</message>'), ['not-well-formed', 'bad-format']],
    ['text', frame('hello'), ['bad-format']],
    ['a stream header', frame(opening), ['not-well-formed', 'bad-format', 'unsupported-stanza-type']],
    [
      'a stream header in itself',
      frame(`${opening.replace(/^<\?.*?\?>/, '')}</stream:stream>`),
      ['bad-format', 'unsupported-stanza-type'],
    ],
    ['the end of a stream', frame('</s:stream>'), ['bad-format']],
    [
      'the prefix of our own document',
      frame('<s:iq/>'),
      ['not-well-formed', 'unsupported-stanza-type', 'bad-namespace-prefix'],
    ],
    ['a DTD', frame('<!DOCTYPE s [<!ENTITY a "b">]>'), ['restricted-xml']],
    ['a comment', frame('<!-- hello -->'), ['restricted-xml']],
    ['a second XML declaration', frame("<?xml version='1.0'?><iq/>"), ['not-well-formed']],
    [
      'a stanza without namespace',
      frame("<message to='a@b'/>"),
      ['unsupported-stanza-type', 'invalid-namespace'],
    ],
    ['an open element again', frame(open), ['bad-format']],
  ])('%s ends the stream', async (_what, bytes, conditions) => {
    const client = await begin();
    const last = await client.write(bytes).expect('<close');
    expect(conditions).toContain(streamErrorIn(last));
    client.socket.destroy();
  });

  /** Told by the code that the WebSocket is closed with (RFC 6455 §7.4.1). */
  it.each([
    ['a frame that is not masked', frame(message('Hi.'), { isMasked: false })],
    ['a frame that looks compressed', frame(message('Hi.'), { hasReservedBit: true })],
    ['an unknown kind of frame', frame('x', { opcode: 3 })],
    ['a ping in pieces', frame('x', { opcode: opcodes.ping, isLast: false })],
    ['a ping that is too long', frame('x'.repeat(126), { opcode: opcodes.ping })],
    ['a continuation of nothing', frame('x', { opcode: opcodes.continuation })],
    ['bytes that are not UTF-8', frame(Buffer.from([0x3c, 0xff]))],
    ['a message that says it has 4 GB', frame('', { claimedLength: 2 ** 32 })],
    ['a message that says it has 2^63 bytes', frame('', { claimedLength: 2 ** 63 })],
  ])('%s closes the WebSocket', async (_what, bytes) => {
    const client = await begin();
    client.write(bytes);
    expect(await fateOf(client)).toBeUndefined();
  });

  it('a message of a megabyte is cut off', async () => {
    const client = await begin();
    client.write(frame(message('x'.repeat(1024 * 1024))));
    expect(['policy-violation', undefined]).toContain(await fateOf(client));
  });

  it('a message of more pieces than anybody needs is cut off', async () => {
    const client = await begin();
    client.write(frame('<', { isLast: false }));
    const piece = frame('a', { opcode: opcodes.continuation, isLast: false });
    const empty = frame('', { opcode: opcodes.continuation, isLast: false });
    await pour(client, repeated(Buffer.concat(Array(50).fill(Buffer.concat([piece, empty]))), 4_000));
    expect(['policy-violation', 'bad-format', undefined]).toContain(await fateOf(client));
  });

  it('a message of which each byte comes alone is cut off, or held in little memory', async () => {
    const before = await hostile.memory();
    const client = await begin();
    const bytes = frame(message('x'.repeat(9_000)));
    await pour(
      client,
      [...bytes].slice(0, -1).map((byte) => Uint8Array.of(byte)),
    );
    await hostile.memoryBelow(before + 2);
    client.socket.destroy();
  });
});

describe('pings', () => {
  it('are answered', async () => {
    const client = await logIn('mallory');
    await client.write(frame('are you there', { opcode: opcodes.ping })).expect('are you there');
    client.socket.destroy();
  });

  it('of a client that reads no answers take no memory', async () => {
    const before = await hostile.memory();
    const client = await logIn('mallory');
    client.socket.pause();
    const ping = frame('x'.repeat(125), { opcode: opcodes.ping });
    const many = Buffer.concat(Array(500).fill(ping));
    const flood = pour(client, repeated(many, 500));
    await Promise.race([flood, new Promise((resolve) => setTimeout(resolve, 5_000))]);
    await hostile.talk();
    await hostile.memoryBelow(before + 10);
    client.socket.destroy();
    await flood;
  });

  it('count as what a client sends: a flood of them is read slowly, and others are not', async () => {
    const client = await logIn('mallory');
    const ping = frame('x'.repeat(100), { opcode: opcodes.ping });
    const begun = Date.now();
    const flood = pour(client, repeated(Buffer.concat(Array(1_000).fill(ping)), 1_000));
    for (let time = 0; time < 20; time++) {
      await hostile.talk();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { bytesWritten, writableLength } = client.socket;
    const rate = 1_000_000;
    const buffers = 8 * 1024 * 1024;
    expect(bytesWritten - writableLength).toBeLessThan(
      10 * rate + ((Date.now() - begun) / 1000) * rate + buffers,
    );
    client.socket.destroy();
    await flood;
  });
});

it('a WebSocket that is closed without a word ends the session', async () => {
  const client = await logIn('mallory7');
  await client.write(frame(inClient(iqNamed('p1')))).expect("id='p1'");
  const before = hostile.openFiles();
  client.socket.resetAndDestroy();
  await waitFor('the end of the connection', () => hostile.openFiles() < before);
});
