import type { AccountHost, IqRequest } from '../../../hosts/host.js';
import type { Guard } from '../../../net/guard.js';
import type { Events } from '../../../observability/events.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { createDoor, type Door } from '../../subscriptions/door.js';
import { keyForm } from '../../subscriptions/key-form.js';
import type { Settled, WebPush } from '../../web-push/web-push.js';
import type { Channel } from '../channel.js';
import { takeRequests } from '../requests.js';
import type { Notify } from '../service.js';
import { detailsText, readDetails } from './details.js';
import { readDisable, readEnable } from './enable.js';
import type { WebPushChannelSettings } from './settings.js';
import { createTarget, senderFor, service } from './target.js';

export interface WebPushChannelOptions {
  readonly host: AccountHost;
  readonly notify: Pick<Notify, 'registrations' | 'settle'>;
  readonly webPush: WebPush;
  /** Which endpoints may be used. */
  readonly guard: Pick<Guard, 'parse' | 'judge'>;
  /** Those of the moment. */
  readonly settings: () => WebPushChannelSettings;
  /** Registrations that an account may have, at the moment. */
  readonly maxDevices: () => number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: Pick<Events, 'deviceRefused' | 'storageFailed'>;
}

/** As it is stored with registrations. */
const channel = 'web-push';

/**
 * Notifications for browsers that are not connected, by Web Push (`urn:xmpp:webpush:0`): takes what clients enable and disable,
 * and hears what became of what had to wait.
 */
export function createWebPushChannel(options: WebPushChannelOptions): void {
  const { host, notify, webPush, guard, now, events } = options;
  const door = createDoor(guard, now);
  notify.registrations.addChannel(createChannel(options));
  host.advertiseAccount({ features: [ns.webPush], forms: [keyForm(webPush.publicKey)] });
  const requests = { host, channel, ns: ns.webPush, events };
  takeRequests('enable', requests, (request, account) => enable(request, account, door, options));
  takeRequests('disable', requests, (request, account) => disable(request, account, options));
  webPush.onSettled(service, (settled) => void settle(settled, notify));
  // Registrations also go while this does not run, or when what waits for them cannot be withdrawn.
  webPush.askBefore(service, (sent) => isThere(sent, notify.registrations));
  // Not all registrations of an account are in memory when it goes.
  host.accountRemoved.on((account) => webPush.withdraw(undefined, senderFor(account.toString())));
}

function createChannel({ webPush, settings, maxDevices }: WebPushChannelOptions): Channel {
  return {
    name: channel,
    keepsQueue: true,
    maxDevices,
    open({ account, address: endpoint, details: text }) {
      const details = readDetails(text);
      if (details === undefined || !URL.canParse(endpoint)) return undefined;
      const { p256dh, auth, wantsUnimportant } = details;
      const subscription = { endpoint, origin: new URL(endpoint).origin, p256dh, auth };
      return createTarget({ account, subscription, wantsUnimportant }, { webPush, settings });
    },
  };
}

async function enable(
  { from, payload }: IqRequest,
  account: Jid,
  door: Door,
  { notify: { registrations }, guard }: WebPushChannelOptions,
): Promise<void> {
  const { subscription, wantsUnimportant } = readEnable(payload, guard.parse);
  const address = subscription.endpoint;
  const known = await registrations.of(account);
  // Clients enable at each login: what is kept was judged before, and is whenever it is used.
  if (!known.some((one) => one.channel === channel && one.address === address)) {
    await door.check(account.toString(), address);
  }
  const details = detailsText({ ...subscription, wantsUnimportant });
  await registrations.enable(account, { channel, client: from.resource, address, details });
}

async function disable(
  { payload }: IqRequest,
  account: Jid,
  { notify: { registrations }, guard }: WebPushChannelOptions,
): Promise<void> {
  const endpoint = readDisable(payload, guard.parse);
  const isMeant = ({ address }: { readonly address: string }) =>
    endpoint === undefined || address === endpoint;
  await registrations.disable(account, channel, isMeant, 'client');
}

/** Rejects with the store's error. */
async function isThere(
  { endpoint, reference }: Pick<Settled, 'endpoint' | 'reference'>,
  registrations: Notify['registrations'],
): Promise<boolean> {
  const account = Jid.tryParse(reference);
  return account !== undefined && registrations.has(account, channel, endpoint);
}

/** Of a registration that is no more it does not matter. */
async function settle(
  { endpoint, reference, outcome }: Settled,
  { registrations, settle: take }: WebPushChannelOptions['notify'],
): Promise<void> {
  const account = Jid.tryParse(reference);
  const known = account === undefined ? [] : await registrations.of(account);
  const registration = known.find((one) => one.channel === channel && one.address === endpoint);
  if (registration !== undefined) take(registration, outcome);
}
