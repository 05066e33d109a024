import type { Importance } from '../../../xmpp/importance.js';
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
  return importance.level === 'important' && isOfCall(importance) ? undefined : 'it is no call';
}

/** It is about a call. Important ones: somebody calls, or calls no longer. */
export function isOfCall({ kind }: Importance): boolean {
  return kind === 'call' || kind === 'missed-call';
}

/** The server has handed it to a client that is there, or keeps it in the queue of one that it expects back. */
function whyThere({ session, rules, isNobodyThere }: Recipient): string | undefined {
  if (session === 'none') return undefined;
  if (session === 'hibernating') return 'it waits in the queue of its client';
  return rules.whileAway && isNobodyThere ? undefined : 'its client is connected';
}
