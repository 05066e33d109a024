import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeHost } from '../../../tests/harness/fake-host.js';
import { recordingEvents } from '../../../tests/harness/recording-events.js';
import {
  application,
  instance,
  payload,
  phone,
  setUpUnifiedPush as setUp,
  start,
  tokenOf,
} from '../../../tests/harness/unified-push.js';
import { el } from '../../xmpp/element.js';
import type { IqAnswer } from '../../xmpp/iq-tracker.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { type StanzaCondition, StanzaError } from '../../xmpp/stanza-error.js';
import { PushLimits } from './limits.js';
import { createPush } from './push.js';

const error = (condition: StanzaCondition): IqAnswer => ({
  kind: 'error',
  error: new StanzaError(condition),
});

const unknownEndpoint = { kind: 'gone', code: 'unknown-endpoint' };

describe('a push', () => {
  afterEach(() => void vi.useRealTimers());

  it('reaches the full JID that registered, and the device says delivered', async () => {
    const { host, service, registerToken, recorded } = await setUp();
    const token = await registerToken();
    const outcome = await service.push(token, payload());
    expect(outcome).toEqual({
      kind: 'delivered',
      messageId: expect.stringMatching(/^[A-Za-z0-9_-]{24}$/),
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

  it('does not revoke what was renewed while it was under way, be it in the same second', async () => {
    const { host, service, register, registerToken, recorded } = await setUp();
    const token = await registerToken();
    host.answer = async () => {
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

  it('fails if the revocation cannot be stored, and works as before', async () => {
    const { host, service, stores, registerToken, recorded } = await setUp({ backend: 'paseto' });
    const token = await registerToken();
    const failure = new Error('disk full');
    host.answer = () => {
      stores.revocations.failure = failure;
      return error('item-not-found');
    };
    expect(await service.push(token, payload())).toEqual({ kind: 'rejected', code: 'storage-failed' });
    expect(recorded).toContainEqual({
      name: 'storageFailed',
      what: 'unified-push revocation',
      error: failure,
    });
    stores.revocations.failure = undefined;
    host.answer = () => ({ kind: 'result', payload: undefined });
    expect(await service.push(token, payload())).toMatchObject({ kind: 'delivered' });
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
    expect(await service.push(token, payload())).toEqual({
      kind: 'retry',
      code: 'recipient-not-permitted',
      retryAfter: 3600,
    });
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

  it('is refused while as many as may be are under way in all, before the database is asked', async () => {
    const { promise: looked, resolve } = withResolvers<undefined>();
    const verify = vi.fn(() => looked);
    const { events, recorded } = recordingEvents();
    const push = createPush({
      host: new FakeHost(),
      tokens: { verify },
      acl: () => () => true,
      limits: new PushLimits({ perMinute: 0, underWayEach: 1, underWayInAll: 1, countedKeys: 1 }),
      pushTimeout: 30,
      now: () => start,
      randomBytes,
      events,
    });
    const first = push('a', payload());
    expect(await push('b', payload())).toMatchObject({ kind: 'retry', code: 'overloaded' });
    expect(verify).toHaveBeenCalledTimes(1);
    expect(recorded).toEqual([{ name: 'pushAnswered', code: 'overloaded', bytes: 11, seconds: 0 }]);
    resolve(undefined);
    expect(await first).toEqual(unknownEndpoint);
    verify.mockRejectedValueOnce(new Error('disk full'));
    expect(await push('b', payload())).toMatchObject({ code: 'storage-failed' });
    expect(await push('b', payload())).toEqual(unknownEndpoint);
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
