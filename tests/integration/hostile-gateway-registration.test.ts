import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Element } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { askAll, verdictOf } from '../harness/gateway/ask-all.js';
import { command, register, unregister } from '../harness/gateway/requests.js';
import { watchDatabase } from '../harness/gateway/watch-database.js';
import { type GatewayPlace, startGatewayPlace } from '../harness/gateway/world.js';
import { listenOnLoopback } from '../harness/net.js';
import { createPushUserAgent } from '../harness/push-user-agent.js';
import { hostileByForm } from '../hostile-endpoints.js';

const { keys } = createPushUserAgent();

/** What nobody may reach through it. */
const inside = createServer();
let connections = 0;
let port = 0;
let place: GatewayPlace;

beforeAll(async () => {
  inside.on('connection', (socket) => {
    connections++;
    socket.destroy();
  });
  port = await listenOnLoopback(inside);
  place = await startGatewayPlace({});
});
afterAll(async () => {
  await place?.stop();
  inside.close();
  await once(inside, 'close');
});

// An address, so that no DNS is asked.
const somewhere = { endpoint: 'https://9.9.9.9/somebody', ...keys };
const ask = async (from: string, payload: Element) =>
  verdictOf(await place.server.current.ask('set', from, payload));
const askOne = (endpoint: string, from: string) => ask(from, register({ ...somewhere, endpoint }, 'd'));

it('connects nowhere inside, and remembers none of that', async () => {
  const atPort = hostileByForm.map(({ endpoint }) =>
    endpoint.replace(/^(https:\/\/[^/]*?)(:\d+)?(?=\/|$)/, `$1:${port}`),
  );
  const endpoints = [...hostileByForm.map(({ endpoint }) => endpoint), ...atPort];
  for (const [at, endpoint] of endpoints.entries()) {
    const verdict = await askOne(endpoint, `mallory${at}@example.org/x`);
    const expected = endpoint === '' ? 'modify bad-request' : expect.stringContaining('policy-violation');
    expect({ endpoint, verdict }).toEqual({ endpoint, verdict: expected });
  }
  const database = watchDatabase(place.belfry);
  expect(database.count('gateway_registrations')).toBe(0);
  database.close();
  expect(connections).toBe(0);
});

it.each([
  ['a stranger', 'ana@elsewhere.example/x'],
  ['a domain', 'example.org'],
  ['a resource of a domain', 'example.org/x'],
  ['an account of a domain below', 'ana@rooms.example.org/x'],
])('refuses %s', async (_, from) => {
  expect(await ask(from, register(somewhere, 'd'))).toBe('auth forbidden');
  expect(await ask(from, unregister('d'))).toBe('auth forbidden');
});

const without = (name: 'endpoint' | 'p256dh' | 'auth' | 'device-id') => {
  const { [name]: _, ...fields } = { ...somewhere, 'device-id': 'd' };
  return command('register-push-webpush', fields);
};
it.each<[string, Element]>([
  ['no endpoint', without('endpoint')],
  ['no key', without('p256dh')],
  ['no auth', without('auth')],
  ['no device', without('device-id')],
  ['an empty device', register(somewhere, '')],
  ['a long device', register(somewhere, '鐘'.repeat(86))],
  ['a key that is no point', register({ ...somewhere, p256dh: point(4) }, 'd')],
  ['a compressed key', register({ ...somewhere, p256dh: point(2) }, 'd')],
  ['a short auth', register({ ...somewhere, auth: 'AAAA' }, 'd')],
  ['a long auth', register({ ...somewhere, auth: 'A'.repeat(100_000) }, 'd')],
  ['an auth of letters that are none', register({ ...somewhere, auth: '鐘'.repeat(22) }, 'd')],
  ['something else than yes or no', register(somewhere, 'd', { 'important-only': 'perhaps' })],
])('refuses a registration with %s', async (_, request) => {
  expect(await ask('ana@example.org/x', request)).toBe('modify bad-request');
});

it.each(['register-push-fcm', 'register-push-apns', 'unregister-push-fcm'])(
  'says of %s what there is instead',
  async (node) => {
    const answer = await place.server.current.ask(
      'set',
      'ana@example.org/x',
      command(node, { token: 't', 'device-id': 'd' }),
    );
    expect(verdictOf(answer)).toBe('cancel feature-not-implemented');
    expect(answer.child('error')?.child('text', ns.stanzaErrors)?.text()).toContain('register-push-webpush');
  },
);

it.each(['__proto__', 'register-push-', '', 'x'.repeat(50_000)])(
  'knows no command of another name (%#)',
  async (node) => {
    expect(await ask('ana@example.org/x', command(node, {}))).not.toBe('result');
  },
);

it('keeps a few devices of an account that registers without end, and soon asks it to wait', async () => {
  const flood = Array.from({ length: 2_000 }, (_, at) => ({
    from: 'flood@example.org/x',
    payload: register({ ...somewhere, endpoint: `https://9.9.9.9/${at}` }, `device ${at}`),
  }));
  const verdicts = (await askAll(place.server.current, flood)).map(verdictOf);
  expect(new Set(verdicts)).toEqual(new Set(['result', 'wait resource-constraint']));
  expect(verdicts.filter((verdict) => verdict === 'result').length).toBeLessThan(500);
  const database = watchDatabase(place.belfry);
  expect(database.count('gateway_registrations')).toBeLessThanOrEqual(10);
  database.close();
  expect(await askOne(somewhere.endpoint, 'ana@example.org/x')).toBe('result');
});

/** 65 bytes that begin with that one, and are no point. */
function point(first: number): string {
  return Buffer.from([first, ...Array<number>(64).fill(1)]).toString('base64url');
}
