import { isIP } from 'node:net';
import { Jid } from '../xmpp/jid.js';
import type { Config, HostConfig } from './config.js';
import type { DeriveContext } from './derive-context.js';
import type { Values } from './schema.js';

/** The gateway; undefined if it is switched off, or if there is no name for it. `acl` is that of the push service. */
export function deriveGateway(
  values: Values,
  host: HostConfig,
  acl: readonly Jid[],
  context: DeriveContext,
): Config['gateway'] {
  if (!values['gateway.enabled']) return undefined;
  const jid = values['gateway.jid'] ?? defaultJid(host);
  if (typeof jid === 'string') {
    refuseNameless(jid, context);
    return undefined;
  }
  return {
    jid,
    acl: values['gateway.acl'] ?? acl,
    maxDevices: values['gateway.max_devices'],
    rateLimit: values['gateway.rate_limit'],
  };
}

/** On a standalone host a name of its own, as other servers' users expect of an app server; or why there is none. */
function defaultJid(host: HostConfig): Jid | string {
  if (host.kind === 'component') return host.jid;
  const { domain } = host.domain;
  const jid = isIP(domain) === 0 ? Jid.tryParse(`push.${domain}`) : undefined;
  if (jid === undefined) return `below ${domain} is no name for it`;
  return host.components?.secrets.has(jid.domain) ? `${jid} is a component` : jid;
}

/** Whoever asks for a gateway is told that there is none; who did not has no use for it. */
function refuseNameless(why: string, { inputs, refuse }: DeriveContext): void {
  const given = [...inputs.values()].find(({ setting }) => setting.startsWith('gateway.'));
  if (given === undefined) return;
  const text = `means nothing without a gateway, and there is none: ${why}; set gateway.jid`;
  refuse({ place: given.place, key: given.path, text });
}
