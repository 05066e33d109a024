import { afterEach, describe, expect, it } from 'vitest';
import { type HttpTestBed, type HttpTestOptions, startHttp } from '../../tests/harness/http.js';
import type { PushOutcome } from '../services/unified-push/outcome.js';

let bed: HttpTestBed | undefined;

async function start(options?: HttpTestOptions): Promise<HttpTestBed> {
  bed = await startHttp(options);
  return bed;
}

afterEach(async () => {
  await bed?.server.stop(0);
  bed = undefined;
});

describe('POST /push/:token', () => {
  it('hands token and payload over as they were sent and answers 201', async () => {
    const { url, pushes } = await start();
    const payload = Buffer.from([0, 255, 10, 13, 0x80]);
    const response = await fetch(`${url}/push/v3.local.AbC-_d`, { method: 'POST', body: payload });
    expect(response.status).toBe(201);
    expect(response.headers.get('ttl')).toBe('0');
    expect(response.headers.get('location')).toBe('https://push.example.org/message/m1');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-expose-headers')).toContain('location');
    expect(await response.text()).toBe('');
    expect(pushes).toEqual([{ token: 'v3.local.AbC-_d', payload }]);
  });

  it.each(['application/json', 'text/plain', 'garbage;;=', 'a/b/c', ''])(
    'takes the content type %j and any content encoding',
    async (type) => {
      const { url, pushes } = await start();
      const headers = { 'content-type': type, 'content-encoding': 'aes128gcm' };
      const response = await fetch(`${url}/push/t`, { method: 'POST', body: '{not json', headers });
      expect(response.status).toBe(201);
      expect(pushes[0]?.payload.toString()).toBe('{not json');
    },
  );

  const outcomes: [PushOutcome, number, string | null][] = [
    [{ kind: 'gone', code: 'unknown-endpoint' }, 404, null],
    [{ kind: 'gone', code: 'registration-gone' }, 404, null],
    [{ kind: 'retry', code: 'no-answer', retryAfter: 30 }, 503, '30'],
    [{ kind: 'retry', code: 'recipient-unavailable', retryAfter: 0.2 }, 503, '1'],
    [{ kind: 'retry', code: 'host-disconnected', retryAfter: 10 }, 503, '10'],
    [{ kind: 'retry', code: 'overloaded', retryAfter: 5 }, 503, '5'],
    [{ kind: 'retry', code: 'shutting-down', retryAfter: 5 }, 503, '5'],
    [{ kind: 'retry', code: 'too-many-pushes', retryAfter: 59.01 }, 429, '60'],
    [{ kind: 'rejected', code: 'push-rejected' }, 502, null],
    [{ kind: 'rejected', code: 'storage-failed' }, 500, null],
  ];
  it.each(outcomes)('answers the outcome %j with %i', async (outcome, status, retryAfter) => {
    const { url } = await start({ answer: () => outcome });
    const response = await fetch(`${url}/push/secret-token`, { method: 'POST', body: 'x' });
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    expect(response.headers.get('content-type')).toBe('application/json');
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ error: 'code' in outcome ? outcome.code : '' });
    expect(text).not.toContain('secret-token');
  });

  it('answers 500 and reports it if the push function throws', async () => {
    const { url, failures } = await start({ answer: () => Promise.reject(new Error('surprise')) });
    const response = await fetch(`${url}/push/t`, { method: 'POST', body: 'x' });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('surprise');
    expect(failures).toMatchObject([{ what: 'push', error: { message: 'surprise' } }]);
  });

  it('answers an empty body with 400', async () => {
    const { url, pushes, refusals } = await start();
    const response = await fetch(`${url}/push/t`, { method: 'POST' });
    expect(response.status).toBe(400);
    expect(refusals).toEqual([{ code: 'empty-body', client: '127.0.0.1' }]);
    expect(pushes).toEqual([]);
  });

  it.each(['/push', '/push/', '/push/a/b', '/push/a/', `/push/${'a'.repeat(2000)}`])(
    'answers 404 at %s, which is no endpoint',
    async (path) => {
      const { url, pushes } = await start();
      const response = await fetch(url + path, { method: 'POST', body: 'x' });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: 'unknown-endpoint' });
      expect(pushes).toEqual([]);
    },
  );

  it.each(['%', '%zz', '%c3%28', '%ff'])('does not fail over the path segment %s', async (segment) => {
    const { url, failures } = await start({ answer: () => ({ kind: 'gone', code: 'unknown-endpoint' }) });
    const response = await fetch(`${url}/push/${segment}`, { method: 'POST', body: 'x' });
    expect([400, 404]).toContain(response.status);
    expect(failures).toEqual([]);
  });

  it('does not take part of a query for the token', async () => {
    const { url, pushes } = await start();
    await fetch(`${url}/push/t?up=1&token=u`, { method: 'POST', body: 'x' });
    expect(pushes[0]?.token).toBe('t');
  });
});

