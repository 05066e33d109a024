import type { Config, StandaloneConfig } from './config.js';
import { aboutOf, type SettingName, settingNames } from './schema.js';

/** Where each setting ends up in the configuration, as something that can be compared. */
const readers: Readonly<Record<SettingName, (config: Config) => unknown>> = {
  host: ({ host }) => host.kind,
  domain: ({ host }) => host.kind === 'standalone' && String(host.domain),
  data_dir: ({ dataDir }) => dataDir,
  storage: ({ storage }) => (storage.kind === 'postgres' ? storage.url : storage.kind),
  ...standaloneReaders(),
  ...gatewayReaders(),
  ...webPushReaders(),
  'component.jid': ({ host }) => host.kind === 'component' && String(host.jid),
  'component.connect': ({ host }) => host.kind === 'component' && host.connect,
  'component.secret': ({ host }) => host.kind === 'component' && host.secret,
  'http.listen': ({ http }) => http.listen,
  'http.public_url': ({ http }) => http.publicUrl,
  'http.trusted_proxies': ({ http }) => http.trustedProxies,
  'http.demo': ({ http }) => http.demo,
  'unified_push.jid': ({ unifiedPush }) => String(unifiedPush.jid),
  'unified_push.acl': ({ unifiedPush }) => unifiedPush.acl.map(String),
  'unified_push.backend': ({ unifiedPush }) => unifiedPush.backend,
  'unified_push.registration_ttl': ({ unifiedPush }) => unifiedPush.registrationTtl,
  'unified_push.secret': ({ unifiedPush }) => unifiedPush.secret,
  'unified_push.push_timeout': ({ unifiedPush }) => unifiedPush.pushTimeout,
  'unified_push.rate_limit': ({ unifiedPush }) => unifiedPush.rateLimit,
  'log.level': ({ log }) => log.level,
  'log.format': ({ log }) => log.format,
};

/** Of a component all of them are the same: undefined. */
function standaloneReaders() {
  const read =
    (of: (host: StandaloneConfig) => unknown) =>
    ({ host }: Config) =>
      host.kind === 'standalone' ? of(host) : undefined;
  return {
    'standalone.c2s': read(({ c2s }) => c2s ?? false),
    'standalone.c2s_direct_tls': read(({ c2sDirectTls }) => c2sDirectTls ?? false),
    'standalone.require_encryption': read(({ requireEncryption }) => requireEncryption),
    'standalone.tls.cert': read(({ tls }) => tls?.cert),
    'standalone.tls.key': read(({ tls }) => tls?.key),
    'standalone.registration': read(({ registration }) => registration),
    'standalone.rate_limit': read(({ rateLimit }) => rateLimit),
    'standalone.max_connections_per_address': read((host) => host.maxConnectionsPerAddress),
    'standalone.max_sessions_per_account': read((host) => host.maxSessionsPerAccount),
    'standalone.max_offline_messages': read((host) => host.maxOfflineMessages),
    ...federationReaders(read),
    'standalone.components.listen': read(({ components }) => components?.listen ?? false),
    'standalone.components.secrets': read(({ components }) => [...(components?.secrets ?? [])]),
    'smacks.hibernation_time': read(({ smacks }) => smacks.hibernationTime),
    'smacks.max_ack_delay': read(({ smacks }) => smacks.maxAckDelay),
    'smacks.max_queue_size': read(({ smacks }) => smacks.maxQueueSize),
    'archive.default_policy': read(({ archive }) => archive.defaultPolicy),
    'archive.expires_after': read(({ archive }) => archive.expiresAfter),
    'archive.max_query_results': read(({ archive }) => archive.maxQueryResults),
    ...cloudNotifyReaders(read),
    'web_push.important_body': read(({ webPush }) => webPush.importantBody),
    'web_push.max_devices': read(({ webPush }) => webPush.maxDevices),
    'web_push.with_body': read(({ webPush }) => webPush.withBody),
    'web_push.with_sender': read(({ webPush }) => webPush.withSender),
  };
}

type ReadStandalone = (of: (host: StandaloneConfig) => unknown) => (config: Config) => unknown;

function federationReaders(read: ReadStandalone) {
  return {
    'standalone.s2s': read(({ s2s }) => s2s?.listen ?? false),
    'standalone.s2s_direct_tls': read(({ s2s }) => s2s?.listenDirectTls ?? false),
    'standalone.s2s_require_encryption': read(({ s2s }) => s2s?.requireEncryption),
    'standalone.s2s_secure_auth': read(({ s2s }) => s2s?.secureAuth),
    'standalone.s2s_secure_domains': read(({ s2s }) => s2s?.secureDomains),
    'standalone.s2s_insecure_domains': read(({ s2s }) => s2s?.insecureDomains),
    'standalone.s2s_allowed_domains': read(({ s2s }) => s2s?.allowedDomains),
    'standalone.s2s_blocked_domains': read(({ s2s }) => s2s?.blockedDomains),
    'standalone.s2s_ca': read(({ s2s }) => s2s?.ca),
    'standalone.s2s_connect': read(({ s2s }) => [...(s2s?.connect ?? [])]),
    'standalone.s2s_allow_private_networks': read(({ s2s }) => s2s?.allowPrivateNetworks),
  };
}

function cloudNotifyReaders(read: ReadStandalone) {
  return {
    'cloud_notify.important_body': read(({ cloudNotify }) => cloudNotify.importantBody),
    'cloud_notify.max_errors': read(({ cloudNotify }) => cloudNotify.maxErrors),
    'cloud_notify.max_devices': read(({ cloudNotify }) => cloudNotify.maxDevices),
    'cloud_notify.max_hibernation_timeout': read(({ cloudNotify }) => cloudNotify.maxHibernationTimeout),
    'cloud_notify.with_body': read(({ cloudNotify }) => cloudNotify.withBody),
    'cloud_notify.with_sender': read(({ cloudNotify }) => cloudNotify.withSender),
    'cloud_notify.collection_time': read(({ cloudNotify }) => cloudNotify.collectionTime),
  };
}

/** How push services are reached, on every host. */
function webPushReaders() {
  const read =
    (of: (webPush: Config['webPush']) => unknown) =>
    ({ webPush }: Config) =>
      of(webPush);
  return {
    'web_push.ttl': read(({ ttl }) => ttl),
    'web_push.contact': read(({ contact }) => contact),
    'web_push.allow_private_networks': read(({ allowPrivateNetworks }) => allowPrivateNetworks),
    'web_push.ca': read(({ ca }) => ca),
    'web_push.max_waiting': read(({ maxWaiting }) => maxWaiting),
  };
}

/** Without a gateway they are all the same: undefined. */
function gatewayReaders() {
  const read =
    (of: (gateway: NonNullable<Config['gateway']>) => unknown) =>
    ({ gateway }: Config) =>
      gateway && of(gateway);
  return {
    'gateway.enabled': ({ gateway }: Config) => gateway !== undefined,
    'gateway.jid': read(({ jid }) => String(jid)),
    'gateway.acl': read(({ acl }) => acl.map(String)),
    'gateway.max_devices': read(({ maxDevices }) => maxDevices),
    'gateway.rate_limit': read(({ rateLimit }) => rateLimit),
  };
}

/** The settings that differ and that only a restart applies. */
export function changesForRestart(running: Config, wanted: Config): SettingName[] {
  return settingNames.filter((name) => {
    const read = readers[name];
    const isSame = JSON.stringify(read(running)) === JSON.stringify(read(wanted));
    return !isSame && aboutOf(name).isReloadable !== true;
  });
}
