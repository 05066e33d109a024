import { Jid } from '../../../xmpp/jid.js';
import { readJsonArray } from '../../text/json-array.js';

/** What a device is reached by: an app server, and what it knows the device by (XEP-0357 §4). */
export interface PushAddress {
  readonly jid: Jid;
  /** Undefined if the client gave none; then publishes name none. */
  readonly node: string | undefined;
}

/** The address as it is stored: the same text for the same address, and for no other. */
export function addressText({ jid, node }: PushAddress): string {
  return JSON.stringify(node === undefined ? [jid.toString()] : [jid.toString(), node]);
}

/** Reads what `addressText` has written; undefined if it is none of that. */
export function readAddress(text: string): PushAddress | undefined {
  const parts = readJsonArray(text);
  const [address, node] = parts;
  if (typeof address !== 'string' || parts.length > 2) return undefined;
  if (node !== undefined && typeof node !== 'string') return undefined;
  const jid = Jid.tryParse(address);
  return jid && { jid, node };
}
