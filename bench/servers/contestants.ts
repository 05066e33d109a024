import { rm } from 'node:fs/promises';
import { startStandalone } from '../../tests/harness/belfry-standalone.js';
import { type CertificateFiles, makeCertificate } from '../../tests/harness/certificate.js';
import { hasEjabberd, startEjabberd } from '../../tests/harness/ejabberd.js';
import { hasProsody, startProsody } from '../../tests/harness/prosody.js';
import { temporaryFolder, type XmppServer, type XmppServerOptions } from '../../tests/harness/xmpp-server.js';
import { userOf } from './lean-session.js';

const domain = 'bench.test';
const password = 'a-password-of-the-bench';

export const account = { domain, password };

export type Transport = 'plain' | 'tls';
export const transports: readonly Transport[] = ['plain', 'tls'];

/** A server under test; each runs with what Belfry's embedded server offers, hashed passwords and no rate limits. */
interface Contestant {
  readonly name: string;
  readonly isInstalled: boolean;
  start(options: XmppServerOptions): Promise<Pick<XmppServer, 'pid' | 'c2sPort' | 'directTlsPort' | 'stop'>>;
}

const contestants: readonly Contestant[] = [
  {
    name: 'prosody',
    isInstalled: hasProsody,
    start: (options) =>
      startProsody({ ...options, modules: ['offline', 'blocklist', 'private', 'vcard', 'version', 'time'] }),
  },
  {
    name: 'ejabberd',
    isInstalled: hasEjabberd,
    start: (options) => startEjabberd({ ...options, modules: ejabberdModules }),
  },
  { name: 'belfry', isInstalled: true, start: startStandalone },
];
const ejabberdModules = ['offline', 'privacy', 'blocking', 'private', 'vcard', 'version', 'time'].map(
  (name) => `mod_${name}`,
);

/** A server that runs, with accounts `u0`, `u1` … */
export interface Running {
  readonly name: string;
  readonly pid: number;
  portOf(transport: Transport): number;
  stop(): Promise<void>;
}

/** Runs `measure` with those of the servers `wanted` that are installed, started one by one when it asks for them. */
export async function withContestants(
  wanted: readonly string[],
  accounts: number,
  measure: (starts: readonly (() => Promise<Running>)[]) => Promise<void>,
): Promise<void> {
  const folder = await temporaryFolder('bench');
  try {
    const directTls = await makeCertificate(folder, domain);
    const chosen = contestants.filter(({ name, isInstalled }) => wanted.includes(name) && isInstalled);
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
  return {
    name: contestant.name,
    pid: server.pid,
    portOf: (transport) => (transport === 'tls' ? server.directTlsPort : server.c2sPort),
    stop: () => server.stop(),
  };
}
