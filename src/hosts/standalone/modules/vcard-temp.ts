import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { AccountIq, Server, ServerModule } from '../module.js';
import { parseInTurn } from '../parse-in-turn.js';
import { accountLimits } from '../settings.js';
import { Turns } from '../turns.js';

const kind = 'vcard-temp';
/** An account has one vCard. */
const key = '';

/** vCards: everybody may read an account's, the account itself may write it (XEP-0054 §3). */
export const vcardTemp: ServerModule = {
  name: 'vcard-temp',
  implements: [{ xep: '0054', version: '1.3.0' }],
  setup(server) {
    server.advertise({ features: [ns.vcardTemp] });
    server.advertiseAccount({ features: [ns.vcardTemp] });
    const route = { ns: ns.vcardTemp, name: 'vCard' };
    const turns = new Turns();
    server.onAccountIq({ type: 'get', ...route }, 'anyone', (request) => read(server, request, turns));
    server.onAccountIq({ type: 'set', ...route }, 'owner', (request) => write(server, request));
  },
};

/**
 * The owner of no vCard gets an empty one (XEP-0054 §3.1). Others get what they would get if there were no such account
 * (§3.3).
 */
async function read({ stores }: Server, { account, session }: AccountIq, turns: Turns) {
  const text = await stores.documents.find(account.id, kind, key);
  if (text !== undefined) return parseInTurn(text, turns);
  if (session === undefined) throw new StanzaError('service-unavailable');
  return el('vCard', ns.vcardTemp);
}

async function write({ stores }: Server, { account, payload }: AccountIq): Promise<undefined> {
  const text = serialize(payload);
  if (Buffer.byteLength(text) > accountLimits.documentBytes) {
    throw new StanzaError('policy-violation', `A vCard has at most ${accountLimits.documentBytes} bytes.`);
  }
  await stores.documents.put(account.id, kind, key, text, 1);
}
