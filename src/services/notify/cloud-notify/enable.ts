import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { detailsText, readDetails } from './details.js';
import { addressText, type PushAddress } from './push-address.js';

/** What an `<enable/>` asks to be kept. */
export interface EnableRequest {
  readonly address: string;
  readonly details: string;
}

/** The longest address that is kept. */
const maxAddressBytes = 4096;

/**
 * Reads `<enable/>` (XEP-0357 §5) of the account's client. What is in it that nobody here knows is passed over.
 * @throws {StanzaError} if it asks for what cannot be
 */
export function readEnable(enable: Element, account: Jid): EnableRequest {
  const jid = readServiceJid(enable);
  if (jid.bare().equals(account)) {
    throw new StanzaError('bad-request', "The jid is that of an app server, not one of the account's own.");
  }
  const address = addressText({ jid, node: enable.attr('node') });
  if (Buffer.byteLength(address) > maxAddressBytes) {
    throw new StanzaError('policy-violation', `jid and node have at most ${maxAddressBytes} bytes.`);
  }
  // First: what is too large is not worth reading.
  const details = detailsText(enable);
  readDetails(enable);
  return { address, details };
}

/**
 * Reads `<disable/>` (XEP-0357 §6). Without a node it is about all that the account has enabled at the JID.
 * @throws {StanzaError} if it does not say where
 */
export function readDisable(disable: Element): PushAddress {
  return { jid: readServiceJid(disable), node: disable.attr('node') };
}

function readServiceJid(request: Element): Jid {
  const text = request.attr('jid');
  if (text === undefined) throw new StanzaError('bad-request', 'The jid of the app server is missing.');
  const jid = Jid.tryParse(text);
  if (jid === undefined)
    throw new StanzaError('jid-malformed', 'The jid of the app server is no valid address.');
  return jid;
}
