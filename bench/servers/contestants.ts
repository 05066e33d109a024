import { rm } from 'node:fs/promises';
import { startStandalone } from '../../tests/harness/belfry-standalone.js';
import { type CertificateFiles, makeCertificate } from '../../tests/harness/certificate.js';
import { hasEjabberd, startEjabberd } from '../../tests/harness/ejabberd.js';
import { hasProsody, startProsody } from '../../tests/harness/prosody.js';
import { temporaryFolder, type XmppServer, type XmppServerOptions } from '../../tests/harness/xmpp-server.js';
import { userOf } from './lean-login.js';

const domain = 'bench.test';
const password = 'a-password-of-the-bench';

export const account = { domain, password };

export type Transport = 'plain' | 'tls';
export const transports: readonly Transport[] = ['plain', 'tls'];

/**
 * What a server does for messages: `passing`: they pass through and are gone; `managed`: with carbons and stream
 * management; `lasting`: with an archive too.
 */
export type Service = 'passing' | 'managed' | 'lasting';
export const services: readonly Service[] = ['passing', 'managed', 'lasting'];

type Started = Pick<XmppServer, 'pid' | 'c2sPort' | 'directTlsPort' | 'stop'>;

/** A server under test; each runs with what Belfry's embedded server offers, hashed passwords and no rate limits. */
interface Contestant {
  readonly name: string;
  readonly service: Service;
  /** Where it archives. */
  readonly archive: string;
  readonly isInstalled: boolean;
  start(options: XmppServerOptions): Promise<Started>;
}

function contestantsFor(service: Service): Contestant[] {
  const isLasting = service === 'lasting';
  return [
    prosody(service, isLasting ? 'files' : '–', ''),
    ...(isLasting ? [prosody(service, 'SQLite', prosodySqlite)] : []),
    {
      ...{ name: 'ejabberd', service, archive: isLasting ? 'Mnesia' : '–', isInstalled: hasEjabberd },
      start: (options) => startEjabberd({ ...options, modules: ejabberdModulesFor(service) }),
    },
    {
      ...{ name: 'belfry', service, archive: isLasting ? 'SQLite' : '–', isInstalled: true },
      start: (options) =>
        startStandalone({
          ...options,
          env: { BELFRY_ARCHIVE_DEFAULT_POLICY: isLasting ? 'always' : 'never' },
        }),
    },
  ];
}

const prosodySqlite = `
storage = { archive = "sql" }
sql = { driver = "SQLite3"; database = "prosody.sqlite" }`;

/** Archives as far as the disk goes: by default Prosody stops at 10,000 messages and begins to clean up at once. */
export const prosodyArchive = `
storage_archive_item_limit = 1e9
archive_expires_after = "never"`;

function prosody(service: Service, archive: string, settings: string): Contestant {
  return {
    ...{ name: 'prosody', service, archive, isInstalled: hasProsody },
    start: (options) =>
      startProsody({ ...options, modules: prosodyModules[service], settings: prosodyArchive + settings }),
  };
}

export const prosodyModules = modulesOf(
  ['offline', 'blocklist', 'private', 'vcard', 'version', 'time'],
  ['smacks', 'carbons'],
  ['mam'],
);

const ejabberdModules = modulesOf(
  ['offline', 'privacy', 'blocking', 'private', 'vcard', 'version', 'time'],
  ['stream_mgmt', 'carboncopy'],
  ['mam'],
);

/** The modules for each service: those for all, then what each needs beside those before it. */
function modulesOf(all: readonly string[], managed: readonly string[], lasting: readonly string[]) {
  return {
    passing: all,
    managed: [...all, ...managed],
    lasting: [...all, ...managed, ...lasting],
  };
}

/** By default ejabberd archives nothing. */
const ejabberdOptions: Readonly<Record<string, object>> = { mam: { default: 'always' } };

export const ejabberdModulesFor = (service: Service) =>
  Object.fromEntries(ejabberdModules[service].map((name) => [`mod_${name}`, { ...ejabberdOptions[name] }]));

/** A server that runs, with accounts `u0`, `u1` … */
export interface Running extends Pick<Contestant, 'name' | 'service' | 'archive'> {
  readonly pid: number;
  portOf(transport: Transport): number;
  stop(): Promise<void>;
}

export interface Wanted {
  /** Names of servers. */
  readonly servers: readonly string[];
  readonly services: readonly Service[];
  /** How many accounts each server has. */
  readonly accounts: number;
}

/** Runs `measure` with those of the servers wanted that are installed, started one by one when it asks for them. */
export async function withContestants(
  { servers, services, accounts }: Wanted,
  measure: (starts: readonly (() => Promise<Running>)[]) => Promise<void>,
): Promise<void> {
  const folder = await temporaryFolder('bench');
  try {
    const directTls = await makeCertificate(folder, domain);
    const chosen = services
      .flatMap(contestantsFor)
      .filter(({ name, isInstalled }) => servers.includes(name) && isInstalled);
    await measure(chosen.map((contestant) => () => start(contestant, accounts, directTls)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function start(contestant: Contestant, count: number, directTls: CertificateFiles): Promise<Running> {
  const accounts = accountsOf(count);
  const server = await contestant.start({ accounts, directTls, hashedPasswords: true });
  const { name, service, archive } = contestant;
  return {
    ...{ name, service, archive, pid: server.pid },
    portOf: (transport) => (transport === 'tls' ? server.directTlsPort : server.c2sPort),
    stop: () => server.stop(),
  };
}

/** The accounts `u0`, `u1` … with their passwords. */
export function accountsOf(count: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, number) => [`${userOf(number)}@${domain}`, password]),
  );
}
