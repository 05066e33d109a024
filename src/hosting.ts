import type { ComponentConfig, Config, StandaloneConfig } from './config/config.js';
import { type ComponentHost, createComponentHost } from './hosts/component/component-host.js';
import type { AccountHost, Host } from './hosts/host.js';
import type { AccountAdmin } from './hosts/standalone/account-admin.js';
import { assembleServer } from './hosts/standalone/assemble.js';
import {
  createStandaloneHost,
  type ReloadableOptions,
  type ServerAddresses,
} from './hosts/standalone/standalone-host.js';
import { createForwarded } from './http/forwarded.js';
import type { Upgrade } from './http/upgrade.js';
import { readInstallationKey } from './installation-key.js';
import type { Events } from './observability/events.js';
import type { Storage } from './storage/open.js';
import type { Jid } from './xmpp/jid.js';

/** The XMPP side of a running Belfry, whichever host that is. */
export interface Hosting {
  /** Where devices register for pushes. */
  readonly push: Host;
  /** Where servers publish for registrations of the gateway; undefined: there is none. */
  readonly gateway: Host | undefined;
  readonly isConnected: boolean;
  /** Where others connect, with real ports, from the start on; none on a component. */
  readonly addresses: ServerAddresses;
  /** Whose accounts live here; undefined on a component. */
  readonly local: LocalAccounts | undefined;
  /** Takes over connections for WebSockets; undefined on a component. */
  readonly upgrade: Upgrade | undefined;
  /** A component connects when it can; a server rejects if it cannot listen. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Applies what can change while running. Never rejects. */
  reload(config: Config): Promise<void>;
}

/** The accounts of the embedded server: for whoever manages them, and for services. */
interface LocalAccounts {
  readonly domain: Jid;
  readonly accounts: AccountAdmin;
  readonly accountHost: AccountHost;
}

export interface HostingOptions {
  readonly version: string;
  /** Names this process. */
  readonly instance: string;
  readonly storage: Storage;
  readonly events: Events;
}

/** Makes the host that the configuration asks for. Rejects with `TlsError` if its certificate cannot be used. */
export function openHosting(config: Config, options: HostingOptions): Promise<Hosting> {
  const { host } = config;
  return host.kind === 'component'
    ? openComponents(host, config, options)
    : openStandalone(host, config, options);
}

/** One connection for each JID that Belfry is reached at. */
async function openComponents(
  { jid, connect, secret }: ComponentConfig,
  { unifiedPush, gateway }: Config,
  { version, instance, events }: HostingOptions,
): Promise<Hosting> {
  const create = (domain: Jid): ComponentHost =>
    createComponentHost({
      jid: domain,
      connect,
      secret,
      processId: instance,
      software: { name: 'Belfry', version },
      events,
    });
  const hosts = [create(jid)];
  const hostAt = (domain: Jid): ComponentHost => {
    const known = hosts.find((host) => host.domain.equals(domain));
    if (known !== undefined) return known;
    const created = create(domain);
    hosts.push(created);
    return created;
  };
  return {
    push: hostAt(unifiedPush.jid),
    gateway: gateway && hostAt(gateway.jid),
    get isConnected() {
      return hosts.every((host) => host.isConnected);
    },
    addresses: {},
    local: undefined,
    upgrade: undefined,
    async start() {
      for (const host of hosts) host.start();
    },
    async stop() {
      await Promise.all(hosts.map((host) => host.stop()));
    },
    reload: async () => undefined,
  };
}

async function openStandalone(
  standalone: StandaloneConfig,
  config: Config,
  { version, instance, storage, events }: HostingOptions,
): Promise<Hosting> {
  const host = await createStandaloneHost({
    ...standalone,
    ...reloadableOf(standalone),
    furtherDomains: furtherDomains(standalone, config),
    dataDir: config.dataDir,
    stores: storage.standalone,
    saslSecret: await readInstallationKey(storage, 'sasl'),
    dialbackSecret: await readInstallationKey(storage, 's2s-dialback'),
    processId: instance,
    software: { name: 'Belfry', version },
    events,
    ...createForwarded(config.http.trustedProxies),
  });
  host.onAccountRemoved(registrationRemover(storage, events));
  return {
    push: host.entity(config.unifiedPush.jid),
    gateway: config.gateway && host.entity(config.gateway.jid),
    get isConnected() {
      return host.isConnected;
    },
    get addresses() {
      return host.addresses;
    },
    local: { domain: standalone.domain, accounts: host.accounts, accountHost: host.accountHost },
    upgrade: host.upgrade,
    start: () => host.start(),
    stop: () => host.stop(),
    async reload(next) {
      if (next.host.kind === 'standalone') await host.reload(reloadableOf(next.host));
    },
  };
}

/** Where servers of others publish to, and devices of others register: they meet the certificate. */
function furtherDomains({ domain }: StandaloneConfig, { unifiedPush, gateway }: Config): readonly Jid[] {
  const isShared = gateway === undefined || gateway.jid.equals(unifiedPush.jid);
  const jids = isShared ? [unifiedPush.jid] : [unifiedPush.jid, gateway.jid];
  return jids.filter((jid) => !jid.equals(domain));
}

function reloadableOf({ registration, tls, s2s, ...limits }: StandaloneConfig): ReloadableOptions {
  const { maxOfflineMessages, maxSessionsPerAccount, smacks, archive } = limits;
  const settings = { registration, maxOfflineMessages, maxSessionsPerAccount, smacks, archive };
  return { settings, tls, s2s };
}

/** What the push services keep of an account goes when the account goes. */
function registrationRemover(
  { registrations, gateway }: Storage,
  events: Events,
): (jid: Jid) => Promise<void> {
  const removeFrom = async (store: { removeAccount(jid: string): Promise<unknown> }, jid: Jid) => {
    try {
      await store.removeAccount(jid.toString());
    } catch (error) {
      // The account is gone already. What is left expires, or goes with the account's subscription at its push service.
      events.storageFailed({ what: 'registrations of a removed account', error });
    }
  };
  return async (jid) => {
    await removeFrom(registrations, jid);
    await removeFrom(gateway, jid);
  };
}

/** The accounts of a server that does not run; `close` ends the work on them, and not the storage. */
export function openAccounts(
  standalone: StandaloneConfig,
  { version, instance, storage, events }: HostingOptions,
): { readonly accounts: AccountAdmin; readonly close: () => Promise<void> } {
  const { core, accounts } = assembleServer({
    domain: standalone.domain,
    settings: reloadableOf(standalone).settings,
    stores: storage.standalone,
    processId: instance,
    software: { name: 'Belfry', version },
    events,
  });
  core.server.hooks.accountRemoved.on(registrationRemover(storage, events));
  return { accounts, close: () => core.stop() };
}
