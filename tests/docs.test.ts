import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../src/errors.js';
import { silentFailure, socketFailure, streamErrorFailure } from '../src/hosts/component/failure.js';
import { accountLimits } from '../src/hosts/standalone/settings.js';
import { Jid } from '../src/xmpp/jid.js';
import { StreamError } from '../src/xmpp/stream-error.js';
import { constant, count, doc, quoted, read, root, section, tableRows } from './harness/documents.js';

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
    // What the host itself answers when too many handlers are at work, and when it stops.
    const byHost = ['wait/resource-constraint', 'wait/service-unavailable'];
    expect(new Set(registering)).toEqual(new Set([...known, ...byHost]));
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
