import { domainToASCII } from 'node:url';
import type { Jid } from '../xmpp/jid.js';
import type { Config } from './config.js';
import { type DeriveContext, pathOf } from './derive-context.js';
import type { Values } from './schema.js';

/** How to reach push services, whoever lets Belfry send to them. `own` is the domain of this Belfry. */
export function deriveWebPush(
  values: Values,
  publicUrl: string,
  own: Jid,
  context: DeriveContext,
): Config['webPush'] {
  return {
    contact: values['web_push.contact'] ?? defaultContact(publicUrl, own),
    allowPrivateNetworks: values['web_push.allow_private_networks'],
    ca: pathOf('web_push.ca', values, context),
    ttl: values['web_push.ttl'],
    maxWaiting: values['web_push.max_waiting'],
  };
}

/** Some push services refuse what leads to nobody (RFC 8292 §2.1): a page of the operator's, or their mailbox (RFC 2142). */
function defaultContact(publicUrl: string, { domain }: Jid): string {
  const isPage = publicUrl.startsWith('https:') && !isOnLocalhost(publicUrl);
  return isPage ? publicUrl : `mailto:postmaster@${domainToASCII(domain) || domain}`;
}

/** Whether a URL leads to the machine that reads it (RFC 6761 §6.3). */
export function isOnLocalhost(url: string): boolean {
  const { hostname } = new URL(url);
  return /^(?:(?:.*\.)?localhost\.?|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
