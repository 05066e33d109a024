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
  if (jid === undefined) {
    refuseNameless(context);
    return undefined;
  }
  return {
    jid,
    acl: values['gateway.acl'] ?? acl,
    maxDevices: values['gateway.max_devices'],
    rateLimit: values['gateway.rate_limit'],
  };
}

/** A name of its own on a standalone host: what publishes to it is told apart from what is for the server. */
function defaultJid(host: HostConfig): Jid | undefined {
  if (host.kind === 'component') return host.jid;
  const { domain } = host.domain;
  if (isIP(domain) !== 0) return undefined;
  const jid = Jid.tryParse(`push.${domain}`);
  return jid === undefined || host.components?.secrets.has(jid.domain) ? undefined : jid;
}

/** Whoever asks for a gateway is told that there is none; who did not has no use for it. */
function refuseNameless({ inputs, refuse }: DeriveContext): void {
  const given = [...inputs.values()].find(({ setting }) => setting.startsWith('gateway.'));
  if (given === undefined) return;
  const text = 'has no name: push. and domain is a component, or no domain name; set gateway.jid';
  refuse({ place: given.place, key: given.path, text });
}
