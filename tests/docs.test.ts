import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxLineBytes } from '../src/control/protocol.js';
import { errorTable } from '../src/errors.js';
import { defaultConnectionLimits } from '../src/hosts/component/connection.js';
import { silentFailure, socketFailure, streamErrorFailure } from '../src/hosts/component/failure.js';
import { defaultC2sLimits } from '../src/hosts/standalone/c2s/limits.js';
import { defaultComponentLimits } from '../src/hosts/standalone/components/limits.js';
import { heldBackLimits } from '../src/hosts/standalone/modules/held-back.js';
import { defaultFederationLimits } from '../src/hosts/standalone/s2s/federation-limits.js';
import { accountLimits } from '../src/hosts/standalone/settings.js';
import { defaultLimits, maxTokenLength } from '../src/http/limits.js';
import { createMetrics } from '../src/observability/metrics.js';
import { patience } from '../src/services/notify/delivery/error-policy.js';
import { places } from '../src/services/notify/delivery/lane.js';
import { changeLimit } from '../src/services/change-limit.js';
import { retryDelay } from '../src/services/retry-delay.js';
import { maxPushBytes } from '../src/services/unified-push/push-payload.js';
import { defaultSenderLimits } from '../src/web-push/sender/limits.js';
import { Jid } from '../src/xmpp/jid.js';
import { defaultParserLimits } from '../src/xmpp/parser.js';
import { StreamError } from '../src/xmpp/stream-error.js';
import { type HttpTestBed, startHttp } from './harness/http.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(root + path, 'utf8');
const doc = (name: string) => read(`docs/${name}`);

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

/** The text below a heading of the second level, up to the next one. */
function section(markdown: string, heading: string): string {
  const [, after = ''] = markdown.split(`\n## ${heading}\n`);
  return after.split('\n## ')[0] ?? '';
}

/** The number that a file of src/ gives a name which it keeps to itself: `= 10_000`, `: 16 * 1024`. */
function constant(file: string, name: string): number {
  const source = read(`src/${file}`);
  const product = new RegExp(`\\b${name}(?: =|:) (\\d[\\d_* ]*)`).exec(source)?.[1];
  if (product === undefined) throw new Error(`src/${file} has no ${name}`);
  return product.split('*').reduce((all, factor) => all * Number(factor.replaceAll('_', '')), 1);
}

const count = (number: number) => number.toLocaleString('en');
const seconds = (ms: number) => `${ms / 1000} ${ms === 1000 ? 'second' : 'seconds'}`;
const kib = (bytes: number) => `${bytes / 1024} KiB`;
const mib = (bytes: number) => `${bytes / 1024 ** 2} MiB`;

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
      `at most ${count(constant('services/notify/web-push/payload.ts', 'maxBytes'))} bytes`,
      `\`web_push.ttl\`, ${constant('services/notify/web-push/target.ts', 'callTtl')} for a \`call\``,
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
    const files = ['metrics.ts', 'notify-metrics.ts', 'server-metrics.ts', 'web-push-metrics.ts'];
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

