import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import type { TokenBackendName } from '../services/unified-push/tokens/backend.js';
import { localKeyPrefix, parseLocalKey } from '../services/unified-push/tokens/paseto.js';
import { Jid } from '../xmpp/jid.js';
import type { ComponentConfig, Config, HostConfig } from './config.js';
import type { DeriveContext } from './derive-context.js';
import { deriveGateway } from './derive-gateway.js';
import { deriveStandalone } from './derive-standalone.js';
import { deriveWebPush, isOnLocalhost } from './derive-web-push.js';
import { type SettingName, type Values, variableOf } from './schema.js';

/** What stands in for a JID that is missing or wrong, while the rest is checked. */
const nowhere = Jid.parse('invalid');

/** Puts the configuration together and holds the rules that concern several settings, reporting what breaks them. */
export function deriveConfig(values: Values, context: DeriveContext): Config {
  const host = deriveHost(values, context);
  const own = host.kind === 'component' ? host.jid : host.domain;
  const jid = values['unified_push.jid'] ?? own;
  const publicUrl = values['http.public_url'] ?? `http://localhost:${values['http.listen'].port}`;
  const secret = checkPushSecret(values, context);
  const acl = values['unified_push.acl'] ?? defaultAcl(jid, host, context);
  return {
    dataDir: dataDir(values, context),
    storage: deriveStorage(values, context),
    host,
    http: {
      listen: values['http.listen'],
      publicUrl,
      trustedProxies: values['http.trusted_proxies'],
      demo: host.kind === 'standalone' && (values['http.demo'] ?? isOnLocalhost(publicUrl)),
    },
    unifiedPush: {
      jid,
      acl,
      backend: values['unified_push.backend'],
      registrationTtl: values['unified_push.registration_ttl'],
      ...(secret === undefined ? {} : { secret }),
      pushTimeout: values['unified_push.push_timeout'],
      rateLimit: values['unified_push.rate_limit'],
    },
    gateway: deriveGateway(values, host, acl, context),
    webPush: deriveWebPush(values, publicUrl, own, context),
    log: { level: values['log.level'], format: values['log.format'] },
  };
}

function deriveHost(values: Values, context: DeriveContext): HostConfig {
  refuseSection(values.host === 'standalone' ? 'component' : 'standalone', context);
  return values.host === 'standalone' ? deriveStandalone(values, context) : deriveComponent(values, context);
}

/** A section for the other host means that `host` was forgotten, or that somebody hopes for what will not be. */
function refuseSection(other: HostConfig['kind'], { inputs, refuse }: DeriveContext): void {
  for (const section of sectionsOf[other]) {
    const given = [...inputs.values()].find(({ setting }) => `${setting}.`.startsWith(`${section}.`));
    if (given === undefined) continue;
    const text = `means nothing without host: ${other}; set that, or remove ${section.includes('.') ? 'this' : `what is in ${section}`}`;
    refuse({ place: given.place, key: given.path, text });
  }
}

const sectionsOf = {
  standalone: [
    'standalone',
    'smacks',
    'archive',
    'cloud_notify',
    'web_push.important_body',
    'web_push.max_devices',
    'web_push.with_body',
    'web_push.with_sender',
    'http.demo',
  ],
  component: ['component'],
} as const;

function deriveComponent(values: Values, context: DeriveContext): ComponentConfig {
  requireSetting('component.jid', 'the name that the XMPP server has for the component', context);
  requireSetting('component.secret', 'the secret that the XMPP server has for it', context);
  return {
    kind: 'component',
    jid: values['component.jid'] ?? nowhere,
    connect: values['component.connect'],
    secret: values['component.secret'] ?? '',
  };
}

function requireSetting(setting: SettingName, what: string, context: DeriveContext): void {
  if (context.inputs.has(setting)) return;
  const text = `is missing, and host is component; set it, or ${variableOf({ path: setting })}, to ${what}`;
  context.refuse({ place: context.absent(setting), key: setting, text });
}

function dataDir(values: Values, { inputs, cwd }: DeriveContext): string {
  return resolve(inputs.get('data_dir')?.folder ?? cwd, values.data_dir);
}

function deriveStorage(values: Values, context: DeriveContext): Config['storage'] {
  return values.storage === 'sqlite'
    ? { kind: 'sqlite', file: join(dataDir(values, context), 'belfry.sqlite') }
    : { kind: 'postgres', url: values.storage };
}

/** A push service belongs to the domain it is for: its own, or, if it has a name of its own, the one above. */
function defaultAcl(jid: Jid, host: HostConfig, { inputs, absent, refuse }: DeriveContext): readonly Jid[] {
  if (host.kind === 'standalone' && jid.equals(host.domain)) return [jid];
  const parent = parentOf(jid);
  if (parent !== undefined) return [parent];
  const isUnknown = jid === nowhere || inputs.has('unified_push.acl');
  if (!isUnknown) {
    const text = `is missing, and no domain is above ${jid}; list the domains whose users may register`;
    refuse({ place: absent('unified_push.acl'), key: 'unified_push.acl', text });
  }
  return [];
}

function parentOf({ domain }: Jid): Jid | undefined {
  if (isIP(domain) !== 0 || domain.startsWith('[')) return undefined;
  return Jid.tryParse(domain.split('.').slice(1).join('.'));
}

/**
 * Endpoints with a jwt are handed to strangers, who can try secrets on them without asking us. RFC 7518 §3.2 wants 32
 * bytes; 16 are let pass, because operators who come from Prosody have to keep the secret that they have.
 */
const shortestJwtSecret = 16;

function checkPushSecret(values: Values, context: DeriveContext): string | undefined {
  const name = 'unified_push.secret';
  const secret = values[name];
  const given = context.inputs.get(name);
  const text = secretProblem(values['unified_push.backend'], secret, given !== undefined);
  if (text !== undefined) {
    context.refuse({ place: given?.place ?? context.absent(name), key: given?.path ?? name, text });
  }
  return secret;
}

const makeSecret = 'make one with: openssl rand -base64 32';

function secretProblem(
  backend: TokenBackendName,
  secret: string | undefined,
  isGiven: boolean,
): string | undefined {
  if (secret === undefined) {
    return backend === 'jwt' && !isGiven
      ? `is missing, and unified_push.backend is jwt; ${makeSecret}`
      : undefined;
  }
  if (secret.startsWith(localKeyPrefix)) {
    if (backend === 'jwt') return `is a paseto key, but unified_push.backend is jwt; ${makeSecret}`;
    const isKey = parseLocalKey(secret) !== undefined;
    return isKey ? undefined : `is no paseto key; after ${localKeyPrefix} come 64 hexadecimal digits`;
  }
  if (backend === 'paseto') {
    return `is no paseto key; write ${localKeyPrefix} and 64 hexadecimal digits, or remove it: Belfry makes a key itself`;
  }
  return Buffer.byteLength(secret) < shortestJwtSecret
    ? `is shorter than ${shortestJwtSecret} bytes and could be guessed; ${makeSecret}`
    : undefined;
}
