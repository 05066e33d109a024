import type { Config } from './config.js';
import { aboutOf, type SettingName, settingNames } from './schema.js';

/** Where each setting ends up in the configuration, as something that can be compared. */
const readers: Readonly<Record<SettingName, (config: Config) => unknown>> = {
  host: ({ host }) => host.kind,
  domain: ({ host }) => host.kind === 'standalone' && String(host.domain),
  data_dir: ({ dataDir }) => dataDir,
  storage: ({ storage }) => (storage.kind === 'postgres' ? storage.url : storage.kind),
  'component.jid': ({ host }) => host.kind === 'component' && String(host.jid),
  'component.connect': ({ host }) => host.kind === 'component' && host.connect,
  'component.secret': ({ host }) => host.kind === 'component' && host.secret,
  'http.listen': ({ http }) => http.listen,
  'http.public_url': ({ http }) => http.publicUrl,
  'http.trusted_proxies': ({ http }) => http.trustedProxies,
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

/** The settings that differ and that only a restart applies. */
export function changesForRestart(running: Config, wanted: Config): SettingName[] {
  return settingNames.filter((name) => {
    const read = readers[name];
    const isSame = JSON.stringify(read(running)) === JSON.stringify(read(wanted));
    return !isSame && aboutOf(name).isReloadable !== true;
  });
}
