import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../tests/harness/net.js';
import type { Config } from '../../config/config.js';
import { loadConfig } from '../../config/load.js';
import { httpGet } from './http-get.js';
import { checkPublicUrl, probeUrl } from './public-url.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return `http://127.0.0.1:${port}`;
}

function configFor(publicUrl: string, env: Record<string, string> = {}): Config {
  return loadConfig({
    cwd: '/nonexistent',
    env: {
      BELFRY_HOST: 'component',
      BELFRY_COMPONENT_JID: 'push.example.org',
      BELFRY_COMPONENT_SECRET: 'x',
      BELFRY_HTTP_PUBLIC_URL: publicUrl,
      ...env,
    },
  });
}

async function check(publicUrl: string, env: Record<string, string> = {}) {
  const config = configFor(publicUrl, env);
  return checkPublicUrl(config, await httpGet(probeUrl(config.http)), 'me');
}

const discovery = JSON.stringify({ unifiedpush: { version: 1 } });

describe('the public URL', () => {
  it('is right if this process answers below it', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.url);
      response.setHeader('x-belfry-instance', 'me').end(discovery);
    });
    expect(await check(`${url}/up`)).toMatchObject({
      status: 'ok',
      text: `${url}/up/push/doctor leads here`,
    });
    expect(await check(url)).toMatchObject({ status: 'ok' });
    expect(seen).toEqual(['/up/push/doctor', '/push/doctor']);
  });

  it.each<[what: string, listener: RequestListener, text: RegExp, remedy: RegExp]>([
    [
      'a web server without the route',
      (_request, response) => response.writeHead(404, { server: 'nginx' }).end('<html>'),
      /answers 404 from something else than Belfry \(nginx\)$/,
      /^Send \/push\/ below the public URL to 127\.0\.0\.1:5280/,
    ],
    [
      'a page that is always there',
      (_request, response) => response.end('<html>'),
      /answers 200 from something else than Belfry$/,
      /with its path unchanged/,
    ],
    [
      'JSON of another kind',
      (_request, response) => response.end('[{"unifiedpush":{"version":1}}]'),
      /something else/,
      /reverse proxy/,
    ],
    [
      'a proxy that does not reach Belfry',
      (_request, response) => response.writeHead(502).end(),
      /answers 502: the reverse proxy does not reach Belfry$/,
      /127\.0\.0\.1:5280/,
    ],
    [
      'a redirect',
      (_request, response) => response.writeHead(301, { location: 'https://a.example/' }).end(),
      /redirects to https:\/\/a\.example\/, which app servers do not follow$/,
      /without the redirect/,
    ],
    [
      'another provider',
      (_request, response) => response.end(discovery),
      /another UnifiedPush provider$/,
      /instead/,
    ],
    [
      'another Belfry',
      (_request, response) => response.setHeader('x-belfry-instance', 'you').end(discovery),
      /another Belfry process$/,
      /stop the other process/,
    ],
  ])('fails with %s', async (_what, listener, text, remedy) => {
    const finding = await check(await serve(listener));
    expect(finding.status).toBe('failed');
    expect(finding.text).toMatch(text);
    expect(finding.remedy).toMatch(remedy);
  });

  it('may lead to the process that this one stands by for', async () => {
    const url = await serve((_request, response) =>
      response.setHeader('x-belfry-instance', 'you').end(discovery),
    );
    const env = { BELFRY_STORAGE: 'postgres://h/d', BELFRY_HTTP_LISTEN: '[::1]:1' };
    expect(await check(url, env)).toMatchObject({ status: 'warning' });
  });

  it('fails if nothing listens there or the name is unknown', async () => {
    expect(await check(`http://127.0.0.1:${await freePort()}`)).toMatchObject({
      status: 'failed',
      text: expect.stringMatching(/cannot be reached \(ECONNREFUSED\)$/),
      remedy: expect.stringMatching(/start the reverse proxy/),
    });
    const unknown = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    const config = configFor('https://push.invalid');
    expect(checkPublicUrl(config, { error: unknown }, 'me').remedy).toMatch(/DNS record/);
    expect(checkPublicUrl(config, { error: new Error('odd') }, 'me').remedy).toMatch(/Check http.public_url/);
  });

  it('is read in part if it answers without end', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200);
      const pour = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', pour);
      pour();
    });
    expect(await check(url)).toMatchObject({ status: 'failed' });
  });
});
