import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { answerTo, ask, domain, fateOf, useHostileServer } from '../harness/hostile.js';
import { metricsOf } from '../harness/metrics.js';
import { waitFor } from '../harness/net.js';
import type { PushAnswer } from '../harness/push-answers.js';
import type { PushService, TestSubscription } from '../harness/push-service.js';
import { createPushUserAgent } from '../harness/push-user-agent.js';
import { createPushServices } from '../harness/web-push/world.js';

const services = await createPushServices();
const { keys } = createPushUserAgent();
const set = (id: string, inner: string) => `<iq type='set' id='${id}'>${inner}</iq>`;
const wish = (name: 'enable' | 'disable', inner: string) =>
  `<${name} xmlns='${ns.webPush}'>${inner}</${name}>`;
const parts = ({ endpoint, auth = keys.auth, p256dh = keys.p256dh }: Partial<TestSubscription>) =>
  `<endpoint>${endpoint}</endpoint><auth>${auth}</auth><p256dh>${p256dh}</p256dh>`;
const enable = (id: string, subscription: Partial<TestSubscription>) =>
  set(id, wish('enable', parts(subscription)));
const somewhere = 'https://push.example.net/nobody';

describe('a Belfry on the Internet', () => {
  const hostile = useHostileServer();
  /** What nobody may reach through it. */
  const inside = createServer();
  let connections = 0;
  let port = 0;

  beforeAll(async () => {
    inside.on('connection', (socket) => {
      connections++;
      socket.destroy();
    });
    inside.listen(0);
    await once(inside, 'listening');
    port = (inside.address() as AddressInfo).port;
  });
  afterAll(async () => {
    inside.close();
    await once(inside, 'close');
  });

  it('is sent nowhere inside by an endpoint', async () => {
    const client = await hostile.logIn('mallory');
    const hosts = [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '0',
      '[::1]',
      '[::ffff:127.0.0.1]',
    ];
    const names = [
      'localhost',
      'LOCALHOST',
      'localhost.',
      'a.localhost',
      'ip6-localhost',
      '127。0。0。1',
      'belfry',
    ];
    const nets = [
      '10.0.0.1',
      '192.168.1.1',
      '172.16.0.1',
      '100.64.0.1',
      '169.254.169.254',
      '[fe80::1]',
      '[fd00::1]',
    ];
    const endpoints = [
      ...[...hosts, ...names, ...nets].map((host) => `https://${host}:${port}/push`),
      `http://push.example.net:${port}/`,
      `https://push.example.net@127.0.0.1:${port}/`,
      `https://127.0.0.1:${port}\\@push.example.net/`,
      `https://127.0.0.1:${port}/#push.example.net`,
      `wss://127.0.0.1:${port}/`,
      'https://push.example.net:25/',
      'file:///etc/passwd',
      'javascript:alert(1)',
      '//push.example.net/',
      `https://push.example.net/${'x'.repeat(1_000)}`,
      `https://push.example.net/\n${'x'.repeat(10)}`,
    ];
    for (const [at, endpoint] of endpoints.entries()) {
      const answer = await answerTo(
        client,
        `e${at}`,
        enable(`e${at}`, { endpoint: endpoint.replace('&', '&amp;') }),
      );
      expect({ endpoint, answer }).toEqual({
        endpoint,
        answer: expect.stringContaining('<policy-violation'),
      });
      expect(answer).not.toContain(`:${port}`);
    }
    expect(await ask(client, 'list', set('list', wish('disable', '')))).toBe('result');
    expect(connections).toBe(0);
    client.socket.destroy();
  });

  it.each([
    ['no endpoint', parts({}).replace(/<endpoint>.*<\/endpoint>/, ''), 'bad-request'],
    ['no auth', parts({ endpoint: somewhere }).replace(/<auth>.*<\/auth>/, ''), 'bad-request'],
    ['no p256dh', parts({ endpoint: somewhere }).replace(/<p256dh>.*<\/p256dh>/, ''), 'bad-request'],
    ['nothing at all', '', 'bad-request'],
    ['empty keys', parts({ endpoint: somewhere, auth: '', p256dh: '' }), 'bad-request'],
    ['an auth that is too short', parts({ endpoint: somewhere, auth: 'AAAA' }), 'bad-request'],
    ['an auth that is too long', parts({ endpoint: somewhere, auth: 'A'.repeat(100_000) }), 'bad-request'],
    ['a point that is on no curve', parts({ endpoint: somewhere, p256dh: point(4) }), 'bad-request'],
    ['a compressed point', parts({ endpoint: somewhere, p256dh: point(2) }), 'bad-request'],
    ['the point at infinity', parts({ endpoint: somewhere, p256dh: 'AA' }), 'bad-request'],
    [
      'an auth of letters that are none',
      parts({ endpoint: somewhere, auth: '鐘'.repeat(22) }),
      'bad-request',
    ],
    ['elements in elements', parts({ endpoint: `<endpoint>${somewhere}</endpoint>` }), 'bad-request'],
    [
      'parts of another namespace',
      parts({ endpoint: somewhere }).replaceAll('<auth>', "<auth xmlns='x'>"),
      'bad-request',
    ],
  ])('answers a request with %s', async (_, inner, condition) => {
    const client = await hostile.logIn('mallory1');
    expect(await ask(client, 'e', set('e', wish('enable', inner)))).toBe(condition);
    client.socket.destroy();
  });

  it('ends the stream of who sends ten thousand parts', async () => {
    const client = await hostile.logIn('mallory1');
    client.write(set('e', wish('enable', '<endpoint/>'.repeat(10_000))));
    expect(await fateOf(client)).toBe('policy-violation');
  });

  it('answers who disables what nobody has, whatever that is', async () => {
    const client = await hostile.logIn('mallory2');
    for (const endpoint of ['', somewhere, 'no URL', '__proto__', 'x'.repeat(50_000), '<a/>']) {
      expect(await ask(client, 'd', set('d', wish('disable', `<endpoint>${endpoint}</endpoint>`)))).toBe(
        'result',
      );
    }
    client.socket.destroy();
  });

  it('enables nothing for others', async () => {
    const client = await hostile.logIn('mallory3');
    for (const to of [`ana@${domain}`, `nobody@${domain}`, 'example.net']) {
      const request = enable('o', { endpoint: somewhere }).replace("id='o'", `id='o' to='${to}'`);
      expect(await ask(client, 'o', request)).not.toBe('result');
    }
    client.socket.destroy();
  });
});

