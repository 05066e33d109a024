import type { Jid } from '../../../xmpp/jid.js';
import type { Occasion, Recipient } from './decide.js';
import { isByAccount } from './own.js';

/** Why what came up that way is not for this device; undefined if it is. */
export function whyNotAddressed(occasion: Occasion, recipient: Recipient, account: Jid): string | undefined {
  const { source, client, stanza } = occasion;
  if (client !== undefined) return client === recipient.client ? undefined : 'it is for another device';
  if (source === 'offline') return undefined;
  if (source === 'call')
    return isByAccount(stanza, account) ? 'the account itself calls' : whyNoCall(occasion);
  return whyThere(recipient);
}

function whyNoCall({ importance }: Occasion): string | undefined {
  return importance.kind === 'call' && importance.level === 'important' ? undefined : 'it is no call';
}

/** The server has handed it to a client that is there, or keeps it in the queue of one that it expects back. */
function whyThere({ session, rules, isNobodyThere }: Recipient): string | undefined {
  if (session === 'none') return undefined;
  if (session === 'hibernating') return 'it waits in the queue of its client';
  return rules.whileAway && isNobodyThere ? undefined : 'its client is connected';
}
