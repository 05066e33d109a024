import { randomBytes } from 'node:crypto';
import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import type { Software } from '../entity/own-services.js';
import { systemClock } from '../system-clock.js';
import { type AccountAdmin, createAccountAdmin } from './account-admin.js';
import { type Archive, createArchive } from './archive/archive.js';
import { type Core, createCore } from './core.js';
import { createModules } from './modules/modules.js';
import { createPresence } from './presence/presence.js';
import type { StandaloneSettings } from './settings.js';
import type { StandaloneStores } from './store.js';

export interface AssembleOptions {
  readonly domain: Jid;
  readonly settings: StandaloneSettings;
  readonly stores: StandaloneStores;
  /** Another one in each process; letters and digits. */
  readonly processId: string;
  readonly software: Software;
  readonly events: Events;
  /** As in `CoreOptions`. */
  readonly routeRemote?: ((stanza: Element) => void) | undefined;
}

/** The embedded server with all its rules, and without the listeners that clients come in by. */
export interface AssembledServer {
  readonly core: Core;
  readonly accounts: AccountAdmin;
  /** To be started before the first session, and stopped after the last one. */
  readonly archive: Archive;
}

/**
 * Puts the server together. What it does by itself it does as well where nobody can connect: an account that is removed
 * leaves the rosters of its contacts in order.
 */
export function assembleServer(options: AssembleOptions): AssembledServer {
  const { domain, stores, events } = options;
  const core = createCore({ ...options, clock: systemClock, now: Date.now, randomBytes });
  const accounts = createAccountAdmin({
    domain,
    accounts: stores.accounts,
    randomBytes,
    events,
    remove: core.removeAccount.bind(core),
  });
  core.setPresenceRules(createPresence(core.server));
  const archive = createArchive(core.server);
  core.setArchiving(archive);
  for (const module of createModules({ accounts, archive })) module.setup(core.server);
  return { core, accounts, archive };
}
