import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createScram } from '../../src/demo/scram.js';
import { el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { bind, iqNamed, type RawClient } from '../harness/c2s.js';
import {
  authenticate,
  domain,
  fateOf,
  opening,
  password,
  plain,
  streamErrorIn,
  useHostileServer,
} from '../harness/hostile.js';
import { waitFor } from '../harness/net.js';

const hostile = useHostileServer({ require_encryption: false });
const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');
const auth = (mechanism: string, text = '') =>
  `<auth xmlns='${ns.sasl}' mechanism='${mechanism}'>${text}</auth>`;
const response = (text: string) => `<response xmlns='${ns.sasl}'>${text}</response>`;
const toBob = (attrs: string) =>
  `<message to='bob@${domain}/desk' type='chat' ${attrs}><body>Hi.</body></message>`;

async function stranger(): Promise<RawClient> {
  const client = await hostile.open();
  await client.write(opening).expect('</stream:features>');
  return client;
}

async function authenticated(): Promise<RawClient> {
  const client = await hostile.open();
  await authenticate(client, 'mallory');
  await client.write(opening).expect('</stream:features>');
  return client;
}

/** What SASL answers: the condition of a failure, `success`, or the text of a challenge. */
async function saslAnswer(client: RawClient): Promise<string> {
  const text = await client.expect(
    /<(?:challenge|success|failure)\b[^>]*(?:\/>|>.*?<\/(?:challenge|success|failure)>)/,
  );
  const challenge = /<challenge[^>]*>([^<]*)</.exec(text)?.[1];
  if (challenge !== undefined) return Buffer.from(challenge === '=' ? '' : challenge, 'base64').toString();
  return /<failure[^>]*><([a-z-]+)/.exec(text)?.[1] ?? 'success';
}

describe('before authentication', () => {
  it.each([
    ['a resource', bind()],
    ['a message', toBob('')],
    ['a message from somebody', toBob(`from='ana@${domain}/desk'`)],
    ['presence', '<presence/>'],
    ['a request', iqNamed('p1')],
    ['a request for the roster', `<iq type='get' id='r1'><query xmlns='${ns.roster}'/></iq>`],
    ['the answer to a request', `<iq type='result' id='r1' to='${domain}' from='ana@${domain}/desk'/>`],
  ])('%s ends the stream', async (_what, stanza) => {
    const client = await stranger();
    client.write(stanza);
    expect(await fateOf(client)).toBe('not-authorized');
    expect(hostile.bystanders.bob.take()).toEqual([]);
  });

  it('registration is closed, and asking for it buys no time', async () => {
    const client = await stranger();
    const query = `<query xmlns='${ns.register}'><username>eve</username><password>${password}</password></query>`;
    const answer = await client.write(`<iq type='set' id='r1'>${query}</iq>`).expect('</iq>');
    expect(answer).toContain('<service-unavailable');
    client.write(plain('eve', password));
    expect(await saslAnswer(client)).toBe('not-authorized');
    client.socket.destroy();
  });
});

describe('out of order', () => {
  it('authentication after authentication ends the stream', async () => {
    const client = await authenticated();
    client.write(plain('ana', password));
    expect(await fateOf(client)).toBe('unsupported-stanza-type');
  });

  it('authentication in one breath with the stanzas that it would allow gives those to nobody', async () => {
    const client = await stranger();
    client.write(plain('mallory', password) + toBob(`from='mallory@${domain}/r'`));
    expect(['bad-format', 'not-well-formed', 'invalid-xml']).toContain(await fateOf(client));
    expect(hostile.bystanders.bob.take()).toEqual([]);
  });

  it('authentication after binding ends the stream', async () => {
    const client = await hostile.logIn('mallory');
    client.write(plain('ana', password));
    expect(await fateOf(client)).toBe('unsupported-stanza-type');
  });

  it('a stanza before a resource is bound ends the stream', async () => {
    const client = await authenticated();
    client.write(toBob(''));
    expect(await fateOf(client)).toBe('not-authorized');
  });

  it('a second resource on one stream is refused', async () => {
    const client = await hostile.logIn('mallory', 'first');
    const answer = await client.write(bind('second')).expect('</iq>');
    expect(answer).toMatch(/type='error'.*<(service-unavailable|not-allowed)/s);
    await client.write(`<message to='mallory@${domain}/first' id='self'/>`).expect("id='self'");
    client.socket.destroy();
  });

  it('two resources in one breath: one is bound', async () => {
    const client = await authenticated();
    await client.write(bind('one') + bind('two')).expect('<jid>');
    await client.write(iqNamed('p1')).expect("id='p1'");
    const answer = await client
      .write(`<message to='mallory@${domain}/two' type='normal' id='gone'/>`)
      .expect("id='gone'");
    expect(answer).toContain('<service-unavailable');
    client.socket.destroy();
  });

  it.each([
    ['a resource that is too long', 'r'.repeat(1_024)],
    ['a resource with a control character', 'a&#9;b'],
  ])('%s is refused, and another may be tried', async (_what, resource) => {
    const client = await authenticated();
    expect(await client.write(bind(resource)).expect('</iq>')).toContain('<bad-request');
    await client.write(bind('fine')).expect('<jid>');
    client.socket.destroy();
  });
});

describe('speaking for somebody else', () => {
  it.each([
    ['another user', `ana@${domain}/desk`],
    ['another account', `ana@${domain}`],
    ['another session of the account', `mallory@${domain}/other`],
    ['the domain', domain],
    ['another server', 'example.org'],
    ['nobody', ''],
    ['an address that is none', '@@/'],
    ['a name that only looks like it', `m\u0430llory@${domain}/r`],
  ])('as %s ends the stream', async (_what, from) => {
    const client = await hostile.logIn('mallory');
    client.write(toBob(`from='${from}'`));
    expect(await fateOf(client)).toBe('invalid-from');
    expect(hostile.bystanders.bob.take()).toEqual([]);
  });

  it('as oneself, in full or not, is allowed, and others see who it is', async () => {
    const client = await hostile.logIn('mallory');
    const { bob } = hostile.bystanders;
    for (const from of [`MALLORY@${domain.toUpperCase()}/r`, `mallory@${domain}`]) {
      await client.write(toBob(`from='${from}'`) + iqNamed('p1')).expect("id='p1'");
      await waitFor('the message', async () => {
        await bob.settle();
        const [message] = bob.take();
        return message?.attr('from') === `mallory@${domain}/r`;
      });
    }
    client.socket.destroy();
  });

  it('the answer of a stranger to a push counts for nothing', async () => {
    const { ana } = hostile.bystanders;
    const token = base64('x'.repeat(32));
    const register = el('register', ns.unifiedPush, { application: token, instance: token });
    const registered = await ana.client.request({ type: 'set', to: Jid.parse(domain), payload: register });
    if (registered.kind !== 'result') throw new Error(`not registered: ${JSON.stringify(registered)}`);
    const endpoint = registered.payload?.attr('endpoint') ?? '';
    ana.take();
    const push = fetch(endpoint, { method: 'POST', body: 'hello' });
    let id: string | undefined;
    await waitFor('the push', () => {
      id ??= ana
        .take()
        .find((stanza) => stanza.child('push', ns.unifiedPush) !== undefined)
        ?.attr('id');
      return id !== undefined;
    });
    const mallory = await hostile.logIn('mallory');
    mallory.write(`<iq type='result' to='${domain}' id='${id}'/>`);
    await mallory.write(iqNamed('p1')).expect("id='p1'");
    const other = await hostile.connect(`ana@${domain}/other`);
    other.send(el('iq', ns.client, { type: 'result', to: domain, id }));
    await other.settle();
    // Had one of the others been believed, the push would be delivered already.
    const error = new StanzaError('item-not-found').toElement();
    ana.send(el('iq', ns.client, { type: 'error', to: domain, id }, error));
    expect((await push).status).toBe(404);
    mallory.socket.destroy();
    await other.close();
  });
});

describe('SASL', () => {
  it.each([
    ['an unknown mechanism', auth('GSSAPI', '='), 'invalid-mechanism'],
    ['no mechanism', `<auth xmlns='${ns.sasl}'/>`, 'invalid-mechanism'],
    ['a name that objects have', auth('constructor', '='), 'invalid-mechanism'],
    [
      'channel binding without a channel',
      auth('SCRAM-SHA-256-PLUS', base64('p=tls-exporter,,n=ana,r=x')),
      'invalid-mechanism',
    ],
    ['what is no base64', auth('PLAIN', '!!!'), 'incorrect-encoding'],
    ['half of a base64', auth('PLAIN', 'AGF'), 'incorrect-encoding'],
    ['nothing at all', auth('PLAIN', '='), 'malformed-request'],
    ['PLAIN with four parts', auth('PLAIN', base64('\0a\0b\0c')), 'malformed-request'],
    ['PLAIN without password', auth('PLAIN', base64('\0ana\0')), 'malformed-request'],
    [
      'PLAIN that is not UTF-8',
      auth('PLAIN', base64(Buffer.from('\0ana\0\xff', 'latin1'))),
      'malformed-request',
    ],
    ['PLAIN for another user', plain('mallory', password, `ana@${domain}`), 'invalid-authzid'],
    ['a wrong password', plain('mallory', 'guess'), 'not-authorized'],
    ['an account of another domain', plain('ana@example.org', password), 'not-authorized'],
    ['a full JID', plain(`mallory@${domain}/r`, password), 'not-authorized'],
    [
      'SCRAM for another user',
      auth('SCRAM-SHA-256', base64(`n,a=ana@${domain},n=mallory,r=x`)),
      'invalid-authzid',
    ],
    ['SCRAM without nonce', auth('SCRAM-SHA-256', base64('n,,n=mallory')), 'malformed-request'],
    [
      'SCRAM with a mandatory extension',
      auth('SCRAM-SHA-256', base64('n,,m=x,n=mallory,r=x')),
      'malformed-request',
    ],
    ['a response to nothing', response('='), 'malformed-request'],
    ['an element of its own', `<succeed xmlns='${ns.sasl}'/>`, 'malformed-request'],
    ['giving up', `<abort xmlns='${ns.sasl}'/>`, 'aborted'],
  ])('%s is refused', async (_what, element, condition) => {
    const client = await stranger();
    client.write(element);
    expect(await saslAnswer(client)).toBe(condition);
    client.write(plain('mallory2', password));
    expect(await saslAnswer(client)).toBe('success');
    client.socket.destroy();
  });

  /** Sends what `change` makes of the right final message; answers what SASL says. */
  async function scramWith(
    change: (final: string, serverFirst: string) => string | Promise<string>,
  ): Promise<string> {
    const client = await stranger();
    const scram = createScram({ user: 'mallory3', password });
    client.write(auth('SCRAM-SHA-256', base64(scram.first)));
    const serverFirst = await saslAnswer(client);
    client.write(response(await change(base64(await scram.respond(serverFirst)), serverFirst)));
    const answer = await saslAnswer(client);
    client.socket.destroy();
    return answer;
  }

  const edit = (final: string, pattern: RegExp, by: string) =>
    base64(Buffer.from(final, 'base64').toString().replace(pattern, by));

  it('takes the right proof', async () => {
    expect(await scramWith((final) => final)).toBe('success');
  });

  it.each([
    ['another nonce', (final: string) => edit(final, /r=[^,]+/, 'r=evil'), 'malformed-request'],
    ['a longer nonce', (final: string) => edit(final, /(r=[^,]+)/, '$1x'), 'malformed-request'],
    ['half a proof', (final: string) => edit(final, /p=.*$/, `p=${base64('half')}`), 'not-authorized'],
    [
      'a proof of zeros',
      (final: string) => edit(final, /p=.*$/, `p=${base64(new Uint8Array(32))}`),
      'not-authorized',
    ],
    ['no proof', (final: string) => edit(final, /,p=.*$/, ''), 'malformed-request'],
    [
      'another channel binding',
      (final: string) => edit(final, /c=[^,]+/, `c=${base64('y,,')}`),
      'not-authorized',
    ],
    ['an empty response', () => '=', 'malformed-request'],
    ['no response', () => '', 'malformed-request'],
  ])('SCRAM with %s is refused', async (_what, change, condition) => {
    expect(await scramWith(change)).toBe(condition);
  });

  it('SCRAM cannot be replayed', async () => {
    const client = await stranger();
    const nonce = 'always-the-same';
    const first = `n=mallory4,r=${nonce}`;
    client.write(auth('SCRAM-SHA-256', base64(`n,,${first}`)));
    const serverFirst = await saslAnswer(client);
    const recorded = proof(first, serverFirst);
    client.write(response(recorded));
    expect(await saslAnswer(client)).toBe('success');
    const thief = await stranger();
    thief.write(auth('SCRAM-SHA-256', base64(`n,,${first}`)));
    expect(await saslAnswer(thief)).not.toBe(serverFirst);
    thief.write(response(recorded));
    expect(await saslAnswer(thief)).toBe('malformed-request');
    for (const { socket } of [client, thief]) socket.destroy();
  });

  function proof(first: string, serverFirst: string): string {
    const [nonce = '', salt = '', iterations = ''] = serverFirst.split(',').map((part) => part.slice(2));
    const withoutProof = `c=${base64('n,,')},r=${nonce}`;
    const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest();
    const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const storedKey = createHash('sha256').update(clientKey).digest();
    const signature = hmac(storedKey, `${first},${serverFirst},${withoutProof}`);
    const made = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
    return base64(`${withoutProof},p=${base64(made)}`);
  }

  it('a response of megabytes is cut off', async () => {
    const client = await stranger();
    client.write(auth('SCRAM-SHA-256', base64('n,,n=mallory,r=x')));
    await saslAnswer(client);
    client.write(response('A'.repeat(4 * 1024 * 1024)));
    expect(['policy-violation', undefined]).toContain(await fateOf(client));
  });

  it('a connection has five tries', async () => {
    const client = await stranger();
    for (let attempt = 0; attempt < 4; attempt++) {
      client.write(auth('SCRAM-SHA-256', base64('n,,n=mallory,r=x')));
      await saslAnswer(client);
      client.write(`<abort xmlns='${ns.sasl}'/>`);
      expect(await saslAnswer(client)).toBe('aborted');
    }
    client.write(auth('UNKNOWN'));
    expect(await fateOf(client)).toBe('policy-violation');
  });

  it('exchanges that are begun and not gone on with count as tries', async () => {
    const client = await stranger();
    client.write(auth('SCRAM-SHA-256', base64('n,,n=mallory,r=x')).repeat(100));
    client.write(auth('PLAIN', '!!!'));
    expect(await fateOf(client)).toBe('policy-violation');
  });

  it('who guesses has to wait, and the owner of the account has not', async () => {
    const answers: string[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      const guesser = await hostile.open('127.0.0.66');
      await guesser.write(opening).expect('</stream:features>');
      guesser.write(plain('mallory5', `guess ${attempt}`));
      answers.push(await saslAnswer(guesser));
      guesser.socket.destroy();
    }
    expect(answers.slice(0, 10)).toEqual(Array(10).fill('not-authorized'));
    expect(answers.slice(10)).toEqual(['temporary-auth-failure', 'temporary-auth-failure']);
    await authenticate(await hostile.open(), 'mallory5');
  });
});

describe('STARTTLS', () => {
  const startTls = `<starttls xmlns='${ns.tls}'/>`;

  it('what comes in clear after it is thrown away', async () => {
    const client = await stranger();
    const smuggled = opening + plain('mallory', password);
    await client.write(startTls + smuggled).expect('<proceed');
    await client.startTls();
    await client.write(opening).expect('</stream:features>');
    // Were the smuggled authentication taken, this would come too late, and a resource would be offered.
    client.write(plain('mallory', 'wrong'));
    expect(await saslAnswer(client)).toBe('not-authorized');
    client.socket.destroy();
  });

  it('what is begun in clear is not finished in TLS', async () => {
    const client = await stranger();
    await client.write(`${startTls}<auth xmlns='${ns.sasl}' mechanism='PLAIN'>`).expect('<proceed');
    await client.startTls();
    client.write(`${base64(`\0mallory\0${password}`)}</auth>`);
    expect(['bad-format', 'not-well-formed']).toContain(await fateOf(client));
  });

  it('is not to be had twice', async () => {
    const client = await stranger();
    await client.write(startTls).expect('<proceed');
    await client.startTls();
    await client.write(opening).expect('</stream:features>');
    client.write(startTls);
    expect(await client.closed()).toContain(`<failure xmlns='${ns.tls}'/></stream:stream>`);
  });

  it.each(['authenticated', 'bound'])('is not to be had once the client is %s', async (state) => {
    const client = state === 'bound' ? await hostile.logIn('mallory') : await authenticated();
    client.write(startTls);
    const last = await client.closed();
    expect(last).not.toContain('<proceed');
    expect(last).toMatch(/<failure xmlns|<unsupported-stanza-type/);
  });

  it.each([
    ['garbage', Buffer.from('this is no handshake, not by far')],
    ['XML', Buffer.from(opening)],
    ['half of a handshake and garbage', Buffer.from(`16030100c8010000c40303${'ff'.repeat(300)}`, 'hex')],
    ['an alert', Buffer.from('15030300020228', 'hex')],
  ])('%s instead of a handshake closes the connection', async (_what, bytes) => {
    const client = await stranger();
    await client.write(startTls).expect('<proceed');
    client.write(bytes);
    expect(streamErrorIn(await client.closed())).toBeUndefined();
  });

  it('leaves no connection behind when the client vanishes in the handshake', async () => {
    const before = hostile.openFiles();
    for (let time = 0; time < 20; time++) {
      const client = await stranger();
      await client.write(startTls).expect('<proceed');
      client.write(Buffer.from('16030100c8010000c40303', 'hex'));
      client.socket.destroy();
    }
    await waitFor('the connections to be gone', () => hostile.openFiles() <= before);
  });
});
