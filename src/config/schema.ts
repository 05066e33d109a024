import { z } from 'zod';
import { type About, about } from './about.js';
import { cloudNotifySettings, sessionSettings, standaloneSettings } from './standalone-schema.js';
import {
  address,
  choice,
  count,
  domain,
  duration,
  jids,
  path,
  publicUrl,
  ranges,
  secret,
  storage,
  yesOrNo,
} from './values.js';
import { gatewaySettings, webPushSettings } from './web-push-schema.js';

/** Every setting, by its path. The environment has each as `BELFRY_` and its path in capitals. */
export const schema = z.object({
  host: choice(['standalone', 'component']).prefault('standalone').register(about, {
    meaning:
      'Where Belfry lives: `standalone`, an XMPP server by itself, or `component` of another one (XEP-0114).',
  }),
  domain: domain.prefault('localhost').register(about, {
    meaning: 'The XMPP domain of a standalone Belfry; a component has no use for it.',
    prosody: 'VirtualHost',
  }),
  data_dir: path.prefault('./belfry-data').register(about, {
    meaning:
      "Folder of the SQLite database, and of the certificate that Belfry makes for itself. Made if it is missing, for Belfry's user alone.",
    prosody: 'data_path',
  }),
  storage: storage.prefault('sqlite').register(about, {
    meaning: '`sqlite` (a file in `data_dir`), or a PostgreSQL URL.',
    isSecret: true,
  }),
  ...standaloneSettings,
  'component.jid': domain.optional().register(about, {
    defaultInWords: 'none; required on a component',
    meaning: 'The JID of the component: the name that the XMPP server knows it by.',
  }),
  'component.connect': address({ lowestPort: 1 }).prefault('127.0.0.1:5347').register(about, {
    meaning: "Address of the XMPP server's port for components.",
    prosody: 'component_ports',
  }),
  'component.secret': secret.optional().register(about, {
    defaultInWords: 'none; required on a component',
    meaning: 'The secret that the XMPP server has for the component.',
    prosody: 'component_secret',
    isSecret: true,
  }),
  'http.listen': address({ lowestPort: 0 }).prefault('127.0.0.1:5280').register(about, {
    meaning: 'Address on which Belfry serves HTTP, for a reverse proxy in front of it.',
    prosody: 'http_ports',
  }),
  'http.public_url': publicUrl.optional().register(about, {
    defaultInWords: '`http://localhost` with the port of `http.listen`',
    meaning: 'What endpoints begin with: how the outside reaches `http.listen`. May have a path.',
    prosody: 'http_external_url',
  }),
  'http.trusted_proxies': ranges.prefault(['127.0.0.1', '::1']).register(about, {
    meaning: "Addresses and ranges of reverse proxies; only their X-Forwarded-For tells a client's address.",
    prosody: 'trusted_proxies',
  }),
  'http.demo': yesOrNo.optional().register(about, {
    defaultInWords: '`true` while `http.public_url` is on localhost, else `false`',
    meaning: 'Whether a standalone Belfry serves a page at `/demo/` on which one can try Web Push.',
  }),
  'unified_push.jid': domain.optional().register(about, {
    defaultInWords: '`component.jid`; standalone: `domain`',
    meaning:
      'The JID at which devices register. Standalone: the domain or one below it. On a component, one that is not `component.jid` is a second component with the same secret.',
  }),
  'unified_push.acl': jids.optional().register(about, {
    defaultInWords: 'the domain above `unified_push.jid`; standalone: `domain`',
    meaning:
      'Who may register and be pushed to: domains, bare JIDs, full JIDs. An empty list permits nobody.',
    prosody: 'unified_push_acl',
    isReloadable: true,
  }),
  'unified_push.backend': choice(['paseto', 'storage', 'jwt']).prefault('paseto').register(about, {
    meaning:
      'How new endpoints are made: `paseto`, `storage` or `jwt`. Those of the other backends keep working while their key is known.',
    prosody: 'unified_push_backend',
  }),
  'unified_push.registration_ttl': duration({ min: '1 minute', max: '1 year' })
    .prefault(86_400)
    .register(about, {
      meaning: 'How long a registration lasts before the device has to renew it.',
      prosody: 'unified_push_registration_ttl',
    }),
  'unified_push.secret': secret.optional().register(about, {
    defaultInWords: 'none; required by `jwt`',
    meaning:
      '`jwt`: the signing secret, at least 16 bytes. `paseto`: a key to use instead of the one that Belfry makes for itself.',
    prosody: 'unified_push_secret',
    isSecret: true,
  }),
  'unified_push.push_timeout': duration({ min: '1 second', max: '5 minutes' }).prefault(30).register(about, {
    meaning: "How long a push waits for the device's answer before it is answered with 503.",
  }),
  'unified_push.rate_limit': count({ min: 0, max: 1_000_000 }).prefault(600).register(about, {
    meaning: 'Pushes per minute and endpoint; 0 for no limit.',
  }),
  ...gatewaySettings,
  ...sessionSettings,
  ...cloudNotifySettings,
  ...webPushSettings,
  'log.level': choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .prefault('info')
    .register(about, {
      meaning: 'The least important lines that are written.',
      isReloadable: true,
    }),
  'log.format': choice(['auto', 'json', 'pretty']).prefault('auto').register(about, {
    meaning: '`json` lines, `pretty` text, or `auto`: text on a terminal, else JSON.',
  }),
});

export type SettingName = keyof typeof schema.shape;

/** Everything that was read; undefined where nothing was given and there is no default. */
export type Values = z.output<typeof schema>;

/** What can be written in a file: a setting, or the name of a file that holds one. */
export interface Key {
  /** The path with dots: `unified_push.secret_file`. */
  readonly path: string;
  readonly setting: SettingName;
  readonly isFile: boolean;
}

export const settingNames: readonly SettingName[] = schema.keyof().options;

export function aboutOf(name: SettingName): About {
  return about.get(schema.shape[name]) ?? { meaning: '' };
}

/** All keys, in the order of the table. */
export const allKeys: readonly Key[] = settingNames.flatMap((setting): Key[] => {
  const key = { path: setting, setting, isFile: false };
  return aboutOf(setting).isSecret === true
    ? [key, { path: `${setting}_file`, setting, isFile: true }]
    : [key];
});

/** What the names of all environment variables begin with. */
export const variablePrefix = 'BELFRY_';

/** The environment variable of a key. */
export function variableOf({ path: keyPath }: Pick<Key, 'path'>): string {
  return `${variablePrefix}${keyPath.replaceAll('.', '_').toUpperCase()}`;
}
