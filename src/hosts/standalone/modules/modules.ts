import type { AccountAdmin } from '../account-admin.js';
import type { ServerModule } from '../module.js';
import { blocking } from './blocking.js';
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

/** The extensions of the embedded server, in the order in which their hooks are called. */
export function createModules({ accounts }: { readonly accounts: AccountAdmin }): readonly ServerModule[] {
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
    clientState,
    offline,
  ];
}
