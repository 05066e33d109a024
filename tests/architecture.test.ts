import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const src = fileURLToPath(new URL('../src', import.meta.url));

/**
 * Who may import whom, by room; a room may always import itself. A path that ends in `.ts` opens one file, not the
 * room it is in. What is not listed is forbidden, in types too.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  xmpp: [],
  net: [],
  'web-push': ['net'],
  'errors.ts': ['xmpp/stanza-error.ts'],
  // A service owns the names of its backends and the form of its keys; the configuration holds what is written to them.
  config: [
    'xmpp/jid.ts',
    'services/unified-push/tokens/backend.ts',
    'services/unified-push/tokens/paseto.ts',
  ],
  observability: ['errors.ts', 'config/config.ts'],
  'hosts/host.ts': ['xmpp'],
  'hosts/write-queue.ts': [],
  'hosts/system-clock.ts': ['xmpp/clock.ts'],
  'hosts/back-off.ts': [],
  'hosts/entity': ['xmpp', 'hosts/host.ts', 'errors.ts', 'observability/events.ts'],
  'hosts/component': [
    'xmpp',
    'hosts/host.ts',
    'hosts/entity',
    'hosts/write-queue.ts',
    'hosts/system-clock.ts',
    'hosts/back-off.ts',
    'observability/events.ts',
  ],
  'hosts/standalone': [
    'xmpp',
    'net',
    'hosts/back-off.ts',
    'hosts/host.ts',
    'hosts/entity',
    'hosts/write-queue.ts',
    'hosts/system-clock.ts',
    'errors.ts',
    'observability/events.ts',
  ],
  'services/retry-delay.ts': [],
  'services/acl.ts': ['xmpp/jid.ts'],
  'services/lru-cache.ts': [],
  'services/ad-hoc': ['xmpp', 'hosts/host.ts'],
  'services/change-limit.ts': ['services/lru-cache.ts'],
  'services/text': ['xmpp'],
  'services/subscriptions': [
    'xmpp',
    'net',
    'web-push/encrypt.ts',
    'web-push/subscription.ts',
    'services/change-limit.ts',
    'services/text/fit-json.ts',
  ],
  'services/notify': [
    'xmpp',
    'hosts/host.ts',
    'observability/events.ts',
    'services/retry-delay.ts',
    'services/change-limit.ts',
  ],
  'services/notify/decision': ['xmpp', 'services/notify/channel.ts'],
  'services/notify/requests.ts': ['xmpp', 'hosts/host.ts', 'errors.ts', 'observability/events.ts'],
  'services/notify/cloud-notify': [
    'xmpp',
    'hosts/host.ts',
    'observability/events.ts',
    'services/notify/channel.ts',
    'services/notify/registrations/registrations.ts',
    'services/notify/requests.ts',
    'services/text',
  ],
  'services/notify/web-push': [
    'xmpp',
    'net',
    'web-push',
    'hosts/host.ts',
    'observability/events.ts',
    'services/web-push/web-push.ts',
    'services/notify/channel.ts',
    'services/notify/service.ts',
    'services/notify/requests.ts',
    'services/subscriptions',
    'services/text',
  ],
  'services/web-push': ['web-push', 'xmpp/clock.ts', 'observability/events.ts', 'services/retry-delay.ts'],
  'services/gateway': [
    'xmpp',
    'net',
    'hosts/host.ts',
    'errors.ts',
    'observability/events.ts',
    'services/acl.ts',
    'services/ad-hoc',
    'services/change-limit.ts',
    'services/subscriptions',
    'services/text',
    'services/lru-cache.ts',
    'services/web-push/web-push.ts',
    'web-push/encrypt.ts',
    'web-push/request.ts',
    'web-push/subscription.ts',
  ],
  'services/unified-push': [
    'xmpp',
    'hosts/host.ts',
    'errors.ts',
    'observability/events.ts',
    'services/acl.ts',
    'services/lru-cache.ts',
  ],
  http: [
    'errors.ts',
    'observability',
    'services/unified-push/outcome.ts',
    'services/unified-push/push-payload.ts',
    'config/config.ts',
  ],
  storage: [
    'services/gateway/store.ts',
    'services/notify/store.ts',
    'services/web-push/store.ts',
    'services/web-push/web-push.ts',
    'web-push/request.ts',
    'services/unified-push/store.ts',
    'hosts/standalone/store.ts',
    'observability/events.ts',
    'config/config.ts',
  ],
  control: [
    'xmpp/jid.ts',
    'observability/events.ts',
    'hosts/standalone/account-admin.ts',
    'services/notify/channel.ts',
    'services/notify/registrations',
    'services/notify/service.ts',
  ],
  demo: ['xmpp', 'hosts/system-clock.ts'],
  'version.ts': [],
  'listen-error.ts': ['config'],
  'installation-key.ts': ['storage/open.ts'],
  'hosting.ts': [
    'installation-key.ts',
    'xmpp/jid.ts',
    'config/config.ts',
    'observability/events.ts',
    'hosts',
    'http/forwarded.ts',
    'http/upgrade.ts',
    'storage/open.ts',
  ],
  'web-pushing.ts': [
    'config/config.ts',
    'hosts/system-clock.ts',
    'net',
    'observability/events.ts',
    'services/web-push',
    'storage/open.ts',
    'web-push',
  ],
  'notifying.ts': [
    'hosting.ts',
    'hosts/system-clock.ts',
    'config/config.ts',
    'observability/events.ts',
    'services/notify',
    'storage/open.ts',
    'web-pushing.ts',
  ],
  'gateway.ts': [
    'installation-key.ts',
    'hosting.ts',
    'hosts/system-clock.ts',
    'config/config.ts',
    'observability/events.ts',
    'services/gateway/service.ts',
    'storage/open.ts',
    'web-pushing.ts',
  ],
  'app.ts': [
    'version.ts',
    'gateway.ts',
    'web-pushing.ts',
    'notifying.ts',
    'listen-error.ts',
    'hosting.ts',
    'config/config.ts',
    'control',
    'observability',
    'hosts/host.ts',
    'hosts/standalone/account-admin.ts',
    'services/unified-push',
    'http/server.ts',
    'storage/open.ts',
  ],
  cli: [
    'version.ts',
    'app.ts',
    'listen-error.ts',
    'config',
    'control',
    'demo',
    'hosts/component/probe.ts',
    'net/authorities.ts',
    'hosts/standalone/tls/certificate.ts',
    'http/server.ts',
    'observability/logger.ts',
    'storage',
    'xmpp',
  ],
};

/** Packages that only one room may know, so that a change of library stays in that room. */
const packageOwners: Readonly<Record<string, readonly string[]>> = {
  fastify: ['http'],
  kysely: ['storage'],
  pg: ['storage'],
  'better-sqlite3': ['storage'],
  yaml: ['config'],
  zod: ['config'],
  commander: ['cli'],
  pino: ['observability'],
  'pino-pretty': ['observability'],
  'prom-client': ['observability'],
  'rate-limiter-flexible': ['services/unified-push', 'hosts/standalone'],
  ws: ['hosts/standalone'],
  '@mongodb-js': ['hosts/standalone'],
};

