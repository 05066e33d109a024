import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeHost } from '../../../tests/harness/fake-host.js';
import { memoryStores } from '../../../tests/harness/memory-stores.js';
import { recordingEvents } from '../../../tests/harness/recording-events.js';
import { el } from '../../xmpp/element.js';
import type { IqAnswer } from '../../xmpp/iq-tracker.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { type StanzaCondition, StanzaError } from '../../xmpp/stanza-error.js';
import { parsePushPayload } from './payload.js';
import { createUnifiedPush, type UnifiedPushOptions } from './service.js';
import type { TokenBackendName } from './tokens/backend.js';
import { createTokens } from './tokens/tokens.js';

const application = '8xbqhS2I8Bp2pMfMlPiDKRb3E8Wb4yLxf2WxJq0nZ3I=';
const instance = 'wR3pyyvOqJ0o3vKZ8nLrYxk1QGmVtHeSBbT7uD9cFiU=';
const phone = 'ana@example.org/phone-7';
const start = Date.UTC(2026, 8, 7, 12);

type ServiceSettings = Partial<UnifiedPushOptions> & { backend?: TokenBackendName };

async function setUp({ backend = 'storage', ...settings }: ServiceSettings = {}) {
  const host = new FakeHost();
  const stores = memoryStores();
  const { events, recorded } = recordingEvents();
  const clock = { time: start };
  const now = () => clock.time;
  const tokens = await createTokens({ ...stores, backend, secret: 'throw-away', now, randomBytes });
  const service = createUnifiedPush({
    host,
    tokens,
    acl: [Jid.parse('example.org')],
    publicUrl: new URL('https://push.example.org'),
    registrationTtl: 86400,
    pushTimeout: 30,
    rateLimit: 0,
    now,
    randomBytes,
    events,
    ...settings,
  });
  const register = (from = phone, attrs: Record<string, string> = { application, instance }) =>
    host.receiveIq('set', from, el('register', ns.unifiedPush, attrs));
  const registerToken = async () => tokenOf(await register());
  return { host, stores, recorded, clock, service, register, registerToken };
}

function tokenOf(registered: { attr(name: string): string | undefined } | undefined): string {
  return registered?.attr('endpoint')?.split('/push/')[1] ?? '';
}