describe('docs/architecture.md', () => {
  const documented = tableRows(section(doc('architecture.md'), 'Bounds')).map(([what, bound]) => [
    what,
    bound,
  ]);
  const component = (name: string) => constant('hosts/component/component-host.ts', name);
  const service = (name: string) => count(constant('services/unified-push/service.ts', name));
  const postgres = (name: string) => constant('storage/postgres.ts', name);
  const sweep = (name: string) => constant('services/unified-push/sweep.ts', name);
  const perAccount = constant('services/unified-push/tokens/storage.ts', 'maxPerAccount');
  const { stanzaBytes, writeQueueBytes, connectTimeout, handshakeTimeout } = defaultConnectionLimits;

  it('has each bound as the code has it', () => {
    expect(connectTimeout).toBe(handshakeTimeout);
    expect(documented).toEqual([
      ['pushes under way', service('underWayInAll')],
      ['pushes under way per registration', service('underWayEach')],
      ['pushes per minute and registration', '`unified_push.rate_limit`'],
      ['registrations whose rate is counted', service('countedKeys')],
      ['registrations of an account in the `storage` backend', count(perAccount)],
      ["wait for a device's answer", '`unified_push.push_timeout`'],
      [
        'verified tokens in memory, per stateless backend',
        count(constant('services/unified-push/tokens/stateless.ts', 'cachedTokens')),
      ],
      ['open IQs', count(component('openRequests'))],
      ['handlers of IQs under way', count(component('handlersUnderWay'))],
      ['bytes waiting to be written to the XMPP server', `${writeQueueBytes / 1024 ** 2} MiB`],
      ['bytes of a stanza from the server', `${stanzaBytes / 1024 / 1024} MiB`],
      ['elements inside each other in a stanza', `${defaultParserLimits.depth}`],
      ['attributes of an element', `${defaultParserLimits.attributes}`],
      ['characters of a name in XML', `${defaultParserLimits.nameLength}`],
      ['bytes of each part of a JID', count(constant('xmpp/jid.ts', 'maxPartBytes'))],
      ['bytes of an endpoint', count(constant('services/unified-push/register.ts', 'maxEndpointBytes'))],
      ['time to connect, and then to shake hands', `${seconds(connectTimeout)} each`],
      [
        'silence of the XMPP server',
        `${seconds(component('idle'))}, then ${component('grace') / 1000} after a ping`,
      ],
      [
        'wait before a further attempt to connect',
        `${seconds(component('firstDelay'))}, doubled up to ${component('longestDelay') / 1000}`,
      ],
      ['PostgreSQL connections', `${postgres('maxConnections')}`],
      [
        'queries waiting for a connection',
        `${count(postgres('maxWaiting'))}, each ${seconds(postgres('connectTimeout'))}`,
      ],
      ['time of a statement in PostgreSQL', seconds(postgres('statementTimeout'))],
      ["wait for SQLite's lock", seconds(constant('storage/sqlite.ts', 'busyTimeout'))],
      ['writes waiting for SQLite', count(constant('storage/group-commit.ts', 'maxWaiting'))],
      [
        'messages waiting to be written to an archive in PostgreSQL',
        count(constant('storage/batch-inserts.ts', 'maxWaiting')),
      ],
      [
        'offline messages of an account waiting for PostgreSQL',
        count(constant('storage/offline.ts', 'maxWaiting')),
      ],
      [
        'expired rows removed at once',
        `${count(sweep('batchRows') * sweep('maxBatches'))} of each kind, an hour`,
      ],
      ['check of readiness', seconds(constant('observability/health.ts', 'timeout'))],
      [
        'log lines of the same trouble',
        `one in ${seconds(constant('observability/flood-gate.ts', 'quietTime'))}`,
      ],
      ['configuration file', kib(constant('config/load.ts', 'maxFileBytes'))],
      ['file of a secret', kib(constant('config/parse-values.ts', 'maxSecretBytes'))],
    ]);
    expect(constant('app.ts', 'sweepInterval')).toBe(60 * 60 * 1000);
  });

  const control = (name: string) => constant('control/server.ts', name);
  const standalone = (file: string, name: string) => constant(`hosts/standalone/${file}`, name);
  const core = (name: string) => count(standalone('core.ts', name));

  it('has each bound of the embedded server as the code has it', () => {
    const rows = tableRows(section(doc('architecture.md'), 'Bounds of the embedded server'));
    const limits = defaultC2sLimits;
    const requests = standalone('presence/subscriptions.ts', 'maxPendingRequests');
    const requestBytes = standalone('presence/subscriptions.ts', 'maxRequestBytes');
    const open = (name: string) => standalone('modules/open-registration.ts', name);
    const managed = (name: string) => standalone('stream-management/managed-link.ts', name);
    const inFlight = standalone('stream-management/client-work.ts', 'maxInFlight');
    const offline = (name: string) => standalone('modules/offline.ts', name);
    const changes = (name: string) => standalone('modules/registration.ts', name);
    expect(rows.map(([what, bound]) => [what, bound])).toEqual([
      ['connections from one address', '`standalone.max_connections_per_address`'],
      ['connections that have not authenticated', count(limits.unauthenticatedConnections)],
      [
        'time until a resource is bound',
        `${seconds(limits.negotiationTimeout)}, ${seconds(limits.registrationTimeout)} for whoever registers`,
      ],
      [
        'bytes before authentication',
        `${kib(limits.negotiationBytes)}, of each element ${count(limits.negotiationStanzaBytes)}`,
      ],
      ['failed authentications of a connection', `${limits.authenticationTries}`],
      ['bytes of a stanza', kib(limits.stanzaBytes)],
      ['elements of a stanza', count(limits.stanzaElements)],
      [
        'bytes per second of a connection',
        `\`standalone.rate_limit\`, after ${limits.burstSeconds} seconds' worth at once`,
      ],
      ['stanzas of a client at work', `1; with stream management ${inFlight} messages`],
      [
        'stanzas that came together and are worked on together',
        `${limits.turn} milliseconds, ${kib(limits.turnBytes)}`,
      ],
      ['bytes waiting for a client that reads too slowly', `${limits.waitingBytes / 1024 ** 2} MiB`],
      [
        "frames of a WebSocket's message, and pieces in which a frame comes",
        count(standalone('c2s/websocket-upgrade.ts', 'maxPieces')),
      ],
      [
        "bytes waiting to be written before a WebSocket's ping is answered",
        kib(standalone('c2s/websocket-transport.ts', 'maxUnsentPongs')),
      ],
      [
        'stanzas for a session that is just being bound',
        count(standalone('c2s/client-stream.ts', 'maxEarly')),
      ],
      ['time of a client to close its connection', seconds(limits.closeTimeout)],
      [
        'bytes that a client still sends after the end of its stream',
        `${limits.ignoredBytes / 1024 ** 2} MiB`,
      ],
      ['sessions of an account', '`standalone.max_sessions_per_account`'],
      ['time of a session without connection', '`smacks.hibernation_time`'],
      ['stanzas kept for a session without connection', '`smacks.max_queue_size`'],
      [
        'stanzas on their way to a client that has not acknowledged them',
        `${managed('liveFactor')} times that`,
      ],
      ['bytes of these stanzas', mib(managed('maxKeptBytes'))],
      ["wait for a client's acknowledgement", '`smacks.max_ack_delay`'],
      [
        'ended sessions of which is known what was handled',
        count(standalone('stream-management/stream-management.ts', 'maxEnded')),
      ],
      ['stanzas held back for an inactive client', `${heldBackLimits.stanzas}, ${kib(heldBackLimits.bytes)}`],
      [
        'messages of an account to which errors are copied as carbons',
        `the last ${standalone('carbons/copied-lately.ts', 'maxMessages')}`,
      ],
      [
        'messages in a page of an archive',
        `\`archive.max_query_results\`, about ${mib(standalone('archive/page.ts', 'pageCharacters'))}`,
      ],
      ['messages of an archive that are named in a query', '`archive.max_query_results`'],
      ['bytes of a `queryid`', count(standalone('archive/query.ts', 'maxQueryIdBytes'))],
      ['age of archived messages', '`archive.expires_after`'],
      [
        "addresses in an account's archive preferences",
        `${count(accountLimits.archiveJids)}, of ${kib(accountLimits.archiveJidBytes)} in all`,
      ],
      ['accounts without sessions in memory', core('idleAccounts')],
      ['addresses remembered as they were written', core('addresses')],
      ['work waiting for one account', core('waitingPerAccount')],
      [
        'handlers of IQs under way, of each domain and of the accounts',
        `${core('handlersUnderWay')}, of one session ${core('handlersPerAsker')}`,
      ],
      ['open IQs of the server, of each domain', core('openRequests')],
      ['bytes of a presence stanza', kib(accountLimits.presenceBytes)],
      [
        "addresses of a session's directed presence",
        count(standalone('presence/availability.ts', 'maxDirected')),
      ],
      ['contacts of an account', count(accountLimits.contacts)],
      [
        'bytes of all addresses, names and groups of a roster',
        `${accountLimits.rosterBytes / 1024 ** 2} MiB`,
      ],
      ["subscription requests waiting for an account's answer", count(requests)],
      ['bytes of a subscription request that is kept', count(requestBytes)],
      ['groups of a contact', `${accountLimits.groupsPerContact}`],
      ['bytes of the name of a contact or a group', count(accountLimits.nameBytes)],
      ['blocked addresses of an account', count(accountLimits.blocked)],
      ['offline messages of an account', '`standalone.max_offline_messages`'],
      ['bytes of an offline message', kib(accountLimits.offlineMessageBytes)],
      [
        'offline messages that a client is sent at once',
        `${offline('pageSize')}, about ${kib(offline('pageBytes'))}`,
      ],
      ['private documents of an account', `${accountLimits.privateDocuments}`],
      ['bytes of a vCard or private document', kib(accountLimits.documentBytes)],
      [
        `registrations by strangers, of one address in ${open('windowSeconds') / 3600} hour`,
        `${open('each')}, of all ${count(open('inAll'))}`,
      ],
      [
        `password changes of an account in ${changes('windowSeconds') / 60} minutes`,
        `${changes('each')}, of all ${count(changes('inAll'))}`,
      ],
      ['commands on the control socket', `${control('maxConnections')} at once`],
      [
        'a command on the control socket',
        `${kib(maxLineBytes)}, complete within ${seconds(control('requestTimeout'))}`,
      ],
      ['an answer on the control socket', `${seconds(control('answerTimeout'))} without a step`],
      ['end of all sessions when Belfry stops', seconds(limits.stopTimeout)],
    ]);
    expect(standalone('core.ts', 'stopWithin')).toBe(limits.stopTimeout);
    expect(standalone('archive/sweep.ts', 'interval')).toBe(60 * 60 * 1000);
  });

  it('has each bound of notifications as the code has it', () => {
    const rows = tableRows(section(doc('architecture.md'), 'Bounds of notifications'));
    const notify = (file: string, name: string) => constant(`services/notify/${file}`, name);
    const channel = (file: string, name: string) => notify(`cloud-notify/${file}`, name);
    const usual = (file: string, option: string) => {
      const source = read(`src/services/notify/${file}`);
      const [, digits = ''] = new RegExp(`${option} \\?\\? ([\\d_]+)`).exec(source) ?? [];
      return count(Number(digits.replaceAll('_', '')));
    };
    const longest = retryDelay(100, undefined, 1);
    expect(notify('registrations/device-list.ts', 'charactersPerUnit')).toBe(1024);
    expect(rows.map(([what, bound]) => [what, bound])).toEqual([
      ['registrations of an account', '`cloud_notify.max_devices`'],
      ['bytes of the address of a push service and a node', count(channel('enable.ts', 'maxAddressBytes'))],
      [
        'bytes of publish options, of all that enables a device',
        `${kib(channel('details.ts', 'maxOptionsBytes'))}, ${kib(channel('details.ts', 'maxTextBytes'))}`,
      ],
      [
        "changes of an account's registrations that wait",
        count(notify('registrations/registrations.ts', 'maxWaiting')),
      ],
      [
        `registrations that an account enables anew or otherwise in ${changeLimit.duration / 60_000} minutes`,
        `${changeLimit.each}`,
      ],
      [
        'accounts whose registrations are in memory',
        `${usual('registrations/registrations.ts', 'maxAccounts')}, each KiB of them counts as one more, a tag as ${notify('registrations/device-list.ts', 'charactersPerTag')} bytes more`,
      ],
      ['time in which news are collected', '`cloud_notify.collection_time`'],
      ['registrations with news', usual('delivery/batching.ts', 'maxLanes')],
      ['notifications to a registration that are under way', count(places)],
      ['registrations whose messages are counted', count(notify('delivery/batching.ts', 'maxCounts'))],
      [
        'bytes of a text in a notification, of encrypted content',
        `${count(channel('summary.ts', 'maxBodyBytes'))}, ${count(channel('extensions.ts', 'largestSize'))}`,
      ],
      ['wait for the answer of a push service', seconds(channel('publish.ts', 'timeout'))],
      [
        'wait before it is tried again',
        `${seconds(retryDelay(0, undefined, 1))}, doubled up to ${longest / 1000}`,
      ],
      [
        'time in which it is tried again',
        `${patience.other / 60_000} minutes, ${seconds(patience.call)} for a call`,
      ],
      ['refusals in a row', '`cloud_notify.max_errors`'],
      [
        'time of a session without connection whose device was not told',
        '`cloud_notify.max_hibernation_timeout`',
      ],
      ['notifications when Belfry stops', seconds(notify('delivery/batching.ts', 'lastPatience'))],
    ]);
  });

  it('has each bound of Web Push as the code has it', () => {
    const rows = tableRows(section(doc('architecture.md'), 'Bounds of Web Push'));
    const guard = (name: string) => constant('net/guard.ts', name);
    const library = (file: string, name: string) => count(constant(`web-push/${file}`, name));
    const engine = (file: string, name: string) => count(constant(`services/notify/${file}`, name));
    const queue = (file: string, name: string) => constant(`services/web-push/${file}`, name);
    const flood = (name: string) => constant('web-push/sender/http2-channel.ts', name);
    const limits = defaultSenderLimits;
    expect(rows.map(([what, bound]) => [what, bound])).toEqual([
      ['browsers of an account', '`web_push.max_devices`'],
      ['bytes of an endpoint', count(constant('net/outgoing-url.ts', 'maxBytes'))],
      [
        'endpoints of an account whose hosts DNS is asked for',
        `${constant('services/subscriptions/door.ts', 'maxQuestions')} at once, ${changeLimit.each} in ${changeLimit.duration / 60_000} minutes`,
      ],
      ['time of one DNS server for a name', `${seconds(guard('dnsTimeout'))}, ${guard('dnsTries')} times`],
      ['addresses of a name', `${guard('maxAddresses')}`],
      ['conversations of a browser with news', engine('delivery/waiting.ts', 'maxNotices')],
      ['conversations of a browser whose messages are counted', engine('delivery/absences.ts', 'maxTopics')],
      ['bytes of a payload', engine('web-push/payload.ts', 'maxBytes')],
      ['messages that wait for another thread to agree on their keys', library('sealer.ts', 'maxWaiting')],
      ['signed tokens in memory', library('vapid.ts', 'maxTokens')],
      ['push services with connections', count(limits.origins)],
      ['connections to a push service', `1 of HTTP/2, or ${limits.connections} of HTTP/1.1`],
      ['requests at once on a connection of HTTP/2', `${limits.streams}, or what the push service allows`],
      ['requests that wait for a push service', count(limits.waiting)],
      [
        'time to connect to a push service, for a request in all',
        `${seconds(limits.connectTime)}, ${seconds(limits.answerTime)}`,
      ],
      ['time of a connection without a request', seconds(limits.idleTime)],
      [
        "bytes of an answer's header, of its body",
        `${kib(constant('web-push/sender/origin.ts', 'maxHeaderBytes'))}, ${kib(constant('web-push/sender/delivery.ts', 'maxBody'))}`,
      ],
      ['interim answers (1xx) to a request', library('sender/delivery.ts', 'maxInterim')],
      [
        'bytes that come on a connection of HTTP/2',
        `${kib(flood('inAll'))}, and ${kib(flood('each'))} for each request`,
      ],
      [
        'messages of one conversation that are being sent to a browser',
        count(queue('service.ts', 'mostOfTopic')),
      ],
      ['messages that wait on disk for one browser', count(queue('direct.ts', 'mostOfEndpoint'))],
      ['messages that wait on disk in all', '`web_push.max_waiting`'],
      [
        'messages from disk that are under way',
        `${count(queue('queue.ts', 'mostClaimed'))}, to one push service ${queue('queue.ts', 'mostSent')}, and ${queue('queue.ts', 'mostWaiting')} that come next`,
      ],
      [
        'wait before a message from disk is tried again',
        `${seconds(retryDelay(0, undefined, 1))}, doubled up to ${retryDelay(100, undefined, 1) / 1000}`,
      ],
      ['wait that a push service may ask for', `${retryDelay(0, 1e9, 0) / 3_600_000} hour`],
      [
        'browsers that are known to wait, push services that are left alone',
        `${count(queue('attempts.ts', 'mostEndpoints'))}, ${count(queue('origins.ts', 'most'))}`,
      ],
      ['time for which a process has a message from disk to itself', seconds(queue('queue.ts', 'leaseTime'))],
      ['requests when Belfry stops', seconds(queue('service.ts', 'patience'))],
    ]);
  });

  it('has each bound of other servers and components as the code has it', () => {
    const rows = tableRows(section(doc('architecture.md'), 'Bounds of other servers and components'));
    const { streams, outbound, verifier, connect } = defaultFederationLimits;
    const resolver = (name: string) => standalone('s2s/resolver.ts', name);
    const dial = (name: string) => standalone('s2s/dial.ts', name);
    const limits = defaultComponentLimits;
    expect(rows.map(([what, bound]) => [what, bound])).toEqual([
      ['connections of servers from one address', '`standalone.max_connections_per_address`'],
      ['connections of servers that have not authenticated', count(streams.unauthenticatedConnections)],
      ['time until a server has authenticated', seconds(streams.negotiationTimeout)],
      [
        'bytes before that',
        `${kib(streams.negotiationBytes)}, of each element ${count(streams.negotiationStanzaBytes)}`,
      ],
      ["failed authentications of a server's connection", `${streams.authenticationTries}`],
      ['certificates of a server in its chain', `${standalone('s2s/peer-certificate.ts', 'maxChain')}`],
      [
        'pairs of domains on one stream',
        `${streams.pairs}, of which ${streams.verifyingPairs} are being verified`,
      ],
      ['keys that are being verified for one address', `${streams.verifyingPerAddress}`],
      ['time for dialback', seconds(streams.dialbackTimeout)],
      ["bytes of a server's stanza", mib(streams.stanzaBytes)],
      ["elements of a server's stanza", count(streams.stanzaElements)],
      ['stanzas of a server at work', `${streams.inFlight}`],
      [
        'stanzas of a server that came together and are worked on together',
        `${streams.turn} milliseconds, ${kib(streams.turnBytes)}`,
      ],
      ['bytes waiting for a server that reads too slowly', mib(streams.waitingBytes)],
      ['time without a stanza', `${streams.idleTimeout / 60_000} minutes`],
      ['time to connect to a server, all its addresses included', seconds(connect)],
      [
        'places that DNS names for a server, and addresses of them',
        `${resolver('services')}, ${resolver('endpoints')}`,
      ],
      [
        'time to connect to one address',
        `${seconds(dial('attempt'))}, and after ${dial('patience') / 1000} the next one is tried beside it`,
      ],
      ['stanzas waiting for a connection to a server', `${count(outbound.stanzas)}, ${mib(outbound.bytes)}`],
      ['pairs of domains with a connection or a queue', count(outbound.pairs)],
      [
        'rest after a failure',
        `${seconds(outbound.firstRest)}, doubled up to ${outbound.longestRest / 1000}`,
      ],
      ['servers asked about keys at once, questions to each', `${verifier.servers}, ${verifier.waiting}`],
      ['questions about keys on one stream', `${streams.openVerifications}`],
      [
        'domains whose DNS is remembered',
        `${count(resolver('domains'))}, for ${seconds(resolver('rememberFor'))}`,
      ],
      ['connections of components without handshake', count(limits.unauthenticatedConnections)],
      ["time until a component's handshake", seconds(limits.negotiationTimeout)],
      ['bytes before the handshake', count(limits.handshakeBytes)],
      ["bytes of a component's stanza", mib(limits.stanzaBytes)],
      ["elements of a component's stanza", count(limits.stanzaElements)],
      ['stanzas of a component at work', `${limits.inFlight}`],
      ['bytes waiting for a component that reads too slowly', mib(limits.waitingBytes)],
      [
        'time of a server to close its connection, and of a component',
        `${seconds(streams.closeTimeout)}, ${seconds(limits.closeTimeout)}`,
      ],
      ['bytes that they still send after the end of their stream', mib(streams.ignoredBytes)],
      ['time for what waits for servers when Belfry stops', seconds(outbound.drain)],
      ['end of all their streams after that', seconds(streams.stopTimeout)],
    ]);
    expect(limits.ignoredBytes).toBe(streams.ignoredBytes);
    expect(limits.stopTimeout).toBe(streams.stopTimeout);
  });
});

