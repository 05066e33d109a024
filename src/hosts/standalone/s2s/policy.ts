import { isIP } from 'node:net';
import type { ListenAddress } from '../connections/tcp-listener.js';
import type { S2sPolicy } from './context.js';

/** With whom and how the operator wants to talk; may change while the server runs. Domains are prepared. */
export interface FederationSettings {
  readonly requireEncryption: boolean;
  /** Whether a server has to have a certificate that verifies; else dialback (XEP-0220) does as well. */
  readonly secureAuth: boolean;
  /** Exceptions: domains that have to, whatever `secureAuth`, and domains that need not. */
  readonly secureDomains: readonly string[];
  readonly insecureDomains: readonly string[];
  /** Undefined: all but those that are blocked. A domain stands for those below it as well. */
  readonly allowedDomains: readonly string[] | undefined;
  readonly blockedDomains: readonly string[];
  /** File with certificates of further authorities, as PEM. */
  readonly ca: string | undefined;
  /** Where servers of some domains are, instead of what DNS says. */
  readonly connect: ReadonlyMap<string, ListenAddress>;
  /** Whether DNS may lead to addresses of private networks. */
  readonly allowPrivateNetworks: boolean;
}

type PolicySettings = Omit<FederationSettings, 'ca' | 'connect' | 'allowPrivateNetworks'>;

/**
 * The rules of the moment. What is blocked is so even if it is allowed as well. A domain that is an IP address, of which
 * nobody can have a name, is talked to only if it is allowed by itself.
 */
export function createPolicy(current: () => PolicySettings): S2sPolicy {
  return {
    mayTalk(domain) {
      const { allowedDomains, blockedDomains } = current();
      if (stands(blockedDomains, domain)) return false;
      return allowedDomains === undefined ? !isAddress(domain) : stands(allowedDomains, domain);
    },
    mustVerify(domain) {
      const { secureAuth, secureDomains, insecureDomains } = current();
      if (stands(secureDomains, domain)) return true;
      return secureAuth && !stands(insecureDomains, domain);
    },
    get requireEncryption() {
      return current().requireEncryption;
    },
  };
}

/** Whether a list has the domain or one above it. */
function stands(list: readonly string[], domain: string): boolean {
  if (isAddress(domain)) return list.includes(domain);
  return list.some((listed) => domain === listed || domain.endsWith(`.${listed}`));
}

const isAddress = (domain: string) => domain.startsWith('[') || isIP(domain) !== 0;
