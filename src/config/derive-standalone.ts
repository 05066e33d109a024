import type { ComponentListenerConfig, FederationConfig, ListenAddress, StandaloneConfig } from './config.js';
import { type DeriveContext, pathOf } from './derive-context.js';
import type { SettingName, Values } from './schema.js';

/** The configuration of a standalone host; reports what does not go together. */
export function deriveStandalone(values: Values, context: DeriveContext): StandaloneConfig {
  const domain = values.domain;
  refuseForeignJid('unified_push.jid', values, context);
  refuseForeignJid('gateway.jid', values, context);
  refuseSharedAddress(values, context);
  return {
    kind: 'standalone',
    domain,
    c2s: values['standalone.c2s'] || undefined,
    c2sDirectTls: values['standalone.c2s_direct_tls'] || undefined,
    requireEncryption: values['standalone.require_encryption'],
    tls: deriveTls(values, context),
    registration: values['standalone.registration'],
    rateLimit: values['standalone.rate_limit'],
    maxConnectionsPerAddress: values['standalone.max_connections_per_address'],
    maxSessionsPerAccount: values['standalone.max_sessions_per_account'],
    maxOfflineMessages: values['standalone.max_offline_messages'],
    s2s: deriveFederation(values, context),
    components: deriveComponents(values, context),
    smacks: {
      hibernationTime: values['smacks.hibernation_time'],
      maxAckDelay: values['smacks.max_ack_delay'],
      maxQueueSize: values['smacks.max_queue_size'],
    },
    archive: {
      defaultPolicy: values['archive.default_policy'],
      expiresAfter: values['archive.expires_after'],
      maxQueryResults: values['archive.max_query_results'],
    },
    cloudNotify: {
      importantBody: values['cloud_notify.important_body'],
      maxErrors: values['cloud_notify.max_errors'],
      maxDevices: values['cloud_notify.max_devices'],
      maxHibernationTimeout: values['cloud_notify.max_hibernation_timeout'],
      withBody: values['cloud_notify.with_body'],
      withSender: values['cloud_notify.with_sender'],
      collectionTime: values['cloud_notify.collection_time'] * 1000,
    },
    webPush: {
      importantBody: values['web_push.important_body'],
      maxDevices: values['web_push.max_devices'],
      withBody: values['web_push.with_body'],
      withSender: values['web_push.with_sender'],
    },
  };
}

function deriveFederation(values: Values, context: DeriveContext): FederationConfig | undefined {
  const listen = values['standalone.s2s'];
  if (listen === false) {
    refuseLoneDirectTls(values, context);
    return undefined;
  }
  refuseBoth(values, context);
  return {
    listen,
    listenDirectTls: values['standalone.s2s_direct_tls'] || undefined,
    requireEncryption: values['standalone.s2s_require_encryption'],
    secureAuth: values['standalone.s2s_secure_auth'],
    secureDomains: values['standalone.s2s_secure_domains'],
    insecureDomains: values['standalone.s2s_insecure_domains'],
    allowedDomains: values['standalone.s2s_allowed_domains'],
    blockedDomains: values['standalone.s2s_blocked_domains'],
    ca: pathOf('standalone.s2s_ca', values, context),
    connect: values['standalone.s2s_connect'] ?? new Map(),
    allowPrivateNetworks: values['standalone.s2s_allow_private_networks'],
  };
}

function refuseLoneDirectTls(values: Values, { inputs, refuse }: DeriveContext): void {
  const given = inputs.get('standalone.s2s_direct_tls');
  if (given === undefined || values['standalone.s2s_direct_tls'] === false) return;
  const text = 'means nothing while standalone.s2s is false; give that an address too, or remove this one';
  refuse({ place: given.place, key: given.path, text });
}

/** Two exceptions that contradict each other. */
function refuseBoth(values: Values, { inputs, refuse }: DeriveContext): void {
  const given = inputs.get('standalone.s2s_insecure_domains');
  const secure = values['standalone.s2s_secure_domains'];
  const both = values['standalone.s2s_insecure_domains'].find((domain) => secure.includes(domain));
  if (both === undefined || given === undefined) return;
  const text = `has ${both}, as has standalone.s2s_secure_domains; remove it from one of them`;
  refuse({ place: given.place, key: given.path, text });
}