describe('docs/storage.md', () => {
  const rows = tableRows(doc('storage.md'));
  const sweep = (name: string) => constant('services/unified-push/sweep.ts', name);

  it('has every table of the schema, and no other', () => {
    const [, body = ''] = /interface Schema \{\n(.*?)\n\}/s.exec(read('src/storage/database.ts')) ?? [];
    const tables = [...body.matchAll(/^ {2}(\w+): \{/gm)].map(([, name]) => `\`${name}\``);
    const [head = ''] = doc('storage.md').split('\n## ');
    expect(tables.length).toBeGreaterThan(5);
    expect(new Set(tableRows(head).map(([name]) => name))).toEqual(new Set(tables));
  });

  it('says how long expired rows stay', () => {
    const gone = (table: string) => rows.find(([name]) => name === `\`${table}\``)?.[2];
    const days = sweep('registrationGrace') / (24 * 3600);
    const hours = sweep('revocationGrace') / 3600;
    expect(gone('unified_push_registrations')).toContain(`or ${days} days after its expiry`);
    expect(gone('revoked_tokens')).toContain(`${hours} hour after the endpoint would have expired`);
    expect(doc('storage.md')).toContain(`less than those ${days} days`);
    expect(doc('storage.md')).toContain(`at most ${count(sweep('batchRows') * sweep('maxBatches'))} of each`);
  });
});

describe('docs/storage.md, of a database that does not open,', () => {
  const sources = readdirSync(`${root}src/storage`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => read(`src/storage/${file}`))
    .join('\n');
  const messages = tableRows(section(doc('storage.md'), 'When it does not open')).flatMap(([words]) =>
    quoted(words),
  );

  it.each(messages)('quotes what Belfry says: %s', (message) => {
    expect(sources).toContain(message.replace(/ (?:\([A-Z]+\)|N)$/, ''));
  });
});

describe('docs/dependencies.md', () => {
  const {
    dependencies,
    devDependencies,
  }: Record<string, Record<string, string>> = JSON.parse(read('package.json'));
  const text = doc('dependencies.md');

  it('has every package at run time, with its version', () => {
    const listed = tableRows(section(text, 'At run time')).flatMap(([cell = '']) => cell.split(', '));
    const used = Object.entries(dependencies ?? {}).map(
      ([name, range]) => `${name} ${/^\^(0\.\d+|\d+)/.exec(range)?.[1]}`,
    );
    expect(listed.toSorted()).toEqual(used.toSorted());
  });

  it('has every package for development', () => {
    const listed = tableRows(section(text, 'For development')).flatMap(([cell = '']) => cell.split(', '));
    const used = Object.keys(devDependencies ?? {}).map((name) => name.replace(/^@types\/.*/, '@types/*'));
    expect(new Set(listed)).toEqual(new Set(used));
  });
});

describe('docs/xmpp.md', () => {
  it('has every stanza error that a registration may get, and no other', () => {
    const registering = tableRows(section(doc('xmpp.md'), 'Registering')).map(([error]) => quoted(error)[0]);
    const known = Object.values(errorTable).flatMap((row) => ('stanza' in row ? [row.stanza.join('/')] : []));
    // What the host itself answers when too many handlers are at work.
    expect(new Set(registering)).toEqual(new Set([...known, 'wait/resource-constraint']));
  });

  it('has the bounds of rosters and presence', () => {
    const text = section(doc('xmpp.md'), 'Roster and presence').replaceAll('\n', ' ');
    const presence = (file: string, name: string) =>
      count(constant(`hosts/standalone/presence/${file}`, name));
    for (const bound of [
      `more than ${count(accountLimits.nameBytes)} bytes`,
      `more than ${accountLimits.groupsPerContact} groups`,
      `there are ${count(accountLimits.contacts)} contacts`,
      `have ${accountLimits.rosterBytes / 1024 ** 2} MiB`,
      `more than ${accountLimits.presenceBytes / 1024} KiB`,
      `at most ${presence('subscriptions.ts', 'maxRequestBytes')} bytes`,
      `${presence('subscriptions.ts', 'maxPendingRequests')} requests of strangers`,
      `remembered for ${presence('availability.ts', 'maxDirected')} addresses`,
    ]) {
      expect(text).toContain(bound);
    }
  });
});

describe('what Belfry says of its connection', () => {
  const to = { jid: Jid.parse('push.example.org'), connect: { host: '127.0.0.1', port: 5347 } };
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const failures = [
    socketFailure(refused, to),
    silentFailure(to),
    ...(['host-unknown', 'not-authorized', 'conflict', 'invalid-namespace'] as const).map((condition) =>
      streamErrorFailure(new StreamError(condition), 'handshaking', to),
    ),
  ];

  it.each([
    ['prosody.md', ['refused', 'unknown-component', 'wrong-secret', 'conflict', 'wrong-port']],
    ['ejabberd.md', ['refused', 'wrong-secret', 'conflict', 'wrong-port', 'silent']],
  ])('is what docs/%s lists', (name, kinds) => {
    const said = tableRows(section(doc(name), 'What goes wrong')).map(([words]) => quoted(words)[0] ?? '?');
    const found = said.map((words) => failures.find(({ reason }) => reason.includes(words))?.kind);
    expect(found).toEqual(kinds);
  });
});
