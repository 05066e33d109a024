import { afterEach, describe, expect, it } from 'vitest';
import {
  authenticate,
  bind,
  type C2sTestBed,
  header,
  iqNamed,
  startC2s,
} from '../../../../tests/harness/c2s.js';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { waitFor } from '../../../../tests/harness/net.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { iqResult, message } from '../../../xmpp/stanza.js';
import type { SessionLink } from '../session.js';
import { ClientStream } from './client-stream.js';

let bed: C2sTestBed | undefined;

async function start(options?: Parameters<typeof startC2s>[0]): Promise<C2sTestBed> {
  bed = await startC2s(options);
  return bed;
}

afterEach(async () => {
  await bed?.close();
  bed = undefined;
});

const sasl = (name: string, text = '') => `<${name} xmlns='${ns.sasl}'>${text}</${name}>`;
const twice = (text = '') => `<auth xmlns='${ns.sasl}' mechanism='TWICE'>${text}</auth>`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const streamEnd = '</stream:stream>';

/** The conditions of all failures and stream errors in a text. */
const conditionsIn = (text: string) =>
  [...text.matchAll(/<(?:failure xmlns='[^']+'|stream:error)><([a-z-]+)/g)].map((match) => match[1]);

describe('the stream header', () => {
  it('is answered with one that has an id of its own, then features', async () => {
    const { open } = await start();
    const ids = [];
    for (const from of ["from='ana@example.org/X'", "from='not a jid@@'", '']) {
      const client = await open();
      const text = await client
        .write(header(`to='example.org' version='1.0' ${from}`))
        .expect('</stream:features>');
      expect(text).toMatch(
        /^<\?xml version='1\.0'\?><stream:stream xmlns='jabber:client' xmlns:stream='http:\/\/etherx\.jabber\.org\/streams' from='example\.org'( to='ana@example\.org\/X')? id='[\w-]{24}' version='1\.0' xml:lang='en'><stream:features>/,
      );
      expect(text.includes(' to=')).toBe(from.includes('ana'));
      ids.push(/ id='([^']+)'/.exec(text)?.[1]);
    }
    expect(new Set(ids).size).toBe(3);
  });

  it.each([
    ["to='EXAMPLE.org' version='1.0'"],
    ["to='example.org' version='1.1'"],
    ["to='example.org' version='01.0'"],
    ["to='example.org' version='12.3' xml:lang='de-CH'"],
  ])('may be %s', async (attrs) => {
    const client = await (await start()).open();
    await client.write(header(attrs)).expect('</stream:features>');
  });

  const xmlns = `xmlns='jabber:client' xmlns:stream='${ns.streams}'`;
  it.each([
    ['of another domain', header("to='other.example' version='1.0'"), 'host-unknown'],
    ['of a subdomain', header("to='a.example.org' version='1.0'"), 'host-unknown'],
    ['without an address', header("version='1.0'"), 'improper-addressing'],
    ['with an address that is none', header("to='@' version='1.0'"), 'improper-addressing'],
    ['without a version', header("to='example.org'"), 'unsupported-version'],
    ['of version 0.9', header("to='example.org' version='0.9'"), 'unsupported-version'],
    ['of a version that is none', header("to='example.org' version='one'"), 'unsupported-version'],
    ['of servers', header().replace('jabber:client', 'jabber:server'), 'invalid-namespace'],
    ['without a content namespace', header().replace("xmlns='jabber:client'", ''), 'invalid-namespace'],
    ['of another stream namespace', header().replace('etherx', 'other'), 'invalid-namespace'],
    ['of another name', `<stream:flow ${xmlns} to='example.org' version='1.0'>`, 'bad-format'],
    ['that is HTTP', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
    ['in another encoding', "<?xml version='1.0' encoding='latin-1'?>", 'unsupported-encoding'],
    ['with a DTD', "<!DOCTYPE x [<!ENTITY a 'b'>]>", 'restricted-xml'],
    ['with a prefix of its own', `<stream:stream ${xmlns} x:y='1'>`, 'not-well-formed'],
    ['that never ends', `<stream:stream ${' '.repeat(20_000)}`, 'policy-violation'],
  ])('%s is answered with a header and an error', async (_name, text, condition) => {
    const { open, recorded } = await start();
    const client = await open();
    const answer = await client.write(text).closed();
    expect(answer).toMatch(
      /^<\?xml version='1\.0'\?><stream:stream [^>]*from='example\.org'[^>]*><stream:error>/,
    );
    expect(conditionsIn(answer)).toEqual([condition]);
    expect(answer.endsWith(streamEnd)).toBe(true);
    expect(recorded.filter(({ name }) => name === 'streamFailed')).toMatchObject([
      { condition, client: '127.0.0.1' },
    ]);
  });
});

describe('the negotiation', () => {
  it('offers what there is to be had at each step', async () => {
    const { open, entrance } = await start();
    const client = await open();
    const first = await client.write(header()).expect('</stream:features>');
    expect(first).toContain(
      `<stream:features><starttls xmlns='${ns.tls}'/><mechanisms xmlns='${ns.sasl}'>` +
        '<mechanism>TWICE</mechanism><mechanism>NAME</mechanism></mechanisms></stream:features>',
    );
    expect(await client.write(authenticate('ana')).expect('</success>')).toBe(
      `<success xmlns='${ns.sasl}'>=</success>`,
    );
    const second = await client.write(header()).expect('</stream:features>');
    expect(second).toContain(
      `<stream:features><bind xmlns='${ns.bind}'/><session xmlns='${ns.session}'><optional/></session>` +
        `<sm xmlns='${ns.streamManagement}'/><ver xmlns='${ns.rosterVersioning}'/><sub xmlns='${ns.preApproval}'/></stream:features>`,
    );
    expect(await client.write(bind('phone')).expect('</iq>')).toBe(
      `<iq type='result' id='b1'><bind xmlns='${ns.bind}'><jid>ana@example.org/phone</jid></bind></iq>`,
    );
    expect(entrance.session.link.transport).toBe('plain');
  });

  it('offers and takes nothing but STARTTLS in clear if encryption is required', async () => {
    const {
      open,
      sasl: { channels },
    } = await start({
      requireEncryption: true,
      openFeatures: () => [el('register', ns.registerFeature)],
      beforeAuthentication: (iq) => iqResult(iq),
    });
    const client = await open();
    expect(await client.write(header()).expect('</stream:features>')).toContain(
      `<stream:features><starttls xmlns='${ns.tls}'><required/></starttls></stream:features>`,
    );
    const answer = await client.write(authenticate('ana')).closed();
    expect(conditionsIn(answer)).toEqual(['encryption-required', 'policy-violation']);
    expect(channels).toEqual([]);
    const other = await open();
    expect(conditionsIn(await other.write(header()).write(iqNamed('1')).closed())).toEqual([
      'not-authorized',
    ]);
  });

  it.each([
    ['a message', '<message/>', 'not-authorized'],
    ['presence', '<presence/>', 'not-authorized'],
    ['a request', iqNamed('1'), 'not-authorized'],
    ['a resource', bind(), 'not-authorized'],
    ['an element of its own', "<x xmlns='urn:x'/>", 'unsupported-stanza-type'],
    ['a component', '<handshake/>', 'not-authorized'],
    ['no XML', '<<', 'not-well-formed'],
    ['a comment', '<!-- x -->', 'restricted-xml'],
    ['a prefix that is bound to nothing', '<x:y/>', 'not-well-formed'],
    ['the prefix xml', '<xml:y/>', 'bad-namespace-prefix'],
    ['text', 'hello', 'bad-format'],
    ['what is not UTF-8', Buffer.from([0x3c, 0xff, 0xfe]), 'unsupported-encoding'],
    ['too much at once', `<auth xmlns='${ns.sasl}'>${'A'.repeat(10_000)}</auth>`, 'policy-violation'],
    ['too much in all', ' '.repeat(66_000), 'policy-violation'],
  ])('is ended by %s before authentication', async (_name, text, condition) => {
    const { open, entrance } = await start();
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    const answer = await client.write(text).closed();
    expect(conditionsIn(answer)).toEqual([condition]);
    expect(answer.endsWith(streamEnd)).toBe(true);
    expect([entrance.sessions, entrance.received, entrance.unbound]).toEqual([[], [], []]);
  });

  it.each([
    ['a message', '<message/>', 'not-authorized'],
    ['a request', iqNamed('1'), 'not-authorized'],
    ['authentication', authenticate('ben'), 'unsupported-stanza-type'],
  ])('is ended by %s after authentication and before a resource is bound', async (_name, text, condition) => {
    const { open, entrance, recorded } = await start();
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    await client.write(authenticate('ana')).expect('</success>');
    await client.write(header()).expect('</stream:features>');
    expect(conditionsIn(await client.write(text).closed())).toEqual([condition]);
    expect(entrance.received).toEqual([]);
    expect(recorded).toContainEqual(
      expect.objectContaining({ name: 'streamFailed', jid: 'ana@example.org' }),
    );
  });

  it('does not take TLS once somebody has authenticated', async () => {
    const { open } = await start();
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    await client.write(authenticate('ana')).expect('</success>');
    await client.write(header()).expect('</stream:features>');
    const answer = await client.write(`<starttls xmlns='${ns.tls}'/>`).closed();
    expect(answer).toBe(`<failure xmlns='${ns.tls}'/>${streamEnd}`);
  });

  it('begins anew with the header after authentication, which is checked too', async () => {
    const { open } = await start();
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    await client.write(authenticate('ana')).expect('</success>');
    const answer = await client.write(header("to='other.example' version='1.0'")).closed();
    expect(conditionsIn(answer)).toEqual(['host-unknown']);
  });

  it('keeps the language of the last header', async () => {
    const { open, entrance } = await start();
    const client = await open();
    await client.write(header("to='example.org' version='1.0' xml:lang='fr'")).expect('</stream:features>');
    await client.write(authenticate('ana')).expect('</success>');
    await client.write(header("to='example.org' version='1.0' xml:lang='de'")).expect('</stream:features>');
    await client.write(bind()).expect('<jid>');
    expect(entrance.session.link.lang).toBe('de');
    const other = await open();
    await other.login('ben');
    expect(entrance.session.link.lang).toBeUndefined();
  });

  it('takes long enough stanzas afterwards, and no longer ones', async () => {
    const { open, entrance } = await start();
    const client = await open();
    await client.login();
    client.write(`<message>${'x'.repeat(200_000)}</message>`);
    await waitFor('the message', () => entrance.received.length === 1, { interval: 2 });
    expect(conditionsIn(await client.write(`<message>${'x'.repeat(270_000)}`).closed())).toEqual([
      'policy-violation',
    ]);
  });

  it('has a time limit that silence and activity do not change', async () => {
    const clock = new FakeClock();
    const { open, recorded } = await start({ clock });
    const silent = await open();
    await silent.write(header()).expect('</stream:features>');
    clock.advance(20_000);
    const busy = await open();
    await busy.write(header()).expect('</stream:features>');
    clock.advance(9_000);
    await silent.write(authenticate('wrong')).expect('<failure');
    clock.advance(1_000);
    expect(conditionsIn(await silent.closed())).toEqual(['connection-timeout']);
    expect(busy.isClosed).toBe(false);
    clock.advance(20_000);
    expect(conditionsIn(await busy.closed())).toEqual(['connection-timeout']);
    expect(recorded).toContainEqual(expect.objectContaining({ condition: 'connection-timeout' }));
    await waitFor('no timer', () => clock.pending.length === 0, { interval: 2 });
  });

  it('has none any more when a resource is bound', async () => {
    const clock = new FakeClock();
    const { open } = await start({ clock });
    const client = await open();
    await client.login();
    expect(clock.pending).toEqual([]);
  });
});

describe('authentication', () => {
  async function stranger(options?: Parameters<typeof startC2s>[0]) {
    const client = await (await start(options)).open();
    await client.write(header()).expect('</stream:features>');
    return client;
  }

  it('carries challenges and responses, and data with success', async () => {
    const client = await stranger();
    expect(await client.write(twice()).expect('</challenge>')).toBe(sasl('challenge', '='));
    expect(await client.write(sasl('response', base64('once'))).expect('</challenge>')).toBe(
      sasl('challenge', base64('once')),
    );
    expect(await client.write(sasl('response', base64('ana'))).expect('</success>')).toBe(
      sasl('success', base64('ok')),
    );
  });

  it('tells an empty response from none', async () => {
    const client = await stranger();
    expect(await client.write(twice('=')).expect('</challenge>')).toBe(sasl('challenge', '='));
    const answer = await client.write(sasl('response')).expect('</failure>');
    expect(conditionsIn(answer)).toEqual(['not-authorized']);
    expect(answer).toContain("<text xml:lang='en'>No.</text>");
  });

  it.each([
    [
      'a mechanism that is not offered',
      `<auth xmlns='${ns.sasl}' mechanism='OTHER'>AAAA</auth>`,
      'invalid-mechanism',
    ],
    ['no mechanism', `<auth xmlns='${ns.sasl}'/>`, 'invalid-mechanism'],
    ['what is not base64', twice('$$$$'), 'incorrect-encoding'],
    ['base64 with a line break', twice('QUJD\nQUJD'), 'incorrect-encoding'],
    ['base64 without padding', twice('QUI'), 'incorrect-encoding'],
    ['base64 for URLs', twice('-_-_'), 'incorrect-encoding'],
    ['a response to nothing', sasl('response', 'QUJD'), 'malformed-request'],
    ['an abort', sasl('abort'), 'aborted'],
    ['another element', sasl('success'), 'malformed-request'],
    ['a wrong name', authenticate('wrong'), 'not-authorized'],
  ])('fails with %s, and may be tried again', async (_name, text, condition) => {
    const client = await stranger();
    expect(conditionsIn(await client.write(text).expect('</failure>'))).toEqual([condition]);
    await client.write(authenticate('ana')).expect('</success>');
  });

  it('can be given up in the middle', async () => {
    const client = await stranger();
    await client.write(twice(base64('x'))).expect('</challenge>');
    expect(conditionsIn(await client.write(sasl('abort')).expect('</failure>'))).toEqual(['aborted']);
    expect(conditionsIn(await client.write(sasl('response', 'QUJD')).expect('</failure>'))).toEqual([
      'malformed-request',
    ]);
    await client.write(authenticate('ana')).expect('</success>');
  });

  it('may fail five times', async () => {
    const client = await stranger();
    for (let tries = 1; tries < 5; tries++) await client.write(authenticate('wrong')).expect('</failure>');
    expect(conditionsIn(await client.write(authenticate('wrong')).closed())).toEqual([
      'not-authorized',
      'policy-violation',
    ]);
  });

  it('counts what was begun and not finished', async () => {
    const client = await stranger();
    for (let tries = 0; tries < 5; tries++) await client.write(twice(base64('x'))).expect('</challenge>');
    expect(conditionsIn(await client.write(authenticate('wrong')).closed())).toEqual([
      'not-authorized',
      'policy-violation',
    ]);
  });
});

describe('a resource', () => {
  it('is made if the client does not care', async () => {
    const { open } = await start();
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    await client.write(authenticate('ana')).expect('</success>');
    await client.write(header()).expect('</stream:features>');
    const answer = await client
      .write(`<iq type='set' id='b'><bind xmlns='${ns.bind}'/></iq>`)
      .expect('</iq>');
    expect(answer).toContain('<jid>ana@example.org/made</jid>');
  });

  it('that cannot be had leaves the client to ask for another', async () => {
    const { open, entrance } = await start();
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    await client.write(authenticate('ana')).expect('</success>');
    await client.write(header()).expect('</stream:features>');
    expect(await client.write(bind('taken')).expect('</iq>')).toContain("<conflict xmlns='");
    const unclear = `<iq type='get' id='b2'><bind xmlns='${ns.bind}'/></iq>`;
    expect(await client.write(unclear).expect('</iq>')).toContain("<bad-request xmlns='");
    await client.write(bind('free')).expect('<jid>');
    expect(entrance.sessions).toHaveLength(1);
  });

  it('is told before anything is sent to it', async () => {
    const { open, entrance } = await start();
    entrance.onBind = (link) => void link.send(message({ id: 'early' }));
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    await client.write(authenticate('ana')).expect('</success>');
    await client.write(header()).expect('</stream:features>');
    const answer = await client.write(bind()).expect("id='early'");
    expect(answer).toMatch(/^<iq type='result'.*<\/iq><message id='early'\/>$/);
  });

  it('of a client that went meanwhile is given back with what was sent to it', async () => {
    const { open, entrance } = await start();
    const links: SessionLink[] = [];
    let goOn = () => {};
    entrance.onBind = (link) => {
      links.push(link);
      link.send(message({ id: 'early' }));
      return new Promise((resolve) => {
        goOn = resolve;
      });
    };
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    await client.write(authenticate('ana')).expect('</success>');
    await client.write(header()).expect('</stream:features>');
    client.write(bind());
    await waitFor('the request', () => links.length === 1, { interval: 2 });
    client.socket.resetAndDestroy();
    await waitFor('the loss', () => links.some((link) => link instanceof ClientStream && !link.isOpen), {
      interval: 2,
    });
    expect(entrance.unbound).toEqual([]);
    goOn();
    await waitFor('the end of the session', () => entrance.unbound.length === 1, { interval: 2 });
    expect(entrance.unbound[0]?.undelivered.map((stanza) => stanza.attr('id'))).toEqual(['early']);
  });
});

describe('strangers', () => {
  const options = {
    openFeatures: () => [el('register', ns.registerFeature)],
    beforeAuthentication: (iq: Parameters<typeof iqResult>[0]) =>
      iq.child('query', ns.register) === undefined ? undefined : iqResult(iq),
  };
  const request = `<iq type='get' id='1'><query xmlns='${ns.register}'/></iq>`;

  it('may ask for an account, and have time to fill in the form', async () => {
    const clock = new FakeClock();
    const { open } = await start({ ...options, clock });
    const client = await open();
    expect(await client.write(header()).expect('</stream:features>')).toContain(
      `<register xmlns='${ns.registerFeature}'/>`,
    );
    clock.advance(20_000);
    expect(await client.write(request).expect('/>')).toBe("<iq type='result' id='1'/>");
    clock.advance(200_000);
    await client.write(request).expect('/>');
    await client.write(authenticate('ana')).expect('</success>');
    const slow = await open();
    await slow.write(header()).expect('</stream:features>');
    await slow.write(request).expect('/>');
    clock.advance(299_999);
    expect(slow.isClosed).toBe(false);
    clock.advance(1);
    expect(conditionsIn(await slow.closed())).toEqual(['connection-timeout']);
  });

  it('may ask for nothing else', async () => {
    const { open } = await start(options);
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    expect(conditionsIn(await client.write(iqNamed('1')).closed())).toEqual(['not-authorized']);
  });
});
