import { describe, expect, it } from 'vitest';
import { ns } from '../../src/xmpp/ns.js';
import { domain, fateOf, opening, pour, repeated, useHostileServer } from '../harness/hostile.js';

const hostile = useHostileServer();
const afterwards = `to='ana@${domain}/desk' type='chat'`;
const kilobyte = 'x'.repeat(1024);

/** What stands where a stream should begin, and the condition of RFC 6120 §4.9.3 that it ends with. */
const openings: readonly (readonly [what: string, bytes: string | Buffer, condition: string])[] = [
  ['a DTD', `<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a "b">]>${opening}`, 'restricted-xml'],
  ['an external DTD', `<!DOCTYPE s SYSTEM "file:///etc/passwd">${opening}`, 'restricted-xml'],
  ['a comment', `<!-- hello -->${opening}`, 'restricted-xml'],
  ['a processing instruction', `<?php system('id') ?>${opening}`, 'restricted-xml'],
  ['another encoding', "<?xml version='1.0' encoding='ISO-8859-1'?>", 'unsupported-encoding'],
  ['UTF-16', Buffer.from(`\ufeff${opening}`, 'utf16le'), 'unsupported-encoding'],
  ['XML 2', "<?xml version='2.0'?>", 'not-well-formed'],
  ['an HTTP request', `GET / HTTP/1.1\r\nHost: ${domain}\r\n\r\n`, 'not-well-formed'],
  ['a TLS handshake', Buffer.from('16030100c8010000c40303', 'hex'), 'unsupported-encoding'],
  ['another root', `<html xmlns='${ns.streams}'>`, 'bad-format'],
  ['no stream namespace', `<stream xmlns='${ns.client}' to='${domain}' version='1.0'>`, 'invalid-namespace'],
  ['a prefix that is not declared', `<stream:stream to='${domain}' version='1.0'>`, 'not-well-formed'],
  ['another stream namespace', opening.replace(ns.streams, 'urn:streams'), 'invalid-namespace'],
  ['the namespace of servers', opening.replace(ns.client, 'jabber:server'), 'invalid-namespace'],
  ['no content namespace', opening.replace(`xmlns='${ns.client}'`, ''), 'invalid-namespace'],
  ['no version', opening.replace("' version='1.0'", "'"), 'unsupported-version'],
  ['version 0.9', opening.replace("' version='1.0'", "' version='0.9'"), 'unsupported-version'],
  ['no address', opening.replace(`to='${domain}'`, ''), 'improper-addressing'],
  ['an address that is none', opening.replace(domain, '@@/'), 'improper-addressing'],
  ['the domain of another', opening.replace(domain, 'example.org'), 'host-unknown'],
  ['an attribute twice', opening.replace('to=', "to='a' to="), 'not-well-formed'],
  ['the prefix xmlns declared', opening.replace('to=', "xmlns:xmlns='urn:x' to="), 'not-well-formed'],
  ['spaces without end', ' '.repeat(11_000), 'policy-violation'],
];

/** What follows a header, from a client that is logged in or not yet. */
const contents: readonly (readonly [what: string, bytes: string | Buffer, condition: string])[] = [
  ['a DTD', '<!DOCTYPE s>', 'restricted-xml'],
  ['an entity', '<iq>&lol;</iq>', 'restricted-xml'],
  ['an entity in an attribute', "<iq id='&lol;'/>", 'restricted-xml'],
  ['an entity that objects have', '<iq>&constructor;</iq>', 'restricted-xml'],
  ['a comment', '<!-- hello -->', 'restricted-xml'],
  ['a comment inside', '<iq><!-- hello --></iq>', 'restricted-xml'],
  ['a processing instruction', '<iq><?php ?></iq>', 'restricted-xml'],
  ['an XML declaration', "<?xml version='1.0'?>", 'not-well-formed'],
  ['CDATA between stanzas', '<![CDATA[x]]>', 'bad-format'],
  ['text between stanzas', 'hello', 'bad-format'],
  ['bytes that are not UTF-8', Buffer.from([0x3c, 0x69, 0x71, 0x3e, 0xff, 0xfe]), 'unsupported-encoding'],
  ['overlong UTF-8', Buffer.from('<iq>\xc0\x80</iq>', 'latin1'), 'unsupported-encoding'],
  ['a surrogate as UTF-8', Buffer.from('<iq>\xed\xa0\x80</iq>', 'latin1'), 'unsupported-encoding'],
  ['half a character', Buffer.from('<iq>\xe2\x82</iq>', 'latin1'), 'unsupported-encoding'],
  ['NUL', '<iq>\0</iq>', 'not-well-formed'],
  ['NUL by reference', '<iq>&#0;</iq>', 'not-well-formed'],
  ['a control character', "<iq id='\x1b'/>", 'not-well-formed'],
  ['a control character in a name', '<i\x01q/>', 'not-well-formed'],
  ['a character that is none', '<iq>\uffff</iq>', 'not-well-formed'],
  ['a surrogate by reference', '<iq>&#xD800;</iq>', 'not-well-formed'],
  ['a reference beyond Unicode', '<iq>&#x110000;</iq>', 'not-well-formed'],
  ['end tags that do not match', '<iq></message>', 'not-well-formed'],
  ['overlapping elements', '<iq><a><b></a></b></iq>', 'not-well-formed'],
  ['an attribute twice', "<iq id='1' id='2'/>", 'not-well-formed'],
  ['an attribute twice by prefixes', "<iq xmlns:a='x' xmlns:b='x' a:i='1' b:i='2'/>", 'not-well-formed'],
  ['an attribute without quotes', '<iq id=1/>', 'not-well-formed'],
  ['a less-than in an attribute', "<iq id='<'/>", 'not-well-formed'],
  ['a prefix that is not declared', '<a:iq/>', 'not-well-formed'],
  ['a prefix taken back', "<iq xmlns:a=''/>", 'not-well-formed'],
  ['the end of a section in text', '<iq>]]></iq>', 'not-well-formed'],
  ['an unknown element', "<foo xmlns='urn:bar'/>", 'unsupported-stanza-type'],
  ['an element that objects have', '<constructor/>', ''],
  ['100,000 elements inside each other', '<a>'.repeat(100_000), 'policy-violation'],
  [
    '100,000 attributes',
    `<iq ${Array.from({ length: 100_000 }, (_, n) => `a${n}=''`).join(' ')}/>`,
    'policy-violation',
  ],
  [
    '100,000 namespaces',
    `<iq ${Array.from({ length: 100_000 }, (_, n) => `xmlns:a${n}='b'`).join(' ')}/>`,
    'policy-violation',
  ],
  ['a name of 1,000 characters', `<${'a'.repeat(1_000)}/>`, 'policy-violation'],
];

