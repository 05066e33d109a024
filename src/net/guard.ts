import { lookup as askSystem, Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { dnsAddresses } from './dns-addresses.js';
import {
  notPublic,
  type OutgoingUrl,
  type OutgoingUrlOptions,
  parseOutgoingUrl,
  whyNotAddress,
} from './outgoing-url.js';

/** Stands between requests to addresses that others have named and the networks that nobody was to reach through us. */
export interface Guard {
  parse(text: string): OutgoingUrl;
  /**
   * Why nothing is sent to a host, once DNS was asked; undefined if it may be, or if DNS does not answer. What does not exist and
   * what is in a private network are refused in the same words: nobody finds out which names there are inside. Never rejects.
   */
  judge(hostname: string): Promise<string | undefined>;
  /**
   * For `connect` of `node:net` and `node:tls`: resolves a name, and fails with `code` `EREFUSEDADDRESS` if any of its addresses
   * is one that nothing is sent to. Addresses themselves do not come here: `parse` judges them.
   */
  readonly lookup: LookupFunction;
}

export interface GuardOptions extends OutgoingUrlOptions {
  /** All addresses of a name. Rejects, in bounded time, if nobody knows. */
  readonly resolve?: Resolve;
  /** `address:port` of DNS servers to ask instead of the system's. */
  readonly dnsServers?: readonly string[];
}

type Resolve = (hostname: string) => Promise<readonly string[]>;

/** Milliseconds that one DNS server may take, and how often all are asked. */
const dnsTimeout = 3_000;
const dnsTries = 2;
/** More addresses of a name are not tried. */
const maxAddresses = 16;

/** By which it is known that no connection was made because of where it would have led. */
export const refusedAddressCode = 'EREFUSEDADDRESS';

/**
 * Names are asked of DNS itself. Where private networks are allowed the system is asked, which knows names from `/etc/hosts` and
 * of the local network as well.
 */
export function createGuard(options: GuardOptions): Guard {
  const { resolve = options.allowPrivateNetworks ? resolveBySystem : createDnsResolver(options) } = options;
  const judged = async (hostname: string): Promise<readonly string[]> => {
    const addresses = await resolve(hostname);
    for (const address of addresses) {
      const why = whyNotAddress(address, options);
      if (why !== undefined) throw new LookupError(refusedAddressCode, why);
    }
    if (addresses.length === 0) throw new LookupError('ENOTFOUND', notPublic);
    return addresses;
  };
  return {
    parse: (text) => parseOutgoingUrl(text, options),
    judge: async (hostname) => {
      if (isIP(hostname) !== 0) return whyNotAddress(hostname, options);
      return judged(hostname).then(() => undefined, whyRefused);
    },
    lookup(hostname, { all }, callback) {
      void judged(hostname).then(
        (addresses) => {
          const found = addresses
            .slice(0, maxAddresses)
            .map((address) => ({ address, family: isIP(address) }));
          if (all === true) callback(null, found);
          else callback(null, found[0]?.address ?? '', found[0]?.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
    },
  };
}

class LookupError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'LookupError';
    this.code = code;
  }
}

const whyRefused = (error: unknown) => (error instanceof LookupError ? error.message : undefined);

async function resolveBySystem(hostname: string): Promise<readonly string[]> {
  return (await askSystem(hostname, { all: true })).map(({ address }) => address);
}

function createDnsResolver({ dnsServers }: GuardOptions): Resolve {
  const resolver = new Resolver({ timeout: dnsTimeout, tries: dnsTries });
  if (dnsServers !== undefined) resolver.setServers(dnsServers);
  return (hostname) => dnsAddresses(resolver, hostname);
}
