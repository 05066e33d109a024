import { afterEach, describe, expect, it } from 'vitest';
import {
  type HttpTestBed,
  type HttpTestOptions,
  openRaw,
  type RawConnection,
  startHttp,
} from '../../tests/harness/http.js';
import { waitFor } from '../../tests/harness/net.js';
import type { PushOutcome } from '../services/unified-push/outcome.js';

let bed: HttpTestBed | undefined;
const connections: RawConnection[] = [];

async function start(options?: HttpTestOptions): Promise<HttpTestBed> {
  bed = await startHttp(options);
  return bed;
}

async function open({ port }: HttpTestBed): Promise<RawConnection> {
  const connection = await openRaw(port);
  connections.push(connection);
  return connection;
}

/** Sends bytes on a new connection and answers all that came back until the server closed it. */
async function exchange(to: HttpTestBed, text: string): Promise<string> {
  const connection = await open(to);
  connection.socket.write(text);
  return connection.closed;
}

afterEach(async () => {
  for (const { socket } of connections.splice(0)) socket.destroy();
  await bed?.server.stop(0);
  bed = undefined;
});

/** A push function that answers when the test says so. */
function held() {
  const waiting: ((outcome: PushOutcome) => void)[] = [];
  const answer = () => new Promise<PushOutcome>((resolve) => waiting.push(resolve));
  const release = () => {
    for (const resolve of waiting.splice(0)) resolve({ kind: 'delivered', messageId: 'late' });
  };
  return { answer, release };
}

const post = (headers: string, body = '') =>
  `POST /push/t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n\r\n${body}`;

const chunk = (size: number) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;

