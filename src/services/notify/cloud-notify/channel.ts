import { stanzaErrorFor } from '../../../errors.js';
import type { AccountHost, IqRequest } from '../../../hosts/host.js';
import type { Events } from '../../../observability/events.js';
import type { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Channel } from '../channel.js';
import type { Registrations } from '../registrations/registrations.js';
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
  const { host, registrations } = options;
  registrations.addChannel(createChannel(options));
  host.advertiseAccount({ features: [ns.push, ...extensionFeatures] });
  takeRequests('enable', options, (request, account) => enable(request, account, registrations));
  takeRequests('disable', options, (request, account) => disable(request, account, registrations));
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

type Take = (request: IqRequest, account: Jid) => Promise<unknown>;

/**
 * Requests to the account, and those that clients send to the domain instead: what they mean is clear, and the sender of a
 * session's stanzas is not theirs to choose, so that nothing but kindness is given away.
 */
function takeRequests(name: 'enable' | 'disable', options: CloudNotifyOptions, take: Take): void {
  const { host } = options;
  const set = { type: 'set', ns: ns.push, name } as const;
  const get = { type: 'get', ns: ns.push, name } as const;
  host.onAccountIq(set, (request) => answer(request, request.account, options, take));
  host.onIq(set, (request) => answer(request, ownAccount(request, host), options, take));
  host.onAccountIq(get, refuseGet);
  host.onIq(get, refuseGet);
}

function ownAccount({ from }: IqRequest, host: AccountHost): Jid {
  if (host.sessionsOf(from.bare()).some(({ jid }) => jid.equals(from))) return from.bare();
  throw new StanzaError('forbidden', "Ask the server of your account, by an IQ without 'to'.");
}

function refuseGet(): never {
  throw new StanzaError('not-allowed', 'This is asked for by an IQ of type set.');
}

async function answer(
  request: IqRequest,
  account: Jid,
  { events }: CloudNotifyOptions,
  take: Take,
): Promise<undefined> {
  try {
    await take(request, account);
  } catch (error) {
    const reply = error instanceof StanzaError ? error : stanzaErrorFor('storage-failed');
    if (reply !== error) events.storageFailed({ what: 'a device', error });
    events.deviceRefused({ jid: account.toString(), channel, reason: reply.text });
    throw reply;
  }
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