describe('a stream that begins with', () => {
  it.each(openings)('%s is refused', async (_what, bytes, condition) => {
    const client = await hostile.open();
    client.write(bytes);
    expect(await fateOf(client)).toBe(condition);
  });
});

describe.each(['before authentication', 'after it'] as const)('%s', (when) => {
  const begin = async () => {
    if (when === 'after it') return hostile.logIn('mallory');
    const client = await hostile.open();
    await client.write(opening).expect('</stream:features>');
    return client;
  };

  it.each(contents)('%s ends the stream', async (_what, bytes, condition) => {
    const client = await begin();
    client.write(bytes);
    if (condition === '')
      expect(['not-authorized', 'unsupported-stanza-type']).toContain(await fateOf(client));
    else expect(await fateOf(client)).toBe(condition);
  });

  it('a second header ends the stream', async () => {
    const client = await begin();
    client.write(opening);
    expect(['bad-format', 'not-well-formed', 'unsupported-stanza-type']).toContain(await fateOf(client));
  });

  it('entities within entities end the stream at their first sign', async () => {
    const client = await begin();
    const levels = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`);
    client.write(`<!DOCTYPE lolz [<!ENTITY l0 "lol">${levels.join('')}]><iq>&l9;</iq>`);
    expect(await fateOf(client)).toBe('restricted-xml');
  });

  it.each([
    ['value', `<message ${afterwards} id='`],
    ['name', `<message ${afterwards} `],
    ['element name', '<'],
    ['text', `<message ${afterwards}><body>`],
    ['CDATA section', `<message ${afterwards}><body><![CDATA[`],
    ['end tag', '<message></'],
    ['number of children', `<message ${afterwards}>${'<a/>'.repeat(100)}`],
  ])('a %s without end is cut off', async (_what, beginning) => {
    const client = await begin();
    client.write(beginning);
    await pour(client, repeated(beginning.endsWith('<a/>') ? '<a/>'.repeat(250) : kilobyte, 100 * 1024));
    // Who writes on after the end may not get to read why.
    expect(['policy-violation', undefined]).toContain(await fateOf(client));
    expect(client.socket.bytesWritten - client.socket.writableLength).toBeLessThan(20 * 1024 * 1024);
  });

  it('a stanza of which each byte comes alone is cut off', async () => {
    const client = await begin();
    client.write(`<message ${afterwards}><body>`);
    await pour(client, repeated('x', 300 * 1024));
    expect(['policy-violation', undefined]).toContain(await fateOf(client));
  });
});

it('nothing of all that stays in memory', async () => {
  const attack = async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => hostile.logIn(`mallory${n + 1}`)));
    for (const client of clients) client.write(`<message ${afterwards}><body>`);
    await Promise.all(clients.map((client) => pour(client, repeated(kilobyte, 1024))));
    for (const client of clients) await client.closed();
  };
  await attack();
  const before = await hostile.memory();
  for (let time = 0; time < 3; time++) await attack();
  await hostile.memoryBelow(before + 2);
});
