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

/** `passing`: messages pass through and are gone; `lasting`: with archive, carbons and stream management. */
export type Service = 'passing' | 'lasting';

export const services: readonly Service[] = ['passing', 'lasting'];

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

const prosodyModules = ['offline', 'blocklist', 'private', 'vcard', 'version', 'time'];

/** Archives as far as the disk goes: by default Prosody stops at 10,000 messages and begins to clean up at once. */
const prosodyArchive = 'storage_archive_item_limit = 1e9\narchive_expires_after = "never"';

const ejabberdModules = Object.fromEntries(
  ['offline', 'privacy', 'blocking', 'private', 'vcard', 'version', 'time'].map((name) => [
    `mod_${name}`,
    {},
  ]),
);

function prosody(archive: string, settings: string): Contestant {
  const modules = [...prosodyModules, 'mam', 'smacks', 'carbons'];
  return {
    ...{ name: 'prosody', service: 'lasting', archive, isInstalled: hasProsody },
    start: (options) => startProsody({ ...options, modules, settings: `${prosodyArchive}\n${settings}` }),
  };
}

const contestants: readonly Contestant[] = [
  {
    ...{ name: 'prosody', service: 'passing', archive: '–', isInstalled: hasProsody },
    start: (options) => startProsody({ ...options, modules: prosodyModules }),
  },
  {
    ...{ name: 'ejabberd', service: 'passing', archive: '–', isInstalled: hasEjabberd },
    start: (options) => startEjabberd({ ...options, modules: ejabberdModules }),
  },
  {
    ...{ name: 'belfry', service: 'passing', archive: '–', isInstalled: true },
    start: startStandalone,
  },
  prosody('files', ''),
  prosody(
    'SQLite',
    'storage = { archive = "sql" }\nsql = { driver = "SQLite3"; database = "prosody.sqlite" }',
  ),
  {
    ...{ name: 'ejabberd', service: 'lasting', archive: 'Mnesia', isInstalled: hasEjabberd },
    start: (options) =>
      startEjabberd({
        ...options,
        modules: {
          ...ejabberdModules,
          mod_mam: { default: 'always' },
          mod_stream_mgmt: {},
          mod_carboncopy: {},
        },
      }),
  },
  {
    ...{ name: 'belfry', service: 'lasting', archive: 'SQLite', isInstalled: true },
    start: startStandalone,
  },
];

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
    const chosen = contestants.filter(
      ({ name, service, isInstalled }) => servers.includes(name) && services.includes(service) && isInstalled,
    );
    await measure(chosen.map((contestant) => () => start(contestant, accounts, directTls)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function start(contestant: Contestant, count: number, directTls: CertificateFiles): Promise<Running> {
  const accounts = Object.fromEntries(
    Array.from({ length: count }, (_, number) => [`${userOf(number)}@${domain}`, password]),
  );
  const server = await contestant.start({ accounts, directTls, hashedPasswords: true });
  const { name, service, archive } = contestant;
  return {
    ...{ name, service, archive, pid: server.pid },
    portOf: (transport) => (transport === 'tls' ? server.directTlsPort : server.c2sPort),
    stop: () => server.stop(),
  };
}
