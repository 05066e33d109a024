import type { Jid } from '../xmpp/jid.js';

/** Says whether an address may use the service. */
export type Acl = (jid: Jid) => boolean;

/**
 * Who may register and be pushed to. What an entry names has to match, what it leaves out does not: a domain means
 * everybody on exactly that domain, a bare JID all its resources, a full JID itself alone, and `domain/resource` that
 * resource of everybody there. An empty list permits nobody. Each question takes four look-ups, however long the list.
 */
export function compileAcl(entries: readonly Jid[]): Acl {
  const permitted = new Set(entries.map(String));
  return (jid) =>
    permitted.has(jid.domain) ||
    permitted.has(jid.bare().toString()) ||
    permitted.has(jid.toString()) ||
    permitted.has(`${jid.domain}/${jid.resource}`);
}