function payload(text = 'hello world') {
  const parsed = parsePushPayload(Buffer.from(text));
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

const error = (condition: StanzaCondition): IqAnswer => ({
  kind: 'error',
  error: new StanzaError(condition),
});

const unknownEndpoint = { kind: 'gone', code: 'unknown-endpoint' };

describe('the service', () => {
  it('advertises itself', async () => {
    const { host } = await setUp();
    expect(host.advertised).toEqual([{ features: ['http://gultsch.de/xmpp/drafts/unified-push'] }]);
  });
});

describe('registration', () => {
  it('answers an endpoint and its expiration, and reports it', async () => {
    const { register, recorded } = await setUp({ publicUrl: new URL('https://example.org/up/') });
    const registered = await register();
    expect(registered?.is('registered', ns.unifiedPush)).toBe(true);
    expect(registered?.attr('endpoint')).toMatch(/^https:\/\/example\.org\/up\/push\/[A-Za-z0-9_-]{27}$/);
    expect(registered?.attr('expiration')).toBe('2026-09-08T12:00:00Z');
    const expiresAt = start / 1000 + 86400;
    expect(recorded).toEqual([{ name: 'registered', jid: 'ana@example.org', backend: 'storage', expiresAt }]);
  });

  it.each([
    ['eve@example.net/x', undefined, 'auth', 'forbidden', 'not-permitted'],
    ['ana@example.org', undefined, 'modify', 'bad-request', 'not-a-full-jid'],
    [phone, { application }, 'modify', 'bad-request', 'bad-hash'],
  ])('refuses %s with %o', async (from, attrs, type, condition, code) => {
    const { register, recorded, stores } = await setUp();
    await expect(register(from, attrs)).rejects.toMatchObject({ name: 'StanzaError', type, condition });
    const jid = Jid.parse(from).bare().toString();
    expect(recorded).toEqual([{ name: 'registrationRefused', jid, code }]);
    expect(stores.registrations.rows.size).toBe(0);
  });

  it('says which attribute is wrong', async () => {
    const { register } = await setUp();
    await expect(register(phone, { application })).rejects.toMatchObject({
      text: 'instance: no value provided',
    });
  });

  it('asks to wait if the database fails', async () => {
    const { register, stores, recorded } = await setUp();
    stores.registrations.failure = new Error('disk full');
    await expect(register()).rejects.toMatchObject({ type: 'wait', condition: 'internal-server-error' });
    expect(recorded.map((event) => event.name)).toEqual(['storageFailed', 'registrationRefused']);
  });

  it('refuses a JID whose endpoint would be longer than 1000 bytes', async () => {
    const { register } = await setUp({ backend: 'paseto' });
    const longest = await longestEndpoint(register);
    expect(longest).toBeGreaterThan(990);
    expect(longest).toBeLessThanOrEqual(1000);
    await expect(register(`ana@example.org/${'r'.repeat(700)}`)).rejects.toMatchObject({
      type: 'modify',
      condition: 'policy-violation',
    });
  });

  it('follows a changed list', async () => {
    const { register, service } = await setUp();
    service.setAcl([Jid.parse('example.net')]);
    await expect(register()).rejects.toMatchObject({ condition: 'forbidden' });
    await expect(register('eve@example.net/x')).resolves.toBeDefined();
  });
});

async function longestEndpoint(
  register: (from: string) => Promise<{ attr(name: string): string | undefined } | undefined>,
) {
  let longest = 0;
  for (let length = 400; length < 700; length++) {
    try {
      const registered = await register(`ana@example.org/${'r'.repeat(length)}`);
      longest = registered?.attr('endpoint')?.length ?? 0;
    } catch {
      break;
    }
  }
  return longest;
}

describe('a push', () => {
  afterEach(() => void vi.useRealTimers());

  it('reaches the full JID that registered, and the device says delivered', async () => {
    const { host, service, registerToken, recorded } = await setUp();
    const token = await registerToken();
    const outcome = await service.push(token, payload());
    expect(outcome).toEqual({
      kind: 'delivered',
      messageId: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    });
    expect(host.requests).toEqual([
      {
        iq: {
          type: 'set',
          to: Jid.parse(phone),
          payload: el('push', ns.unifiedPush, { application, instance }, 'aGVsbG8gd29ybGQ='),
        },
        options: { timeout: 30_000 },
      },
    ]);
    expect(recorded.at(-1)).toEqual({
      name: 'pushAnswered',
      code: 'delivered',
      jid: 'ana@example.org',
      bytes: 11,
      seconds: 0,
    });
  });

  it('follows the device to another resource', async () => {
    const { host, service, register, registerToken } = await setUp();
    const token = await registerToken();
    await register('ana@example.org/phone-8');
    await service.push(token, payload());
    expect(host.requests.map(({ iq }) => iq.to.toString())).toEqual(['ana@example.org/phone-8']);
  });

  it.each(['paseto', 'storage', 'jwt'] as const)(
    '(%s) looks the same to a stranger whatever is wrong',
    async (backend) => {
      const { host, service, clock, registerToken, recorded } = await setUp({ backend });
      const token = await registerToken();
      expect(await service.push(`${token.slice(0, -2)}xx`, payload())).toEqual(unknownEndpoint);
      expect(await service.push('x'.repeat(5000), payload())).toEqual(unknownEndpoint);
      expect(await service.push('', payload())).toEqual(unknownEndpoint);
      clock.time += 86400 * 1000;
      expect(await service.push(token, payload())).toEqual(unknownEndpoint);
      expect(host.requests).toEqual([]);
      expect(recorded.at(-1)).toEqual({
        name: 'pushAnswered',
        code: 'unknown-endpoint',
        bytes: 11,
        seconds: 0,
      });
    },
  );

  it.each([
    ['paseto', 'item-not-found'],
    ['storage', 'item-not-found'],
    ['jwt', 'feature-not-implemented'],
  ] as const)('(%s) revokes on %s before it says so', async (backend, condition) => {
    const { host, service, stores, registerToken, recorded } = await setUp({ backend });
    const token = await registerToken();
    host.answer = () => error(condition);
    expect(await service.push(token, payload())).toEqual({ kind: 'gone', code: 'registration-gone' });
    expect(stores.registrations.rows.size).toBe(0);
    expect(stores.revocations.rows.size).toBe(backend === 'storage' ? 0 : 1);
    host.answer = () => ({ kind: 'result', payload: undefined });
    expect(await service.push(token, payload())).toEqual(unknownEndpoint);
    expect(host.requests).toHaveLength(1);
    expect(recorded).toContainEqual({
      name: 'registrationRevoked',
      jid: 'ana@example.org',
      backend,
      reason: 'disowned by the device',
    });
    expect(await service.push(await registerToken(), payload())).toMatchObject({ kind: 'delivered' });
  });

  it('does not revoke what was renewed while it was under way', async () => {
    const { host, service, clock, register, registerToken, recorded } = await setUp();
    const token = await registerToken();
    host.answer = async () => {
      clock.time += 1000;
      expect(tokenOf(await register())).toBe(token);
      return error('item-not-found');
    };
    expect(await service.push(token, payload())).toMatchObject({
      kind: 'retry',
      code: 'recipient-unavailable',
    });
    expect(recorded.map((event) => event.name)).not.toContain('registrationRevoked');
    host.answer = () => ({ kind: 'result', payload: undefined });
    expect(await service.push(token, payload())).toMatchObject({ kind: 'delivered' });
  });

  it('is gone even if the revocation cannot be stored', async () => {
    const { host, service, stores, registerToken, recorded } = await setUp({ backend: 'paseto' });
    const token = await registerToken();
    const failure = new Error('disk full');
    host.answer = () => {
      stores.revocations.failure = failure;
      return error('item-not-found');
    };
    expect(await service.push(token, payload())).toEqual({ kind: 'gone', code: 'registration-gone' });
    expect(recorded).toContainEqual({
      name: 'storageFailed',
      what: 'unified-push revocation',
      error: failure,
    });
  });

  it.each([
    [error('service-unavailable'), { kind: 'retry', code: 'recipient-unavailable', retryAfter: 60 }],
    [{ kind: 'timeout' }, { kind: 'retry', code: 'no-answer', retryAfter: 60 }],
    [{ kind: 'overflow' }, { kind: 'retry', code: 'overloaded', retryAfter: 10 }],
    [error('bad-request'), { kind: 'rejected', code: 'push-rejected' }],
  ] as const)('%o leaves the registration', async (answer, outcome) => {
    const { host, service, registerToken } = await setUp();
    const token = await registerToken();
    host.answer = () => answer;
    expect(await service.push(token, payload())).toEqual(outcome);
    host.answer = () => ({ kind: 'result', payload: undefined });
    expect(await service.push(token, payload())).toMatchObject({ kind: 'delivered' });
  });

  it('says that the host is away', async () => {
    const { host, service, registerToken } = await setUp();
    const token = await registerToken();
    host.isConnected = false;
    expect(await service.push(token, payload())).toMatchObject({ kind: 'retry', code: 'host-disconnected' });
  });

  it('says that the database failed', async () => {
    const { service, stores, registerToken, recorded } = await setUp();
    const token = await registerToken();
    stores.registrations.failure = new Error('disk full');
    expect(await service.push(token, payload())).toEqual({ kind: 'rejected', code: 'storage-failed' });
    expect(recorded.slice(-2).map((event) => event.name)).toEqual(['storageFailed', 'pushAnswered']);
  });

  it('stops for who is taken off the list, and goes on when it is back', async () => {
    const { host, service, registerToken } = await setUp();
    const token = await registerToken();
    service.setAcl([Jid.parse('bob@example.org')]);
    expect(await service.push(token, payload())).toEqual(unknownEndpoint);
    expect(host.requests).toEqual([]);
    service.setAcl([Jid.parse('ana@example.org')]);
    expect(await service.push(token, payload())).toMatchObject({ kind: 'delivered' });
  });

  it('is refused while a hundred others of its registration are under way', async () => {
    const { host, service, register, registerToken } = await setUp();
    const token = await registerToken();
    const other = tokenOf(await register('bob@example.org/x'));
    const { promise: answer, resolve } = withResolvers<IqAnswer>();
    host.answer = () => answer;
    const pushes = Array.from({ length: 100 }, () => service.push(token, payload()));
    expect(await service.push(token, payload())).toEqual({
      kind: 'retry',
      code: 'too-many-pushes',
      retryAfter: 30,
    });
    const push = service.push(other, payload());
    resolve({ kind: 'result', payload: undefined });
    expect(await push).toMatchObject({ kind: 'delivered' });
    expect((await Promise.all(pushes)).every((outcome) => outcome.kind === 'delivered')).toBe(true);
    expect(await service.push(token, payload())).toMatchObject({ kind: 'delivered' });
  });

  it('is refused past the rate of its registration, by whichever token', async () => {
    vi.useFakeTimers({ now: start });
    const { service, clock, registerToken } = await setUp({ backend: 'paseto', rateLimit: 2 });
    const [first, second] = [await registerToken(), await registerToken()];
    expect(first).not.toBe(second);
    await service.push(first, payload());
    await service.push(second, payload());
    vi.advanceTimersByTime(15_000);
    clock.time += 15_000;
    const refused = { kind: 'retry', code: 'too-many-pushes', retryAfter: 45 };
    expect(await service.push(first, payload())).toEqual(refused);
    vi.advanceTimersByTime(45_000);
    expect(await service.push(first, payload())).toMatchObject({ kind: 'delivered' });
    service.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
