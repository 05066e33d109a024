import { getEventListeners } from 'node:events';
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../../../tests/harness/authority.js';
import { freePort, listenOnLoopback, waitFor } from '../../../tests/harness/net.js';
import { answers } from '../../../tests/harness/push-answers.js';
import { type PushProtocol, startPushService } from '../../../tests/harness/push-service.js';
import { openSenderStage, requestFor, type SenderStage } from '../../../tests/harness/sender-stage.js';
import { createVapid, createVapidKey } from '../vapid.js';

const closers: (() => Promise<unknown>)[] = [];

async function open(options: Parameters<typeof openSenderStage>[0] = {}): Promise<SenderStage> {
  const stage = await openSenderStage(options);
  closers.push(() => stage.close());
  return stage;
}

async function listen(server: Server): Promise<number> {
  const port = await listenOnLoopback(server);
  closers.push(async () => server.close());
  return port;
}

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

const protocols: readonly PushProtocol[] = ['h2', 'http/1.1'];

describe.each(protocols)('over %s', (protocol) => {
  const openFor = (options: Parameters<typeof openSenderStage>[0] = {}) =>
    open({ ...options, protocols: [protocol] });

  it('sends a message as it is to be', async () => {
    const { service, send } = await openFor();
    const subscription = service.subscribe();
    expect(await send(subscription, { ttl: 259_200, urgency: 'high', topic: 'a-topic' })).toEqual({
      kind: 'delivered',
    });
    const [received] = subscription.received;
    expect(received).toMatchObject({ protocol, payload: 'Hello!', problem: undefined });
    expect(received?.headers).toMatchObject({
      'content-encoding': 'aes128gcm',
      'content-length': String(received?.body.length),
      'content-type': 'application/octet-stream',
      topic: 'a-topic',
      ttl: '259200',
      urgency: 'high',
      'user-agent': 'Belfry/test',
    });
    expect(received?.sender).toMatchObject({ audience: service.origin, subject: 'mailto:admin@example.org' });
  });

  it('leaves out a topic that there is none', async () => {
    const { service, send } = await openFor();
    await send();
    expect(service.requests[0]?.headers).not.toHaveProperty('topic');
  });

  it('makes no header of what is no topic', async () => {
    const { service, send } = await openFor();
    for (const topic of ['a\r\nb: c', 'ü', '', 'a b', 'a'.repeat(33)]) {
      const sent = await send(service.subscribe(), { topic });
      expect(sent).toEqual({ kind: 'rejected', reason: 'Its topic is none.' });
    }
    expect(service.connections.made).toBe(0);
  });

  it('says by whose key a message comes, if that is not ours', async () => {
    const { service, send } = await openFor();
    const contact = 'https://other.example.org';
    const other = createVapid({ privateKey: createVapidKey(), contact, now: Date.now });
    const subscription = service.subscribe(other.publicKey);
    const authorization = other.authorization(service.origin);
    expect(await send(subscription, { authorization })).toEqual({ kind: 'delivered' });
    expect(subscription.received[0]?.sender).toMatchObject({ publicKey: other.publicKey, subject: contact });
    expect(await send(subscription)).toMatchObject({ kind: 'rejected' });
  });

  it('makes no header of what is no authorization', async () => {
    const { service, send } = await openFor();
    const texts = ['vapid t=a\r\nb: c', 'vapid t=ü', '', 'vapid', 'vapid ', ' t', 'vapid t=a ', 'a/b c'];
    for (const authorization of [...texts, `vapid t=${'a'.repeat(4_096)}`]) {
      const sent = await send(service.subscribe(), { authorization });
      expect(sent).toEqual({ kind: 'rejected', reason: 'Its authorization is none.' });
    }
    expect(service.connections.made).toBe(0);
  });

  it('uses its connection again', async () => {
    const { service, send } = await openFor();
    for (let index = 0; index < 20; index++) expect(await send()).toEqual({ kind: 'delivered' });
    expect(service.connections.made).toBe(1);
  });

  it.each([
    [201, 'delivered'],
    [202, 'delivered'],
    [204, 'delivered'],
    [404, 'gone'],
    [410, 'gone'],
    [413, 'too-large'],
    [400, 'rejected'],
    [401, 'rejected'],
    [403, 'rejected'],
    [408, 'retry'],
    [425, 'retry'],
    [429, 'retry'],
    [500, 'retry'],
    [502, 'retry'],
    [503, 'retry'],
    [504, 'retry'],
    [507, 'retry'],
  ])('takes %d for %s', async (status, kind) => {
    const { service, send } = await openFor();
    service.answer({ kind: 'status', status });
    expect(await send()).toMatchObject({ kind });
    expect(service.requests).toHaveLength(1);
  });

  it('tells how long the service wants to be left alone, in both forms', async () => {
    const { service, send } = await openFor({ now: () => Date.UTC(2026, 0, 1) });
    service.answer(
      { kind: 'status', status: 429, headers: { 'retry-after': '90' } },
      { kind: 'status', status: 503, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' } },
    );
    expect(await send()).toEqual({ kind: 'retry', reason: 'HTTP 429', after: 90, isUnreachable: false });
    expect(await send()).toEqual({ kind: 'retry', reason: 'HTTP 503', after: 30, isUnreachable: false });
  });

  it('tells what the service says of a refusal', async () => {
    const { service, send } = await openFor();
    service.answer({ kind: 'status', status: 403, body: 'VAPID key mismatch' });
    expect(await send()).toEqual({ kind: 'rejected', reason: 'HTTP 403: VAPID key mismatch' });
  });

  it('does not follow redirects', async () => {
    const other = await startPushService();
    closers.push(() => other.close());
    const { service, send } = await openFor();
    for (const status of [301, 302, 303, 307, 308]) {
      service.answer({ kind: 'status', status, headers: { location: other.subscribe().endpoint } });
      expect(await send()).toEqual({ kind: 'rejected', reason: `HTTP ${status}` });
    }
    expect(other.connections.made).toBe(0);
  });

  it('waits for an answer no longer than it may, and says nothing of the service for that', async () => {
    const { service, send } = await openFor({ limits: { answerTime: 1_000 } });
    const slow = service.subscribe();
    slow.answer(answers.hang);
    const [hung, other] = await Promise.all([send(slow), send()]);
    expect(hung).toEqual({ kind: 'retry', reason: 'There was no answer in time.', isUnreachable: false });
    expect(other).toEqual({ kind: 'delivered' });
    expect(service.requests).toHaveLength(2);
  });

  it('has a new connection after one that led nowhere', async () => {
    const { service, send } = await openFor({ limits: { answerTime: 1_000 } });
    service.answer(answers.created, answers.hang, answers.created);
    expect([await send(), await send(), await send()]).toMatchObject([
      { kind: 'delivered' },
      { kind: 'retry' },
      { kind: 'delivered' },
    ]);
    expect(service.connections.made).toBe(2);
  });

  it('knows of a delivery before the last byte, and of a refusal that has no end when the time is over', async () => {
    const { service, send } = await openFor({ limits: { answerTime: 1_000 } });
    service.answer(
      { kind: 'drip', status: 201, every: 10 },
      { kind: 'drip', status: 410, every: 10 },
      { kind: 'drip', status: 503, every: 10 },
    );
    expect(await send()).toEqual({ kind: 'delivered' });
    expect(await send()).toMatchObject({ kind: 'gone', reason: expect.stringMatching(/^HTTP 410: /) });
    expect(await send()).toMatchObject({ kind: 'retry', reason: expect.stringMatching(/^HTTP 503: /) });
  });

  it('reads no more of a body than it needs, and frees its place', async () => {
    const { service, send } = await openFor({ limits: { streams: 1, connections: 1 } });
    service.answer({ kind: 'endless', status: 500 });
    for (let index = 0; index < 5; index++)
      expect(await send()).toMatchObject({ kind: 'retry', reason: expect.stringMatching(/^HTTP 500/) });
    service.answer({ kind: 'endless', status: 201 });
    for (let index = 0; index < 5; index++) expect(await send()).toEqual({ kind: 'delivered' });
    service.answer(answers.created);
    expect(await send()).toEqual({ kind: 'delivered' });
    // What the system's buffers take is written as well.
    for (const { written } of service.requests) expect(written).toBeLessThan(16_000_000);
  });

  it('takes no headers without end', async () => {
    const { service, send } = await openFor();
    service.answer({ kind: 'headers', status: 201, bytes: 100_000 });
    expect(await send()).toMatchObject({ kind: 'retry', isUnreachable: false });
    service.answer(answers.created);
    expect(await send()).toEqual({ kind: 'delivered' });
  });

  it('tries again later what a reset has lost', async () => {
    const { service, send } = await openFor();
    service.answer(answers.reset);
    expect(await send()).toEqual({ kind: 'retry', reason: 'The connection was lost.', isUnreachable: false });
    service.answer(answers.created);
    expect(await send()).toEqual({ kind: 'delivered' });
  });

  it('sends once more what met the end of a connection that was in use', async () => {
    const { service, send } = await openFor();
    expect(await send()).toEqual({ kind: 'delivered' });
    service.answer({ kind: 'goaway' }, answers.created);
    expect(await send()).toEqual({ kind: 'delivered' });
    service.answer(answers.reset, answers.created);
    expect(await send()).toEqual({ kind: 'delivered' });
    expect(service.requests).toHaveLength(5);
  });

  it('sends nothing a third time', async () => {
    const { service, send } = await openFor();
    expect(await send()).toEqual({ kind: 'delivered' });
    service.answer({ kind: 'goaway' });
    expect(await send()).toMatchObject({ kind: 'retry', isUnreachable: false });
    expect(service.requests).toHaveLength(3);
  });

  it('finds a new connection when the old one has ended meanwhile', async () => {
    const { service, send } = await openFor();
    for (let index = 0; index < 3; index++) {
      expect(await send()).toEqual({ kind: 'delivered' });
      service.cut();
      await waitFor('the end of the connection', () => service.connections.open === 0);
    }
    expect(service.connections.made).toBe(3);
  });

  it('closes connections that nobody uses', async () => {
    const { service, send } = await openFor({ limits: { idleTime: 50 } });
    expect(await send()).toEqual({ kind: 'delivered' });
    await waitFor('the end of the connection', () => service.connections.open === 0);
    expect(await send()).toEqual({ kind: 'delivered' });
    expect(service.connections.made).toBe(2);
  });

  it('ends with what it was asked to end', async () => {
    const { service, send } = await openFor();
    service.answer(answers.hang);
    const { signal, abort } = abortable();
    const sent = send(service.subscribe(), { signal });
    await waitFor('the request', () => service.requests.length === 1);
    abort();
    expect(await sent).toEqual({ kind: 'retry', reason: 'It was stopped.', isUnreachable: false });
    const after = await send(service.subscribe(), { signal });
    expect(after).toMatchObject({ kind: 'retry' });
    expect(service.requests).toHaveLength(1);
  });

  it('ends all that have the same signal, which it listens to once', async () => {
    const { service, send } = await openFor({ limits: { streams: 2, connections: 2 } });
    service.answer(answers.hang);
    const { signal, abort } = abortable();
    const all = Array.from({ length: 30 }, () => send(service.subscribe(), { signal }));
    await waitFor('the first ones', () => service.requests.length === 2);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    abort();
    for (const sent of all) expect(await sent).toMatchObject({ kind: 'retry', isUnreachable: false });
    await waitFor('the end of listening', () => getEventListeners(signal, 'abort').length === 0);
  });

  it('ends with whichever of its signals comes first, and listens to none of them then', async () => {
    const { service, sender, send } = await openFor();
    service.answer(answers.hang);
    const request = requestFor(service.subscribe(), 'Hello!');
    const [one, two] = [abortable(), abortable()];
    const sent = sender.send(request, one.signal, two.signal);
    await waitFor('the request', () => service.requests.length === 1);
    two.abort();
    expect(await sent).toMatchObject({ kind: 'retry', isUnreachable: false });
    await waitFor('the end of listening', () => getEventListeners(one.signal, 'abort').length === 0);
    expect(await sender.send(request, one.signal, two.signal)).toMatchObject({ kind: 'retry' });
    expect(service.requests).toHaveLength(1);
    service.answer(answers.created);
    expect(await send()).toEqual({ kind: 'delivered' });
  });

  it('ends all when it stops', async () => {
    const { service, sender, send } = await openFor({ limits: { streams: 2, connections: 2 } });
    service.answer(answers.hang);
    const all = Array.from({ length: 5 }, () => send());
    await waitFor('the requests', () => service.requests.length === 2);
    await sender.stop();
    for (const sent of all) expect(await sent).toMatchObject({ kind: 'retry', isUnreachable: false });
    await waitFor('the end of all connections', () => service.connections.open === 0);
    expect(await send()).toMatchObject({ kind: 'retry' });
    expect(service.requests).toHaveLength(2);
  });

  it('lets what has no place wait, up to a bound', async () => {
    const { service, send } = await openFor({ limits: { streams: 2, connections: 2, waiting: 3 } });
    expect(await send()).toEqual({ kind: 'delivered' });
    service.answer(answers.hang);
    const all = Array.from({ length: 7 }, () => send());
    const crowded = { kind: 'retry', reason: 'Too many wait for this push service.', isUnreachable: false };
    expect(await Promise.all(all.slice(5))).toEqual([crowded, crowded]);
    await waitFor('those that have a place', () => service.requests.length === 3);
  });

  it('sends what waits as soon as there is a place', async () => {
    const { service, send } = await openFor({ limits: { streams: 2, connections: 2 } });
    const sent = await Promise.all(Array.from({ length: 30 }, () => send()));
    expect(sent).toEqual(Array(30).fill({ kind: 'delivered' }));
    expect(service.connections.made).toBeLessThanOrEqual(protocol === 'h2' ? 1 : 2);
  });

  it('gives up what waits for too long', async () => {
    const { service, send } = await openFor({ limits: { streams: 1, connections: 1, answerTime: 200 } });
    service.answer(answers.hang);
    const all = await Promise.all([send(), send(), send()]);
    const late = { kind: 'retry', reason: 'There was no answer in time.', isUnreachable: false };
    expect(all).toEqual([late, late, late]);
  });

  it('is not held up by a service that does not answer', async () => {
    const { service, sender, send } = await openFor({ limits: { streams: 4, connections: 4 } });
    const endpoint = `https://localhost:${await listen(createServer(() => {}))}/push`;
    const stuck = Array.from({ length: 50 }, () => send(service.subscribe(), { endpoint }));
    const sent = await Promise.all(Array.from({ length: 50 }, () => send()));
    expect(sent).toEqual(Array(50).fill({ kind: 'delivered' }));
    await sender.stop();
    for (const each of stuck) expect(await each).toMatchObject({ kind: 'retry' });
  });
});

describe('HTTP/2', () => {
  it('is what is spoken where both are', async () => {
    const { service, send } = await open();
    await send();
    expect(service.requests[0]?.protocol).toBe('h2');
  });

  it('has no more requests at once than the service wants', async () => {
    const { service, send } = await open({ maxStreams: 3 });
    service.answer(answers.hang);
    for (let index = 0; index < 10; index++) void send();
    await waitFor('the first requests', () => service.requests.length >= 3);
    // What was refused would come once more.
    service.answer(answers.created);
    expect(service.requests).toHaveLength(3);
    expect(service.connections.made).toBe(1);
  });

  it('sends once more what was refused unseen', async () => {
    const { service, send } = await open();
    service.answer({ kind: 'refuse' }, answers.created);
    expect(await send()).toEqual({ kind: 'delivered' });
    service.answer({ kind: 'refuse' });
    expect(await send()).toEqual({ kind: 'retry', reason: 'The request was refused.', isUnreachable: false });
    expect(service.requests).toHaveLength(4);
  });

  it('lets what is under way end on a connection that takes nothing new', async () => {
    const { service, send } = await open({ limits: { answerTime: 1_000 } });
    expect(await send()).toEqual({ kind: 'delivered' });
    service.answer({ kind: 'drip', status: 500, every: 1 });
    const slow = send();
    await waitFor('the slow one', () => service.requests.length === 2);
    service.goAway();
    service.answer(answers.created);
    await waitFor('a delivery on the next connection', async () => {
      expect(await send()).toEqual({ kind: 'delivered' });
      return service.connections.made === 2;
    });
    expect(await slow).toMatchObject({ kind: 'retry', reason: expect.stringMatching(/^HTTP 500/) });
  });

  it('is not waited for where nothing of it comes', async () => {
    const stage = await open({ limits: { connectTime: 200 } });
    const identity = stage.service.authority.issue({ names: ['localhost'] });
    const context = { ...identity, ALPNProtocols: ['h2'] };
    const mute = createTlsServer(context, (socket) => socket.on('error', () => {}));
    const endpoint = `https://localhost:${await listen(mute)}/push`;
    const sent = await stage.send(stage.service.subscribe(), { endpoint });
    expect(sent).toMatchObject({ kind: 'retry', isUnreachable: true });
  });
});

describe('HTTP/1.1', () => {
  it('has as many connections as it may and needs', async () => {
    const { service, send } = await open({ protocols: ['http/1.1'], limits: { connections: 3 } });
    service.answer(answers.hang);
    for (let index = 0; index < 10; index++) void send();
    await waitFor('the first requests', () => service.requests.length === 3);
    expect(service.connections.made).toBe(3);
  });
});

describe('a push service that has no name', () => {
  it('is known by its address', async () => {
    const { service, send } = await open({ isLenient: true });
    const endpoint = `https://127.0.0.1:${service.port}/push`;
    expect(await send(service.subscribe(), { endpoint })).toEqual({ kind: 'delivered' });
  });
});

describe('a push service that cannot be reached', () => {
  const unreachable = { kind: 'retry', isUnreachable: true };

  it('does not listen', async () => {
    const { service, send } = await open();
    const endpoint = `https://localhost:${await freePort()}/push`;
    expect(await send(service.subscribe(), { endpoint })).toEqual({
      ...unreachable,
      reason: 'There was no connection (ECONNREFUSED).',
    });
  });

  it('has no address', async () => {
    const { service, send } = await open({
      resolve: () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })),
    });
    const endpoint = 'https://push.example.org/push';
    expect(await send(service.subscribe(), { endpoint })).toEqual({
      ...unreachable,
      reason: 'There was no connection (ENOTFOUND).',
    });
  });

  it('has a certificate that nobody we trust has signed', async () => {
    const { service, send } = await open({ ca: [createAuthority().cert] });
    expect(await send()).toMatchObject(unreachable);
    expect(service.requests).toEqual([]);
  });

  it('has the certificate of another', async () => {
    const { service, send } = await open({ name: 'push.example.org', resolve: async () => ['127.0.0.1'] });
    expect(await send()).toEqual({ kind: 'delivered' });
    const endpoint = `https://other.example.org:${service.port}/push`;
    expect(await send(service.subscribe(), { endpoint })).toEqual({
      ...unreachable,
      reason: 'There was no connection (ERR_TLS_CERT_ALTNAME_INVALID).',
    });
  });

  it('says nothing of TLS', async () => {
    const { service, send } = await open({ limits: { connectTime: 200 } });
    const endpoint = `https://localhost:${await listen(createServer(() => {}))}/push`;
    expect(await send(service.subscribe(), { endpoint })).toEqual({
      ...unreachable,
      reason: 'There was no connection in time.',
    });
  });

  it('closes each connection', async () => {
    const { service, send } = await open();
    const endpoint = `https://localhost:${await listen(createServer((socket) => socket.destroy()))}/push`;
    expect(await send(service.subscribe(), { endpoint })).toMatchObject(unreachable);
  });
});

describe('push services that are many', () => {
  it('take the connections of the idlest', async () => {
    const first = await open({ limits: { origins: 2 } });
    const others = await Promise.all(
      [1, 2].map(() => startPushService({ authority: first.service.authority })),
    );
    closers.push(...others.map((service) => () => service.close()));
    const services = [first.service, ...others];
    for (const service of services)
      expect(await first.send(service.subscribe())).toEqual({ kind: 'delivered' });
    await waitFor('the end of the idlest', () => first.service.connections.open === 0);
    expect(others.map(({ connections }) => connections.open)).toEqual([1, 1]);
  });

  it('are not served if all that there may be are at work', async () => {
    const { service, send } = await open({ limits: { origins: 1 } });
    const other = await startPushService();
    closers.push(() => other.close());
    service.answer(answers.hang);
    const hung = send();
    expect(await send(other.subscribe())).toEqual({
      kind: 'retry',
      reason: 'There are too many push services at once.',
      isUnreachable: false,
    });
    expect(other.connections.made).toBe(0);
    service.cut();
    closers.unshift(() => hung);
  });
});
