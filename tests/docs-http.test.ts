import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorTable } from '../src/errors.js';
import { defaultLimits, maxTokenLength } from '../src/http/limits.js';
import { maxPushBytes } from '../src/services/unified-push/push-payload.js';
import { constant, count, doc, kib, quoted, read, root, seconds, tableRows } from './harness/documents.js';
import { type HttpTestBed, startHttp } from './harness/http.js';

describe('docs/http.md', () => {
  let http: HttpTestBed;
  beforeAll(async () => {
    http = await startHttp({ upgrade: (_request, socket) => void socket.destroy(), demo: true });
  });
  afterAll(() => http.server.stop(0));

  const rows = tableRows(doc('http.md'));
  const routes = rows
    .filter(([cell]) => /^`(?:GET|POST|OPTIONS|DELETE)/.test(cell ?? ''))
    .flatMap(([cell = '', answer = '']) => {
      const methods = cell.match(/\b[A-Z]{3,}\b/g) ?? [];
      const paths = cell.match(/\/[\w/:.…-]*/g) ?? [];
      const statuses = answer.match(/\b[2-5]\d\d\b/g) ?? [];
      return methods.flatMap((method) => paths.map((path) => ({ method, path, statuses })));
    });

  it.each(routes)('$method $path is there', async ({ method, path, statuses }) => {
    const url = http.url + path.replace(/:\w+|…/, 'x');
    const response = await fetch(url, { method, ...(method === 'POST' && { body: 'x' }) });
    expect([404, 405]).not.toContain(response.status);
    if (statuses.length > 0) expect(statuses).toContain(String(response.status));
  });

  it('names every route of src/http/routes', () => {
    const folder = 'src/http/routes/';
    const urls = readdirSync(root + folder)
      .filter((file) => !file.endsWith('.test.ts'))
      .flatMap((file) => [...read(`${folder}${file}`).matchAll(/'(\/[\w/:.*-]*)'/g)])
      .map((match) => match[1]?.replace('*', '…'));
    expect(urls.length).toBeGreaterThan(5);
    const documented = new Set(routes.map((route) => route.path));
    expect(urls.filter((url) => !documented.has(url ?? ''))).toEqual([]);
  });

  it('gives each code the status that it has', () => {
    const wrong = rows
      .filter(([status, codes]) => /^[45]\d\d$/.test(status ?? '') && codes !== '')
      .flatMap(([status, codes]) => quoted(codes).map((code) => [code, Number(status)]))
      .filter(
        ([code, status]) =>
          !Object.entries(errorTable).some(
            ([known, row]) => known === code && 'http' in row && row.http === status,
          ),
      );
    expect(wrong).toEqual([]);
  });

  it('names every code that a push may get', () => {
    const named = rows.flatMap(([status, codes]) => (/^[45]\d\d$/.test(status ?? '') ? quoted(codes) : []));
    const elsewhere = ['message-gone', 'no-such-route', 'method-not-allowed', 'upgrade-required'];
    const known = Object.entries(errorTable).flatMap(([code, row]) => ('http' in row ? [code] : []));
    expect(new Set([...named, ...elsewhere])).toEqual(new Set(known));
  });

  it('says which limits there are', () => {
    const text = rows.map((row) => row.join(' | ')).join('\n');
    for (const limit of [
      `body | ${count(maxPushBytes)} bytes`,
      `rest of a refused body | ${seconds(defaultLimits.lingerTimeout)}, ${constant('http/respond.ts', 'maxDiscardedBytes') / 1024 ** 2} MiB`,
      `token | ${count(maxTokenLength)} bytes`,
      `connections | ${count(defaultLimits.maxConnections)}`,
      `header | ${kib(defaultLimits.maxHeaderBytes)}`,
      `header complete | ${seconds(defaultLimits.headersTimeout)}`,
      `request complete | ${seconds(defaultLimits.requestTimeout)}`,
      `without a request | ${seconds(defaultLimits.keepAliveTimeout)}`,
    ]) {
      expect(text).toContain(limit);
    }
  });

  it('says how long a stop may take', () => {
    const extra = /pushTimeout \+ (\d+)\) \* 1000/.exec(read('src/app.ts'))?.[1];
    const row = rows.find(([what]) => what === 'end of the program')?.[1];
    expect(row).toContain(`\`unified_push.push_timeout\` and ${extra} seconds for answers`);
    expect(row).toContain(`${seconds(defaultLimits.headersTimeout)} for requests that are not complete`);
  });
});
