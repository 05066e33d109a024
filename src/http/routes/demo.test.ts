import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpTestBed, openRaw, startHttp } from '../../../tests/harness/http.js';

const clients = new URL('../../../clients/web/', import.meta.url);

let bed: HttpTestBed | undefined;

async function start(publicUrl = 'http://localhost'): Promise<string> {
  bed = await startHttp({ demo: true, publicUrl });
  return bed.url;
}

afterEach(async () => {
  await bed?.server.stop(0);
  bed = undefined;
});

const typesByEnding: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  webmanifest: 'application/manifest+json',
};

describe('/demo/', () => {
  it('has every file of the page, with its type', async () => {
    const url = await start();
    const own = readdirSync(new URL('demo/', clients)).filter((name) => !name.endsWith('.test.ts'));
    const module = readdirSync(clients).filter((name) => name.endsWith('.js'));
    expect(module).toHaveLength(3);
    const paths = [...own.map((name) => `demo/${name}`), ...module];
    for (const path of paths) {
      const name = path.replace('demo/', '');
      const answer = await fetch(`${url}/demo/${name === 'index.html' ? '' : name}`);
      expect([name, answer.status]).toEqual([name, 200]);
      expect(answer.headers.get('content-type')).toBe(typesByEnding[name.split('.').at(-1) ?? '']);
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(readFileSync(new URL(path, clients)));
    }
  });

  it('loads nothing from elsewhere, runs nothing that stands in the page, and is shown in no other one', async () => {
    const url = await start();
    const page = await fetch(`${url}/demo/`);
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; " +
        "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    const html = await page.text();
    const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link]) => link ?? '');
    expect(links.length).toBeGreaterThan(4);
    for (const link of links) expect((await fetch(`${url}/demo/${link}`)).status).toBe(200);
    expect(html).not.toMatch(/<script(?![^>]*src=)|\sstyle=|\son\w+=/);
  });

  it('sends who forgets the slash on, by the way that a proxy has', async () => {
    const url = await start('https://example.org/push-server');
    const moved = await fetch(`${url}/push-server/demo`, { redirect: 'manual' });
    expect([moved.status, moved.headers.get('location')]).toEqual([308, 'demo/']);
    expect((await fetch(`${url}/push-server/demo`)).status).toBe(200);
    expect((await fetch(`${url}/demo/?x=1`)).status).toBe(200);
  });

  it.each([
    '/demo/index.html',
    '/demo/scram.test.ts',
    '/demo/tsconfig.json',
    '/demo/../belfry-push.d.ts',
    '/demo/..%2fpackage.json',
    '/demo/%2e%2e/%2e%2e/package.json',
    '/demo/..\\..\\package.json',
    '/demo/constructor',
    '/demo//etc/passwd',
  ])('has no %s', async (path) => {
    await start();
    const connection = await openRaw(bed?.port ?? 0);
    connection.socket.end(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 40[04] /);
  });

  it('takes nothing', async () => {
    const url = await start();
    const answer = await fetch(`${url}/demo/`, { method: 'POST', body: 'x' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(`${url}/demo/`, { method: 'HEAD' })).status).toBe(200);
  });

  it('is not there where it is not wanted', async () => {
    bed = await startHttp({ publicUrl: 'http://localhost' });
    for (const path of ['/demo', '/demo/', '/demo/belfry-push.js']) {
      expect((await fetch(bed.url + path)).status).toBe(404);
    }
  });
});
