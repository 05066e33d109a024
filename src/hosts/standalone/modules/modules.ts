import type { AccountAdmin } from '../account-admin.js';
import type { Archive } from '../archive/archive.js';
import type { ServerModule } from '../module.js';
import { createArchiveModule } from './archive.js';
import { blocking } from './blocking.js';
import { carbons } from './carbons.js';
import { clientState } from './client-state.js';
import { disco } from './disco.js';
import { offline } from './offline.js';
import { ping } from './ping.js';
import { privateXml } from './private-xml.js';
import { createRegistration } from './registration.js';
import { roster } from './roster.js';
import { session } from './session.js';
import { time } from './time.js';
import { vcardTemp } from './vcard-temp.js';

export interface ModuleParts {
  readonly accounts: AccountAdmin;
  readonly archive: Pick<Archive, 'settled'>;
}

/** The extensions of the embedded server, in the order in which their hooks are called. */
export function createModules({ accounts, archive }: ModuleParts): readonly ServerModule[] {
  return [
    createRegistration(accounts),
    blocking,
    disco,
    ping,
    time,
    session,
    roster,
    vcardTemp,
    privateXml,
    carbons,
    clientState,
    createArchiveModule(archive),
    offline,
  ];
}
