import type { FederationConfig, StandaloneConfig } from '../../config/config.js';
import { formatAddress } from '../format-address.js';
import { authoritiesFlaw } from './authorities.js';
import type { Finding } from './finding.js';
import { isLoopback, isOfThisMachine } from './local-address.js';

const what = 'federation';
/** Where servers look if no SRV record says otherwise (RFC 6120 §14.7). */
const usualPort = 5269;

/**
 * Whether other servers can find this one and will trust it, as far as the configuration tells without asking them, and
 * whether the file of authorities can be used. Never rejects.
 */
export async function checkFederation({ domain, s2s, tls }: StandaloneConfig): Promise<Finding[]> {
  const name = domain.domain;
  if (s2s === undefined) return [];
  const flaws = await authoritiesFlaw(what, s2s.ca, 'standalone.s2s_ca');
  return [...flaws, ...(isOfThisMachine(name) ? [] : judge(s2s, name, tls !== undefined))];
}

function judge(s2s: FederationConfig, name: string, hasCertificate: boolean): Finding[] {
  const doubts = [...notReachable(s2s, name), ...notTrusted(hasCertificate), ...notWanted(s2s)];
  if (doubts.length > 0) return doubts.map((doubt) => ({ status: 'warning', what, ...doubt }));
  return [{ status: 'ok', what, text: `other servers may come to ${formatAddress(s2s.listen)}` }];
}

type Doubt = Required<Pick<Finding, 'text' | 'remedy'>>;

function notReachable({ listen }: FederationConfig, name: string): Doubt[] {
  if (isLoopback(listen.host)) {
    const text = `standalone.s2s is ${formatAddress(listen)}, which no other server reaches`;
    const remedy = `Listen on 0.0.0.0:${usualPort} and open that port, or switch federation off: standalone.s2s: false.`;
    return [{ text, remedy }];
  }
  if (listen.port === usualPort) return [];
  const text = `other servers look for port ${usualPort}, and standalone.s2s has ${listen.port}`;
  const record = `_xmpp-server._tcp.${name}. 3600 IN SRV 0 0 ${listen.port} <name of this machine>.`;
  return [{ text, remedy: `Have DNS say so (${record}), or forward the port.` }];
}

function notTrusted(hasCertificate: boolean): Doubt[] {
  if (hasCertificate) return [];
  const text = 'servers that ask for a certificate of an authority will not talk with this one';
  return [{ text, remedy: 'Get one, and set standalone.tls.cert and standalone.tls.key.' }];
}

function notWanted({ allowedDomains, requireEncryption }: FederationConfig): Doubt[] {
  const doubts: Doubt[] = [];
  if (allowedDomains?.length === 0) {
    const text = 'standalone.s2s_allowed_domains is empty, so that no server may talk with this one';
    doubts.push({ text, remedy: 'List domains, or remove it.' });
  }
  if (!requireEncryption) {
    const text = 'standalone.s2s_require_encryption is false, and messages may cross the network in clear';
    doubts.push({ text, remedy: 'Set it to true.' });
  }
  return doubts;
}