describe('a Belfry with push services that mean no good', () => {
  const hostile = useHostileServer({}, () => ({ web_push: services.keys }));
  let service: PushService;
  let absentees = 0;

  beforeAll(async () => {
    service = await services.start();
  });
  afterAll(() => services.close());

  /** Enables, and goes. */
  async function absent(user: string): Promise<TestSubscription> {
    const subscription = service.subscribe();
    const client = await hostile.logIn(user, 'browser');
    expect(await ask(client, 'e', enable('e', subscription))).toBe('result');
    await client.write('</stream:stream>').closed();
    return subscription;
  }

  const say = (user: string, text: string) =>
    hostile.bystanders.ana.send(
      message({ to: `${user}@${domain}`, type: 'chat' }, el('body', ns.client, {}, text)),
    );

  const waitForRequests = ({ received }: TestSubscription, count: number) =>
    waitFor(`${count} requests`, () => received.length >= count, { timeout: 60_000 });

  it.each<[string, PushAnswer]>([
    ['an answer without end', { kind: 'endless', status: 500 }],
    ['a success without end', { kind: 'endless', status: 201 }],
    ['an answer byte by byte', { kind: 'drip', status: 500, every: 50 }],
    ['a megabyte of headers', { kind: 'headers', status: 201, bytes: 1_000_000 }],
    ['a refusal of each stream', { kind: 'refuse' }],
    ['a reset of each connection', { kind: 'reset' }],
    ['nothing', { kind: 'hang' }],
    ['a request to come back in a million years', retryAfter('31556952000000')],
    ['a request to come back yesterday', retryAfter(new Date(0).toUTCString())],
    ['a request to come back never', retryAfter('NaN')],
    ['a reason that is no text', { kind: 'status', status: 400, body: Buffer.alloc(100_000, 0x1b) }],
  ])('gives %s no more than a little of its time and memory', async (_, answer) => {
    const user = `mallory${10 + absentees++}`;
    const victim = await absent(user);
    const before = await hostile.memory();
    victim.answer(answer);
    say(user, 'hello');
    await waitForRequests(victim, 1);
    await hostile.talk();
    await hostile.memoryBelow(before + 20);
    const other = await absent('mallory9');
    say('mallory9', 'hello');
    await waitForRequests(other, 1);
    for (const { written } of victim.received) expect(written).toBeLessThan(10_000_000);
  });
  it('follows nobody elsewhere', async () => {
    const target = service.subscribe();
    const victim = await absent('mallory21');
    const redirect = (status: number): PushAnswer => ({
      kind: 'status',
      status,
      headers: { location: target.endpoint },
    });
    victim.answer(...[301, 302, 303, 307, 308].map(redirect));
    for (let count = 0; count < 5; count++) {
      say('mallory21', 'hello');
      await waitForRequests(victim, count + 1);
    }
    await hostile.talk();
    expect(target.received).toEqual([]);
  });

  it('does not flood a push service with what a stranger floods an account with', async () => {
    const victim = await absent('mallory22');
    for (let count = 0; count < 1_000; count++) {
      say('mallory22', `flood ${count}`);
      if (count % 100 === 99) await hostile.bystanders.ana.settle();
    }
    await waitForRequests(victim, 1);
    const other = await absent('mallory23');
    say('mallory23', 'hello');
    await waitForRequests(other, 1);
    expect(victim.received.length).toBeLessThan(20);
  });

  it('tells its log and its metrics nothing of all that which is secret', async () => {
    const known = hostile.server.log() + (await metricsOf(hostile.server.httpBase));
    expect(known).toContain('device enabled');
    expect(known).toContain(service.origin);
    const secrets = service.requests.flatMap(({ endpoint, headers }) => [
      endpoint.slice(service.origin.length),
      String(headers['topic']),
      String(headers['authorization']).slice(0, 60),
    ]);
    expect(secrets.length).toBeGreaterThan(30);
    for (const secret of [...secrets, keys.auth, keys.p256dh, 'hello', 'flood'])
      expect(known).not.toContain(secret);
  });
});

/** 65 bytes that begin with that one, and are no point. */
function point(first: number): string {
  return Buffer.from([first, ...Array<number>(64).fill(1)]).toString('base64url');
}

function retryAfter(value: string): PushAnswer {
  return { kind: 'status', status: 429, headers: { 'retry-after': value } };
}
