import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorTable } from '../src/errors.js';
import { defaultLimits, maxTokenLength } from '../src/http/limits.js';
import { createMetrics } from '../src/observability/metrics.js';
import { maxPushBytes } from '../src/services/unified-push/push-payload.js';
import { type HttpTestBed, startHttp } from './harness/http.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const doc = (name: string) => readFileSync(`${root}docs/${name}`, 'utf8');

/** The rows of all tables in a text, as cells without their blanks; without heads and rulers. */
function tableRows(markdown: string): string[][] {
  const lines = markdown.split('\n');
  return lines
    .filter(
      (line, at) => line.startsWith('|') && !line.startsWith('|--') && !lines[at + 1]?.startsWith('|--'),
    )
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

describe('docs/errors.md', () => {
  const documented = tableRows(doc('errors.md')).map(([code, stanza, http, log, text]) => ({
    code: quoted(code)[0],
    stanza: quoted(stanza)[0],
    http: http === '' ? undefined : Number(http),
    log,
    text,
  }));
  const actual = Object.entries(errorTable).map(([code, row]) => ({
    code,
    stanza: 'stanza' in row ? row.stanza.join('/') : undefined,
    http: 'http' in row ? row.http : undefined,
    log: row.log,
    text: row.text,
  }));

  it('has the rows of src/errors.ts', () => {
    expect(documented).toEqual(actual);
  });
});

describe('docs/metrics.md', () => {
  const documented = tableRows(doc('metrics.md'))
    .filter(([name]) => name?.startsWith('`belfry_'))
    .map(([name, type, labels]) => ({ name: quoted(name)[0], type, labels: quoted(labels) }));

  it('has the metrics of src/observability/metrics.ts, with type and labels', () => {
    const source = readFileSync(`${root}src/observability/metrics.ts`, 'utf8');
    const declared = [...source.matchAll(/new (Counter|Gauge|Histogram)\(\{(.*?)\}\)/gs)].map(
      ([, type = '', body = '']) => ({
        name: /name: '(\w+)'/.exec(body)?.[1],
        type: type.toLowerCase(),
        labels: [...(/labelNames: \[(.*?)\]/.exec(body)?.[1] ?? '').matchAll(/'(\w+)'/g)].map(
          (match) => match[1],
        ),
      }),
    );
    const byName = (a: { name: string | undefined }, b: { name: string | undefined }) =>
      (a.name ?? '').localeCompare(b.name ?? '');
    expect(documented.toSorted(byName)).toEqual(declared.toSorted(byName));
  });

  it('has every metric that is rendered, and uses no other in its queries', async () => {
    const rendered = [
      ...(await createMetrics({ version: '0' }).render()).matchAll(/^# TYPE (belfry_\w+) /gm),
    ];
    const names = documented.map((metric) => metric.name);
    expect(rendered.map((match) => match[1]).sort()).toEqual(names.toSorted());
    const used = [...doc('metrics.md').matchAll(/belfry_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''));
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('docs/http.md', () => {
  let http: HttpTestBed;
  beforeAll(async () => {
    http = await startHttp();
  });
  afterAll(() => http.server.stop(0));

  const rows = tableRows(doc('http.md'));
  const routes = rows
    .filter(([cell]) => /^`(?:GET|POST|OPTIONS|DELETE)/.test(cell ?? ''))
    .flatMap(([cell = '', answer = '']) => {
      const methods = cell.match(/\b[A-Z]{3,}\b/g) ?? [];
      const paths = cell.match(/\/[\w/:…]*/g) ?? [];
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
    const folder = `${root}src/http/routes/`;
    const urls = readdirSync(folder)
      .filter((file) => !file.endsWith('.test.ts'))
      .flatMap((file) => [...readFileSync(folder + file, 'utf8').matchAll(/'(\/[\w/:*]*)'/g)])
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

  it('says which limits there are', () => {
    const text = rows.map((row) => row.join(' | ')).join('\n');
    const seconds = (ms: number) => `${ms / 1000} seconds`;
    for (const limit of [
      `body | ${maxPushBytes.toLocaleString('en')} bytes`,
      `token | ${maxTokenLength.toLocaleString('en')} bytes`,
      `connections | ${defaultLimits.maxConnections.toLocaleString('en')}`,
      `header | ${defaultLimits.maxHeaderBytes / 1024} KiB`,
      `header complete | ${seconds(defaultLimits.headersTimeout)}`,
      `request complete | ${seconds(defaultLimits.requestTimeout)}`,
      `without a request | ${seconds(defaultLimits.keepAliveTimeout)}`,
    ]) {
      expect(text).toContain(limit);
    }
  });
});
