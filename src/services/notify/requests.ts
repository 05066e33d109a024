import { stanzaErrorFor } from '../../errors.js';
import type { AccountHost, IqRequest } from '../../hosts/host.js';
import type { Events } from '../../observability/events.js';
import type { Jid } from '../../xmpp/jid.js';
import { StanzaError } from '../../xmpp/stanza-error.js';

export interface RequestsOptions {
  readonly host: AccountHost;
  /** Whose requests they are, for events, and their namespace. */
  readonly channel: string;
  readonly ns: string;
  readonly events: Pick<Events, 'deviceRefused' | 'storageFailed'>;
}

/** Does what is asked for the account, given by its bare JID. What it throws other than a `StanzaError` is the storage's. */
type Take = (request: IqRequest, account: Jid) => Promise<unknown>;

/**
 * Takes what clients ask of a channel: requests to the account, and those that they send to the domain instead. What these mean
 * is clear, and the sender of a session's stanzas is not theirs to choose, so that nothing but kindness is given away.
 */
export function takeRequests(name: 'enable' | 'disable', options: RequestsOptions, take: Take): void {
  const { host } = options;
  const set = { type: 'set', ns: options.ns, name } as const;
  const get = { type: 'get', ns: options.ns, name } as const;
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
  { channel, events }: RequestsOptions,
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