/** Node modules that give a room sockets or a clock; primitives and services have neither. */
const socketModules = [
  'node:net',
  'node:tls',
  'node:http',
  'node:https',
  'node:http2',
  'node:dns',
  'node:timers',
];

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sourceFiles(): SourceFile[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => {
      const text = readFileSync(join(src, path), 'utf8');
      return { path, text, imports: importsOf(text) };
    });
}

function importsOf(text: string): string[] {
  const pattern = /(?:\bfrom\s+|\bimport\s+|\bimport\()\s*'([^']+)'/g;
  return [...text.matchAll(pattern)].flatMap((match) => match[1] ?? []);
}

/** The longest name in the table that the path is or lies in. */
function roomOf(path: string): string | undefined {
  return Object.keys(mayImport)
    .filter((room) => isIn(path, room))
    .sort((a, b) => b.length - a.length)[0];
}

const isIn = (path: string, place: string) => path === place || path.startsWith(`${place}/`);

function isAllowed(from: string, target: string): boolean {
  const room = roomOf(from);
  if (room === undefined) return false;
  return [room, ...(mayImport[room] ?? [])].some((open) => isIn(target, open));
}

const files = sourceFiles();

/** Path of a relative import within src, with the extension it has on disk. */
function target(file: SourceFile, specifier: string): string {
  return relative(src, resolve(src, dirname(file.path), specifier)).replace(/\.js$/, '.ts');
}

const relativeImports = files.flatMap((file) =>
  file.imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => ({ from: file.path, to: target(file, specifier) })),
);

describe('the rooms of src/', () => {
  it('are all in the table', () => {
    expect(files.filter((file) => roomOf(file.path) === undefined).map((file) => file.path)).toEqual([]);
  });

  it('import only what the table allows', () => {
    const wrong = relativeImports.filter(({ from, to }) => !isAllowed(from, to));
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('need what the table allows', () => {
    const isNeeded = (room: string, open: string) =>
      relativeImports.some(({ from, to }) => roomOf(from) === room && isIn(to, open));
    const idle = Object.entries(mayImport).flatMap(([room, opened]) =>
      opened.filter((open) => !isNeeded(room, open)).map((open) => `${room} → ${open}`),
    );
    expect(idle).toEqual([]);
  });

  it('import packages only where they belong', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .map((specifier) => specifier.split('/')[0] ?? '')
        .filter(
          (name) =>
            Object.hasOwn(packageOwners, name) && !packageOwners[name]?.includes(roomOf(file.path) ?? ''),
        )
        .map((name) => `${file.path} → ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('give primitives and services neither sockets nor timers', () => {
    const wrong = files
      .filter((file) => /^(xmpp|services)\//.test(file.path))
      .filter((file) => file.imports.some((specifier) => socketModules.includes(specifier)));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  it('have no import cycle at run time', () => {
    const graph = new Map(files.map((file) => [file.path, runtimeImports(file)]));
    expect(findCycle(graph)).toBeUndefined();
  });

  it('read the environment in one place and touch exit code and signals in another', () => {
    const readers = files.filter((file) => /process\.env\b/.test(file.text)).map((file) => file.path);
    const exits = files
      .filter((file) => /process\.(exit|exitCode|on|once)\b/.test(file.text))
      .map((file) => file.path);
    expect(readers).toEqual(['config/load.ts']);
    expect(exits).toEqual(['cli/main.ts']);
  });
});

function runtimeImports(file: SourceFile): string[] {
  const withoutTypes = file.text
    .replace(/\bimport type [^;]+;/g, '')
    .replace(/\bexport type [^;]+ from [^;]+;/g, '');
  return importsOf(withoutTypes)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => target(file, specifier));
}

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle !== undefined) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