function deriveComponents(values: Values, context: DeriveContext): ComponentListenerConfig | undefined {
  const listen = values['standalone.components.listen'];
  const secrets = values['standalone.components.secrets'] ?? new Map<string, string>();
  refuseHalfListener(listen !== false, secrets.size > 0, context);
  for (const domain of secrets.keys()) refuseTakenDomain(domain, values, context);
  return listen === false ? undefined : { listen, secrets };
}

/** A listener and the components that it is for belong together. */
function refuseHalfListener(hasAddress: boolean, hasSecrets: boolean, context: DeriveContext): void {
  const { inputs, refuse } = context;
  const secrets = inputs.get('standalone.components.secrets');
  const listen = inputs.get('standalone.components.listen');
  if (hasSecrets && !hasAddress && secrets !== undefined && listen === undefined) {
    const text = 'is given without standalone.components.listen, so that nothing connects; set that as well';
    refuse({ place: secrets.place, key: secrets.path, text });
  }
  if (hasAddress && secrets === undefined && listen !== undefined) {
    const text =
      'is given without standalone.components.secrets, so that nobody may connect; set that as well';
    refuse({ place: listen.place, key: listen.path, text });
  }
}

/** A component cannot have a domain that Belfry answers for itself. */
function refuseTakenDomain(domain: string, values: Values, { inputs, refuse }: DeriveContext): void {
  const given = inputs.get('standalone.components.secrets');
  const owner = (['domain', 'unified_push.jid', 'gateway.jid'] as const).find(
    (name) => values[name]?.domain === domain,
  );
  if (owner === undefined || given === undefined) return;
  const place = given.items?.get(domain) ?? given.place;
  refuse({
    place,
    key: given.path,
    text: `${domain} is ${owner} already; give the component a name of its own`,
  });
}

function deriveTls(values: Values, context: DeriveContext): { cert: string; key: string } | undefined {
  const cert = pathOf('standalone.tls.cert', values, context);
  const key = pathOf('standalone.tls.key', values, context);
  if (cert !== undefined && key !== undefined) return { cert, key };
  const { inputs, refuse } = context;
  const [lone, other] = cert === undefined ? (['key', 'cert'] as const) : (['cert', 'key'] as const);
  const given = inputs.get(`standalone.tls.${lone}`);
  if (given !== undefined && !inputs.has(`standalone.tls.${other}`)) {
    const text = `is given without standalone.tls.${other}; a certificate and its key belong together`;
    refuse({ place: given.place, key: given.path, text });
  }
  return undefined;
}

function refuseForeignJid(
  setting: 'unified_push.jid' | 'gateway.jid',
  { [setting]: jid, domain: own }: Values,
  { inputs, refuse }: DeriveContext,
): void {
  const given = inputs.get(setting);
  if (jid === undefined || given === undefined) return;
  if (jid.equals(own) || jid.domain.endsWith(`.${own.domain}`)) return;
  const text = `${jid} is neither ${own} nor below it; Belfry answers for its own domain alone`;
  refuse({ place: given.place, key: given.path, text });
}

const listenSettings = [
  'standalone.c2s',
  'standalone.c2s_direct_tls',
  'standalone.s2s',
  'standalone.s2s_direct_tls',
  'standalone.components.listen',
  'http.listen',
] as const;

function refuseSharedAddress(values: Values, { inputs, absent, refuse }: DeriveContext): void {
  const owners: { setting: SettingName; address: ListenAddress }[] = [];
  for (const setting of listenSettings) {
    const address = values[setting];
    if (address === false || address.port === 0) continue;
    const owner = owners.find((other) => overlap(other.address, address));
    if (owner === undefined) owners.push({ setting, address });
    else {
      const place = inputs.get(setting)?.place ?? absent(setting);
      refuse({ place, key: setting, text: `${sharing(address, owner)}; give each a port of its own` });
    }
  }
}

/** Whether the system refuses to listen on both: `0.0.0.0` is every IPv4 address, `::` every address. */
function overlap(one: ListenAddress, other: ListenAddress): boolean {
  if (one.port !== other.port) return false;
  return one.host === other.host || covers(one.host, other.host) || covers(other.host, one.host);
}

function covers(wide: string, host: string): boolean {
  return wide === '::' || (wide === '0.0.0.0' && !host.includes(':'));
}

function sharing(address: ListenAddress, owner: { setting: SettingName; address: ListenAddress }): string {
  const [text, other] = [written(address), written(owner.address)];
  return text === other
    ? `is ${text}, as is ${owner.setting}`
    : `is ${text}, and ${owner.setting} is ${other}`;
}

function written({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