describe('other resources', () => {
  it.each(['/push', '/push/', '/push/any', '/push/any/thing', `/push/${'a'.repeat(1000)}`])(
    'GET and HEAD %s are the discovery document',
    async (path) => {
      const { url } = await start();
      const response = await fetch(url + path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(response.headers.get('x-belfry-instance')).toBe('test-instance');
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(await response.text()).toBe('{"unifiedpush":{"version":1}}');
      const head = await fetch(url + path, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.headers.get('content-length')).toBe('29');
    },
  );

  it('OPTIONS answers a browser what it may send', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/push/t`, { method: 'OPTIONS' });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, POST');
    const allowed = response.headers.get('access-control-allow-headers')?.split(', ');
    for (const name of ['content-encoding', 'content-type', 'ttl', 'urgency', 'topic', 'authorization']) {
      expect(allowed).toContain(name);
    }
    expect(Number(response.headers.get('access-control-max-age'))).toBeGreaterThan(0);
  });

  it.each(['GET', 'HEAD', 'DELETE'])('%s of a message: it is gone', async (method) => {
    const { url } = await start();
    expect((await fetch(`${url}/message/m1`, { method })).status).toBe(410);
  });

  it.each([
    ['PUT', '/push/t', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/push', 'GET, HEAD, POST, OPTIONS'],
    ['PROPFIND', '/push/t', 'GET, HEAD, POST, OPTIONS'],
    ['QUERY', '/push/t', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/message/m', 'GET, HEAD, DELETE'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['DELETE', '/metrics', 'GET, HEAD'],
  ])('%s %s is not allowed', async (method, path, allow) => {
    const { url } = await start();
    const response = await fetch(url + path, { method, ...(method === 'POST' && { body: 'x' }) });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe(allow);
  });

  it.each(['/', '/pushy', '/push2/t', '/favicon.ico', '/healthz/x', '/message', '/message/a/b'])(
    '%s is not there',
    async (path) => {
      const { url } = await start();
      const response = await fetch(url + path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: 'no-such-route' });
    },
  );

  it('names neither itself nor its libraries, and lets nobody cache or sniff', async () => {
    const { url } = await start();
    const { headers } = await fetch(`${url}/push/t`);
    expect([...headers.keys()]).not.toContain('server');
    expect([...headers.keys()]).not.toContain('x-powered-by');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('probes', () => {
  it('/healthz names the instance', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', instance: 'test-instance' });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it.each([
    [true, 200, { status: 'ready', checks: { host: 'ok' } }],
    [false, 503, { status: 'not ready', checks: { host: 'failed' } }],
  ])('/readyz with ready=%s answers %i', async (isReady, status, body) => {
    const { url } = await start({ isReady: () => isReady });
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject(body);
  });

  it('/readyz answers 500 if the checks themselves fail', async () => {
    const { url, failures } = await start({
      isReady: () => {
        throw new Error('surprise');
      },
    });
    expect((await fetch(`${url}/readyz`)).status).toBe(500);
    expect(failures).toMatchObject([{ what: '/readyz' }]);
  });

  it('/metrics is the text of the registry', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await response.text()).toBe('belfry_pushes_total 1\n');
  });
});

describe('the path of the public URL', () => {
  it('may be stripped or not', async () => {
    const { url, pushes } = await start({ publicUrl: 'https://example.org/up' });
    for (const path of ['/push/t', '/up/push/t']) {
      const response = await fetch(url + path, { method: 'POST', body: 'x' });
      expect(response.headers.get('location')).toBe('https://example.org/up/message/m1');
    }
    expect(pushes.map((push) => push.token)).toEqual(['t', 't']);
    expect((await fetch(`${url}/up/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/up/message/m`)).status).toBe(410);
    expect((await fetch(`${url}/upper/push/t`)).status).toBe(404);
  });

  it('may be one that a route begins with too', async () => {
    const { url, pushes } = await start({ publicUrl: 'https://example.org/push' });
    await fetch(`${url}/push/push/t`, { method: 'POST', body: 'x' });
    await fetch(`${url}/push/u`, { method: 'POST', body: 'x' });
    expect(pushes.map((push) => push.token)).toEqual(['t', 'u']);
  });

  it('may hold characters that mean something in a route', async () => {
    const { url, pushes } = await start({ publicUrl: 'https://example.org/a:b*/p%C3%BC' });
    await fetch(`${url}/a:b*/p%C3%BC/push/t`, { method: 'POST', body: 'x' });
    expect(pushes.map((push) => push.token)).toEqual(['t']);
  });
});

describe("the client's address", () => {
  it.each([
    [[], '127.0.0.1'],
    [['192.0.2.0/24'], '127.0.0.1'],
    [['127.0.0.0/8'], '203.0.113.7'],
    [['127.0.0.1', '203.0.113.7'], '198.51.100.2'],
  ])('with trusted proxies %j is %s', async (trustedProxies, client) => {
    const { url, refusals } = await start({ trustedProxies });
    await fetch(`${url}/nothing`, { headers: { 'x-forwarded-for': '198.51.100.2, 203.0.113.7' } });
    expect(refusals).toEqual([{ code: 'no-such-route', client }]);
  });
});

describe('starting', () => {
  it('rejects if the address is taken', async () => {
    const { port } = await start();
    const { createHttpServer } = await import('./server.js');
    const second = createHttpServer({
      listen: { host: '127.0.0.1', port },
      publicUrl: 'http://localhost',
      trustedProxies: [],
      instance: 'second',
      push: async () => ({ kind: 'delivered', messageId: 'm' }),
      health: { readiness: async () => ({ isReady: true, checks: {} }) },
      metrics: { contentType: 'text/plain', render: async () => '' },
      events: { httpRefused: () => undefined, handlerFailed: () => undefined },
    });
    await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await second.stop();
  });
});
