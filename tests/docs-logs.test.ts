import { describe, expect, it } from 'vitest';
import { createMetrics } from '../src/observability/metrics.js';
import { portablePayloadBytes } from '../src/web-push/encrypt.js';
import { constant, count, doc, quoted, read, section, tableRows } from './harness/documents.js';

describe('docs/cloud-notify.md', () => {
  it('has each line of the log about devices', () => {
    const source = read('src/observability/notify-events.ts');
    const written = [...source.matchAll(/'((?:device|notification) [a-z ]+)[':]/g)].map(([, line]) => line);
    const rows = tableRows(section(doc('cloud-notify.md'), 'In the log'));
    const documented = rows.map(([line]) => quoted(line)[0]?.replace(': …', ''));
    expect(documented.toSorted()).toEqual(written.toSorted());
    expect(documented).toContain('device rests');
  });

  it('names each reason for which a registration goes, or what waits is dropped', () => {
    const source = read('src/observability/notify-events.ts');
    const reasons = [...source.matchAll(/why:((?:\s*\|?\s*'[^']+')+)/g)].flatMap(([, all = '']) =>
      [...all.matchAll(/'([^']+)'/g)].map(([, reason]) => reason),
    );
    const named = quoted(section(doc('cloud-notify.md'), 'In the log'));
    expect(reasons.length).toBeGreaterThan(10);
    // No answer of an app server says that (XEP-0357 §7.1).
    expect(reasons.filter((reason) => reason !== 'gone' && !named.includes(reason ?? ''))).toEqual([]);
  });
});

describe('docs/web-push.md', () => {
  const source = read('src/observability/web-push-events.ts');
  const log = section(doc('web-push.md'), 'In the log');

  it('has each line of the log about Web Push', () => {
    const written = [...source.matchAll(/'((?:web push|push service) [a-z ]+)'/g)].map(([, line]) => line);
    const documented = tableRows(log).map(([line]) => quoted(line)[0]);
    expect(documented.toSorted()).toEqual(written.toSorted());
    expect(documented).toContain('web push waits');
  });

  it('names each outcome, and each reason for which messages are dropped', () => {
    const declared = [...source.matchAll(/(?:why|outcome): ((?:'[a-z -]+'(?: \| )?)+)/g)].flatMap(([, all]) =>
      (all ?? '').split(' | ').map((name) => name.replaceAll("'", '')),
    );
    const named = quoted(log);
    expect(declared.length).toBeGreaterThan(9);
    // Of what was delivered, the line says it by its words.
    expect(declared.filter((name) => name !== 'delivered' && !named.includes(name))).toEqual([]);
  });

  it('says what an endpoint, a queue and a payload may be', () => {
    const text = doc('web-push.md').replaceAll(/\s+/g, ' ');
    for (const words of [
      `at most ${count(constant('net/outgoing-url.ts', 'maxBytes'))} bytes, and its port is 443 or above ${constant('net/outgoing-url.ts', 'firstOpenPort') - 1}`,
      `at most ${count(portablePayloadBytes)} bytes`,
      `\`web_push.ttl\`, ${constant('services/subscriptions/message-ttl.ts', 'callTtl')} for a \`call\``,
      `more than ${constant('services/subscriptions/door.ts', 'maxQuestions')} endpoints at once`,
    ]) {
      expect(text).toContain(words);
    }
  });
});

describe('docs/metrics.md', () => {
  const documented = tableRows(doc('metrics.md'))
    .filter(([name]) => name?.startsWith('`belfry_'))
    .map(([name, type, labels]) => ({ name: quoted(name)[0], type, labels: quoted(labels) }));

  it('has the metrics of src/observability/, with type and labels', () => {
    const files = [
      'metrics.ts',
      'gateway-metrics.ts',
      'notify-metrics.ts',
      'server-metrics.ts',
      'web-push-metrics.ts',
    ];
    const source = files.map((name) => read(`src/observability/${name}`)).join('\n');
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