const statuses = (text: string) => [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((match) => Number(match[1]));

describe('the size of a body', () => {
  it('may be 4096 bytes, announced', async () => {
    const http = await start();
    const text = await exchange(http, post('Content-Length: 4096', 'x'.repeat(4096)));
    expect(statuses(text)).toEqual([201]);
    expect(http.pushes[0]?.payload.length).toBe(4096);
  });

  it('may be 4096 bytes, in chunks', async () => {
    const http = await start();
    const chunks = `${chunk(4000)}${chunk(96)}0\r\n\r\n`;
    const text = await exchange(http, post('Transfer-Encoding: chunked', chunks));
    expect(statuses(text)).toEqual([201]);
    expect(http.pushes[0]?.payload.length).toBe(4096);
  });

  it('of 4097 bytes is refused before a byte of it has come', async () => {
    const http = await start();
    const connection = await open(http);
    connection.socket.write('POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n\r\n');
    const text = await connection.closed;
    expect(statuses(text)).toEqual([413]);
    expect(text.toLowerCase()).toContain('connection: close');
    expect(text).toContain('"error":"body-too-large"');
    expect(http.pushes).toEqual([]);
    expect(http.refusals).toEqual([{ code: 'body-too-large', client: '127.0.0.1' }]);
  });

  it('is refused at the 4097th byte of a chunked body that has not ended', async () => {
    const http = await start();
    const connection = await open(http);
    connection.socket.write(
      `POST /push/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(4096)}`,
    );
    connection.socket.write(chunk(1));
    expect(statuses(await connection.closed)).toEqual([413]);
    expect(http.pushes).toEqual([]);
  });

  it.each(['POST /push/t', 'PUT /push/t', 'GET /push/t', 'POST /nothing', 'DELETE /message/m'])(
    'too large: %s reads its answer, not a reset, although it sends half a megabyte first',
    async (requestLine) => {
      const http = await start({ limits: { lingerTimeout: 60_000 } });
      const body = 'x'.repeat(512 * 1024);
      const head = `${requestLine} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
      const text = await exchange(http, head + body);
      expect(statuses(text)).toHaveLength(1);
      expect(text.toLowerCase()).toContain('connection: close');
    },
  );

  it('without end is cut after a bound', async () => {
    const http = await start({ limits: { lingerTimeout: 60_000 } });
    const connection = await open(http);
    connection.socket.write('POST /push/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const block = chunk(64 * 1024);
    const flood = setInterval(() => connection.socket.write(block), 1);
    await connection.closed.catch(() => undefined);
    clearInterval(flood);
    expect(statuses(connection.received())).toEqual([413]);
  });

  it('too large gets 413 instead of 100 Continue', async () => {
    const http = await start();
    const text = await exchange(http, post('Expect: 100-continue\r\nContent-Length: 5000'));
    expect(statuses(text)).toEqual([413]);
  });

  it('allowed gets 100 Continue', async () => {
    const http = await start();
    const connection = await open(http);
    connection.socket.write(post('Expect: 100-continue\r\nContent-Length: 2'));
    await waitFor('100 Continue', () => connection.received().includes('100 Continue'));
    connection.socket.write('hi');
    expect(statuses(await connection.closed)).toEqual([100, 201]);
  });
});

describe('what is not a request', () => {
  it.each([
    ['garbage', 'garbage\r\n\r\n', 400, 'bad-request'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'bad-request'],
    ['two lengths', post('Content-Length: 1\r\nContent-Length: 2', 'x'), 400, 'bad-request'],
    ['length and chunks', post('Content-Length: 1\r\nTransfer-Encoding: chunked', 'x'), 400, 'bad-request'],
    ['a bad length', post('Content-Length: 1x', 'x'), 400, 'bad-request'],
    ['a bad chunk', post('Transfer-Encoding: chunked', 'zz\r\n'), 400, 'bad-request'],
    ['a giant header', post(`X-Giant: ${'x'.repeat(20_000)}`), 431, 'headers-too-large'],
    ['a giant URL', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'headers-too-large'],
    [
      'giant chunk extensions',
      post('Transfer-Encoding: chunked', `1;${'x'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`),
      413,
      'body-too-large',
    ],
  ])('%s gets an answer and the connection is closed', async (_what, text, status, code) => {
    const http = await start();
    const received = await exchange(http, text);
    expect(statuses(received)).toEqual([status]);
    expect(received).toContain(`"error":"${code}"`);
    expect(received.toLowerCase()).toContain('connection: close');
    expect(http.refusals).toEqual([{ code, client: '127.0.0.1' }]);
    expect(http.pushes).toEqual([]);
    expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
  });

  it('HTTP/1.1 without Host gets 400', async () => {
    const http = await start();
    expect(statuses(await exchange(http, 'GET /push/t HTTP/1.1\r\n\r\n'))).toEqual([400]);
  });

  it.each(['garbage', 'a request'])('%s behind a push that waits does not stop the server', async (what) => {
    const { answer, release } = held();
    const http = await start({ answer });
    const connection = await open(http);
    const behind = what === 'garbage' ? '\x00\x01\r\n\r\n' : post('Content-Length: 1', 'y');
    connection.socket.write(`POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx${behind}`);
    await waitFor('the push', () => http.pushes.length > 0);
    release();
    await waitFor('all pushes', () => {
      release();
      return connection.socket.readableEnded || connection.socket.destroyed;
    });
    expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
  });
});

describe('connections', () => {
  const limits = { headersTimeout: 150, requestTimeout: 300, checkInterval: 30 };

  it.each([
    ['nothing', ''],
    ['half a request line', 'POST /pu'],
    ['half a header', 'POST /push/t HTTP/1.1\r\nHost: x\r\nTTL'],
    ['half a body', 'POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf'],
  ])('that send %s are cut off', async (_what, text) => {
    const http = await start({ limits });
    const received = await exchange(http, text);
    expect(statuses(received)).toEqual([408]);
    expect(http.refusals).toEqual([{ code: 'request-timeout', client: '127.0.0.1' }]);
    expect(http.pushes).toEqual([]);
  });

  it.each([
    ['header', 'POST /push/t HTTP/1.1\r\nHost: x\r\nX-Slow: ', 'a'],
    ['body', 'POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n', 'a'],
  ])('that drip a %s byte by byte are cut off', async (_what, head, drop) => {
    const http = await start({ limits });
    const connection = await open(http);
    connection.socket.write(head);
    const drip = setInterval(() => connection.socket.write(drop), 20);
    await connection.closed.catch(() => undefined);
    clearInterval(drip);
    expect(statuses(connection.received())).toEqual([408]);
    expect(http.pushes).toEqual([]);
  });

  it('are not cut off while a push waits for longer than the request timeout', async () => {
    const { answer, release } = held();
    // Enough for a whole request to come in time on a slow machine.
    const http = await start({ answer, limits: { ...limits, headersTimeout: 1_000, requestTimeout: 1_000 } });
    const connection = await open(http);
    connection.socket.write(post('Content-Length: 1', 'x'));
    await waitFor('the push', () => http.pushes.length === 1);
    // Another connection meets the timeout in the meantime, so that it certainly has passed.
    await exchange(http, 'POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf');
    release();
    expect(statuses(await connection.closed)).toEqual([201]);
  });

  it('are closed when they were idle for long', async () => {
    const http = await start({ limits: { keepAliveTimeout: 20, checkInterval: 30 } });
    const connection = await open(http);
    connection.socket.write('GET /push/t HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(statuses(await connection.closed)).toEqual([200]);
  });

  it('over the limit are closed and counted', async () => {
    const http = await start({ limits: { maxConnections: 1 } });
    await open(http);
    const second = await open(http);
    await second.closed.catch(() => undefined);
    await waitFor('the refusal', () => http.refusals.length === 1);
    expect(http.refusals).toEqual([{ code: 'overloaded' }]);
  });

  it('carry one request after another', async () => {
    const http = await start();
    const connection = await open(http);
    const one = 'POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n';
    connection.socket.write(`${one}a`);
    await waitFor('the first answer', () => statuses(connection.received()).length === 1);
    connection.socket.write(`${one}b`);
    await waitFor('the second answer', () => statuses(connection.received()).length === 2);
    expect(http.pushes.map((push) => push.payload.toString())).toEqual(['a', 'b']);
  });

  it('carry requests that do not wait for each other, answered in order', async () => {
    const http = await start();
    const one = 'POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n';
    const get = 'GET /push/t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const text = await exchange(http, `${one}a${one}b${get}`);
    expect(statuses(text)).toEqual([201, 201, 200]);
    expect(http.pushes.map((push) => push.payload.toString())).toEqual(['a', 'b']);
  });

  it('speak HTTP/1.0', async () => {
    const http = await start();
    const text = await exchange(http, 'POST /push/t HTTP/1.0\r\nContent-Length: 1\r\n\r\nx');
    expect(text).toMatch(/^HTTP\/1\.1 201 /);
    expect(http.pushes).toHaveLength(1);
  });

  it('that break while a push waits stop neither the push nor the server', async () => {
    const { answer, release } = held();
    const http = await start({ answer });
    const connection = await open(http);
    connection.socket.write(post('Content-Length: 1', 'x'));
    await waitFor('the push', () => http.pushes.length === 1);
    connection.socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
    expect(http.failures).toEqual([]);
  });

  it('that break in the middle of a body make no push', async () => {
    const http = await start();
    const connection = await open(http);
    connection.socket.write('POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
    await new Promise((resolve) => setTimeout(resolve, 20));
    connection.socket.resetAndDestroy();
    expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
    expect(http.pushes).toEqual([]);
    expect(http.failures).toEqual([]);
  });
});

describe('stopping', () => {
  it('answers what is under way, closes what is idle and takes nothing new', async () => {
    const { answer, release } = held();
    const http = await start({ answer });
    const silent = await open(http);
    const idle = await open(http);
    idle.socket.write('GET /push/t HTTP/1.1\r\nHost: x\r\n\r\n');
    await waitFor('the first answer', () => idle.received().includes('unifiedpush'));
    const busy = await open(http);
    busy.socket.write('POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx');
    await waitFor('the push', () => http.pushes.length === 1);

    const stopped = http.server.stop(60_000);
    await silent.closed;
    await idle.closed;
    await expect(openRaw(http.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    release();
    const text = await busy.closed;
    await stopped;
    expect(statuses(text)).toEqual([201]);
    expect(text.toLowerCase()).toContain('connection: close');
  });

  it('refuses a request whose rest comes only now', async () => {
    const http = await start();
    const connection = await open(http);
    connection.socket.write('POST /push/t HTTP/1.1\r\nHost: x\r\n');
    await waitFor('the first bytes', () => connection.socket.bytesWritten > 0);
    await fetch(`${http.url}/healthz`, { headers: { connection: 'close' } });
    const stopped = http.server.stop(60_000);
    connection.socket.write('Content-Length: 1\r\n\r\nx');
    const text = await connection.closed;
    await stopped;
    expect(statuses(text)).toEqual([503]);
    expect(text).toContain('"error":"shutting-down"');
    expect(text).toMatch(/^retry-after: \d+\r$/im);
    expect(http.pushes).toEqual([]);
  });

  it('cuts what is still half a request after the time for headers, and not what waits for its device', async () => {
    const { answer, release } = held();
    const http = await start({ answer, limits: { headersTimeout: 100 } });
    const half = await open(http);
    half.socket.write('POST /push/t HTTP/1.1\r\nHost:');
    const halfBody = await open(http);
    halfBody.socket.write('POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
    const busy = await open(http);
    busy.socket.write('POST /push/t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx');
    await waitFor('the push', () => http.pushes.length === 1);
    const stopped = http.server.stop(60_000);
    await half.closed.catch(() => undefined);
    await halfBody.closed.catch(() => undefined);
    release();
    expect(statuses(await busy.closed)).toEqual([201]);
    await stopped;
  });

  it('cuts what takes longer than it may', async () => {
    const { answer, release } = held();
    const http = await start({ answer });
    const connection = await open(http);
    connection.socket.write(post('Content-Length: 1', 'x'));
    await waitFor('the push', () => http.pushes.length === 1);
    await http.server.stop(50);
    expect(await connection.closed.catch(() => 'reset')).not.toContain('201');
    release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(http.failures).toEqual([]);
  });

  it('may be asked for twice', async () => {
    const http = await start();
    await http.server.stop();
    await http.server.stop();
  });
});
