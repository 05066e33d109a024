import type { Config } from '../../config/config.js';
import { authoritiesFlaw } from './authorities.js';
import type { Finding } from './finding.js';
import { isLoopback, isOfThisMachine } from './local-address.js';

const what = 'web push';

/**
 * Whether push services will take what comes from here, as far as the configuration tells without asking them, and whether the
 * file of authorities can be used. Never rejects.
 */
export async function checkWebPush({ webPush }: Pick<Config, 'webPush'>): Promise<Finding[]> {
  const { ca, contact, allowPrivateNetworks } = webPush;
  const flaws = await authoritiesFlaw(what, ca, 'web_push.ca');
  return [...flaws, judgeContact(contact), ...(allowPrivateNetworks ? [openNetworks] : [])];
}

function judgeContact(contact: string): Finding {
  const host = hostOf(contact);
  if (!isLoopback(host) && !isOfThisMachine(host)) {
    return { status: 'ok', what, text: `push services are told to turn to ${contact}` };
  }
  return {
    status: 'warning',
    what,
    text: `web_push.contact is ${contact}, which leads nowhere from outside, and Apple's push service refuses such`,
    remedy: 'Set it to an address of yours, as in mailto:you@example.org.',
  };
}

/** Of a `mailto:` or `https:` URI. */
function hostOf(contact: string): string {
  const { protocol, hostname } = new URL(contact);
  if (protocol === 'mailto:') return contact.slice(contact.lastIndexOf('@') + 1).toLowerCase();
  return hostname.replace(/^\[|\]$/g, '');
}

const openNetworks: Finding = {
  status: 'warning',
  what,
  text: 'web_push.allow_private_networks is true, and whoever has an account can have requests sent into networks that only this machine reaches',
  remedy:
    'Set it to false unless the push service is in such a network, and every account is of somebody you trust.',
};
