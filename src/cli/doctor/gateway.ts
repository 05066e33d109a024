import { X509Certificate } from 'node:crypto';
import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { domainToASCII } from 'node:url';
import type { Config, StandaloneConfig } from '../../config/config.js';
import type { Jid } from '../../xmpp/jid.js';
import type { Finding } from './finding.js';
import { isOfThisMachine } from './local-address.js';

const what = 'gateway';

type OpenGateway = NonNullable<Config['gateway']>;

/** Whether DNS leads other servers anywhere for a domain. Never rejects. */
export type LookUp = (domain: string) => Promise<boolean>;

/**
 * Whose publishes the gateway takes, and, where Belfry is the XMPP server, whether other servers find it and may trust it: they come
 * by themselves, to a name that clients never meet. Never rejects.
 */
export async function checkGateway(
  { gateway, host }: Pick<Config, 'gateway' | 'host'>,
  lookUp: LookUp = isInDns,
): Promise<Finding[]> {
  if (gateway === undefined) return absent(host);
  // The list may be that of the push service, which devices ask: here accounts do, who have no resource.
  const acl = gateway.acl.filter(({ resource }) => resource === '');
  if (acl.length === 0) return [nobody(gateway)];
  const text = `browsers of ${acl.join(', ')} may register at ${gateway.jid}`;
  const doubts = host.kind === 'standalone' ? await judge({ ...gateway, acl }, host, lookUp) : [];
  return [
    { status: 'ok', what, text },
    ...doubts.map((doubt) => ({ status: 'warning', what, ...doubt }) as const),
  ];
}

/** Whoever has switched it off knows; whoever has given its name away may not. */
function absent(host: Config['host']): Finding[] {
  if (host.kind !== 'standalone') return [];
  const name = `push.${host.domain}`;
  if (!host.components?.secrets.has(name)) return [];
  const text = `there is none; its name by default, ${name}, is that of a component`;
  return [{ status: 'ok', what, text, remedy: 'If you want one, set gateway.jid to another name.' }];
}

function nobody({ jid }: OpenGateway): Finding {
  const text = `nobody may register at ${jid}`;
  const remedy = 'List domains in gateway.acl, or switch it off: gateway.enabled: false.';
  return { status: 'warning', what, text, remedy };
}

type Doubt = Required<Pick<Finding, 'text' | 'remedy'>>;

/** What there is to say of users of other servers; those of this one need nobody else to publish. */
async function judge({ jid, acl }: OpenGateway, host: StandaloneConfig, lookUp: LookUp): Promise<Doubt[]> {
  const others = [...new Set(acl.map(({ domain }) => domain).filter((name) => name !== host.domain.domain))];
  if (others.length === 0) return [];
  if (host.s2s === undefined) return [alone(others)];
  // For the own domain the same is asked elsewhere.
  if (jid.equals(host.domain) || isOfThisMachine(jid.domain)) return [];
  const isKnown = await lookUp(jid.domain);
  const isCovered = await hasCertificate(jid, host);
  return [...(isKnown ? [] : [notFound(jid)]), ...(isCovered ? [] : [notTrusted(jid, others)])];
}

function alone(others: readonly string[]): Doubt {
  const text = `standalone.s2s is false, so that nothing is published from ${others.join(', ')}`;
  return { text, remedy: 'Switch federation on, or remove them from gateway.acl.' };
}

function notFound({ domain }: Jid): Doubt {
  const record = `_xmpp-server._tcp.${domain}. 3600 IN SRV 0 0 5269 <name of this machine>.`;
  return { text: `DNS knows no ${domain}, so that other servers do not find it`, remedy: `Add ${record}` };
}

/** Other servers look for the name that they publish to (RFC 6120 §13.7.2). */
function notTrusted({ domain }: Jid, others: readonly string[]): Doubt {
  const text = `the certificate is not for ${domain}, and servers that insist on that do not publish there (${others.join(', ')})`;
  return { text, remedy: `Get one that is for ${domain} as well, or set gateway.jid to the domain.` };
}

async function hasCertificate({ domain }: Jid, { tls }: StandaloneConfig): Promise<boolean> {
  // Of one that nobody knows, and of one that cannot be read, there is a word elsewhere.
  if (tls === undefined) return true;
  try {
    return new X509Certificate(await readFile(tls.cert)).checkHost(domainToASCII(domain)) !== undefined;
  } catch {
    return true;
  }
}

/** Each question ends after so many milliseconds. */
const patience = 3_000;

async function isInDns(domain: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: patience, tries: 1 });
  const services = resolver.resolveSrv(`_xmpp-server._tcp.${domain}`);
  const answers = await Promise.allSettled([services, lookup(domain)]);
  return answers.some(({ status }) => status === 'fulfilled');
}
