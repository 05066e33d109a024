import type { AccountHost, IqRequest } from '../../../hosts/host.js';
import type { Events } from '../../../observability/events.js';
import type { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import type { Channel } from '../channel.js';
import type { Registrations } from '../registrations/registrations.js';
import { takeRequests } from '../requests.js';
import { readDetailsText } from './details.js';
import { readDisable, readEnable } from './enable.js';
import { InitialisationVectors } from './encrypted.js';
import { extensionFeatures } from './extensions.js';
import { createTarget } from './publish.js';
import { type PushAddress, readAddress } from './push-address.js';
import { readDisableNotice } from './remote-disable.js';
import type { CloudNotifySettings } from './settings.js';

export interface CloudNotifyOptions {
  readonly host: AccountHost;
  readonly registrations: Registrations;
  /** Those of the moment. */
  readonly settings: () => CloudNotifySettings;
  /** Registrations that an account may have, at the moment. */
  readonly maxDevices: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Pick<Events, 'deviceRefused' | 'storageFailed'>;
}

/** As it is stored with registrations. */
const channel = 'cloud-notify';

/**
 * Push notifications through app servers (XEP-0357), with the extensions of Tigase: takes what clients enable and disable,
 * and hears of app servers that stop.
 */
export function createCloudNotify(options: CloudNotifyOptions): void {
  const { host, registrations, events } = options;
  registrations.addChannel(createChannel(options));
  host.advertiseAccount({ features: [ns.push, ...extensionFeatures] });
  const requests = { host, channel, ns: ns.push, events };
  takeRequests('enable', requests, (request, account) => enable(request, account, registrations));
  takeRequests('disable', requests, (request, account) => disable(request, account, registrations));
  host.received.on((account, message) => {
    const notice = readDisableNotice(account, message);
    return notice && disableRemotely(account, { jid: notice.from, node: notice.node }, options);
  });
}

function createChannel({ host, settings, maxDevices, randomBytes }: CloudNotifyOptions): Channel {
  const options = { host, settings, vectors: new InitialisationVectors(randomBytes) };
  return {
    name: channel,
    maxDevices,
    open(registration) {
      const address = readAddress(registration.address);
      const details = readDetailsText(registration.details);
      return address && details && createTarget(address, details, options);
    },
  };
}

async function enable({ from, payload }: IqRequest, account: Jid, registrations: Registrations) {
  await registrations.enable(account, { channel, client: from.resource, ...readEnable(payload, account) });
}

async function disable({ payload }: IqRequest, account: Jid, registrations: Registrations) {
  const address = readDisable(payload);
  await registrations.disable(account, channel, ({ address: text }) => isAt(text, address), 'client');
}

async function disableRemotely(
  account: Jid,
  address: PushAddress,
  { registrations, events }: CloudNotifyOptions,
): Promise<void> {
  const isMeant = ({ address: text }: { readonly address: string }) => isAt(text, address);
  try {
    // Whoever sends such messages without being asked to must not make the account's own requests wait.
    if (!(await registrations.of(account)).some(isMeant)) return;
    await registrations.disable(account, channel, isMeant, 'service');
  } catch (error) {
    events.storageFailed({ what: 'a device', error });
  }
}

/** Whether a stored address is the one that is meant; without a node, all of that JID are. */
function isAt(text: string, { jid, node }: PushAddress): boolean {
  const stored = readAddress(text);
  return stored?.jid.equals(jid) === true && (node === undefined || stored.node === node);
}
