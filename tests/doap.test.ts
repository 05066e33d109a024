import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createAccountAdmin } from '../src/hosts/standalone/account-admin.js';
import { createArchive } from '../src/hosts/standalone/archive/archive.js';
import { hostExtensions } from '../src/hosts/standalone/extensions.js';
import type { Extension } from '../src/hosts/standalone/module.js';
import { createModules } from '../src/hosts/standalone/modules/modules.js';
import { registrations } from '../src/hosts/standalone/modules/open-registration.js';
import { passwordChanges } from '../src/hosts/standalone/modules/registration.js';
import { accountLimits } from '../src/hosts/standalone/settings.js';
import { adHocExtensions } from '../src/services/ad-hoc/implemented.js';
import { cloudNotifyExtensions } from '../src/services/notify/cloud-notify/implemented.js';
import type { Element } from '../src/xmpp/element.js';
import { ns } from '../src/xmpp/ns.js';
import { StreamParser } from '../src/xmpp/parser.js';
import { FakeServer } from './harness/fake-server.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(root + path, 'utf8');

const doapNs = 'http://usefulinc.com/ns/doap#';
const xmppNs = 'https://linkmauve.fr/ns/xmpp-doap#';

function modules() {
  const server = new FakeServer();
  const { domain, stores, randomBytes, events } = server;
  return createModules({
    archive: createArchive(server),
    accounts: createAccountAdmin({ domain, accounts: stores.accounts, randomBytes, events }),
  });
}

const implemented: readonly Extension[] = [
  ...modules().flatMap((module) => module.implements),
  ...hostExtensions,
  ...adHocExtensions,
  ...cloudNotifyExtensions,
].toSorted((a, b) => a.xep.localeCompare(b.xep));

const doap = parseDocument(read('docs/doap.xml').replace(/^<\?xml [^?]*\?>\s*/, ''));
const claims =
  doap
    .child('Project', doapNs)
    ?.elements()
    .filter((child) => child.name === 'implements') ?? [];
const textOf = (parent: Element, name: string) => parent.child(name, xmppNs)?.text();

function parseDocument(text: string): Element {
  const documents: Element[] = [];
  const handler = { onOpen() {}, onStanza: (root: Element) => void documents.push(root), onClose() {} };
  // Prefixes count as what they stand for, and here most elements have one.
  const parser = new StreamParser(handler, { limits: { stanzaBytes: 1024 * 1024 } });
  parser.write(Buffer.from(`<stream:stream xmlns:stream='${ns.streams}'>${text}`));
  const [root] = documents;
  if (root === undefined) throw new Error('this is no document');
  return root;
}

function extensionOf(supported: Element): Extension & { readonly status: string | undefined } {
  const address = supported.child('xep', xmppNs)?.attr('rdf:resource') ?? '';
  const note = textOf(supported, 'note');
  return {
    xep: /^https:\/\/xmpp\.org\/extensions\/xep-(\d{4})\.html$/.exec(address)?.[1] ?? address,
    version: textOf(supported, 'version') ?? '',
    status: textOf(supported, 'status'),
    ...(note !== undefined && { note }),
  };
}

describe('docs/doap.xml', () => {
  it('has the extensions that are implemented, in order, those with a note as partial', () => {
    const documented = claims.flatMap((claim) => claim.child('SupportedXep', xmppNs) ?? []).map(extensionOf);
    expect(documented).toEqual(
      implemented.map((extension) => ({
        ...extension,
        status: extension.note === undefined ? 'complete' : 'partial',
      })),
    );
  });

  it('has RFCs that the source speaks of', () => {
    const source = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => read(`src/${path}`))
      .join('\n');
    const rfcs = claims.flatMap((claim) => /rfc(\d+)$/.exec(claim.attr('rdf:resource') ?? '')?.[1] ?? []);
    expect(rfcs.length).toBeGreaterThan(5);
    expect(rfcs.filter((number) => !source.includes(`RFC ${number}`))).toEqual([]);
  });
});

describe('the modules of the embedded server', () => {
  it('implement each extension in one place', () => {
    const xeps = implemented.map(({ xep }) => xep);
    expect(xeps).toEqual([...new Set(xeps)]);
  });

  it('are set up beside each other', () => {
    const server = new FakeServer();
    for (const module of modules()) module.setup(server);
    expect(server.advertised.length).toBeGreaterThan(0);
  });

  it('are all the files that make one', () => {
    const folder = 'src/hosts/standalone/modules/';
    const makers = readdirSync(root + folder).filter(
      (file) => !file.endsWith('.test.ts') && /: ServerModule (?:=|\{)/.test(read(folder + file)),
    );
    const names = makers.map((file) => file.replace(/\.ts$/, ''));
    expect(
      modules()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(names.toSorted());
  });
});

describe('docs/xmpp.md', () => {
  const text = read('docs/xmpp.md');
  const section = (heading: string) => text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const count = (number: number) => number.toLocaleString('en');
  const kib = (bytes: number) => `${bytes / 1024} KiB`;

  it('has a row for each extension of the embedded server', () => {
    const rows = [...section('What the embedded server speaks').matchAll(/^\|.*?\| (\d{4}) \|/gm)];
    const expected = implemented.map(({ xep }) => xep);
    expect(rows.map(([, xep]) => xep).toSorted()).toEqual(expected);
  });

  it.each([
    [
      'Accounts',
      `more than ${registrations.each} registrations from one network, or ${count(registrations.inAll)} in all`,
    ],
    ['Accounts', `more than ${passwordChanges.each} new passwords`],
    ['Offline messages', `more than ${kib(accountLimits.offlineMessageBytes)}`],
    ['Block lists', `more than ${count(accountLimits.blocked)} entries`],
    ['What accounts keep', `more than ${kib(accountLimits.documentBytes)}`],
    ['What accounts keep', `more than ${count(accountLimits.privateDocuments)} documents`],
  ])('says under %s: %s', (heading, words) => {
    expect(section(heading).replaceAll(/\s+/g, ' ')).toContain(words);
  });
});
