import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { accountLimits } from '../settings.js';

/** What a client wants of its roster. */
export interface RosterSet {
  /** A bare JID or a domain. */
  readonly jid: Jid;
  readonly isRemoval: boolean;
  /** The empty string for none. */
  readonly name: string;
  readonly groups: readonly string[];
}

/**
 * Reads the `<query/>` of a roster set (RFC 6121 §2.1.5, §2.3.3). `subscription` other than `remove`, `ask` and `approved`
 * are the server's and passed over.
 * @throws {StanzaError} `bad-request` for none or several items, an item without address or with a full JID, a group
 *   twice; `jid-malformed`; `not-acceptable` for a group without name, and a name or number of groups beyond the limits
 */
export function parseRosterSet(query: Element): RosterSet {
  const [item, ...others] = query.elements();
  if (item === undefined || others.length > 0 || !item.is('item', ns.roster)) {
    throw new StanzaError('bad-request', 'A roster set has exactly one item.');
  }
  const jid = parseAddress(item);
  if (item.attr('subscription') === 'remove') return { jid, isRemoval: true, name: '', groups: [] };
  return { jid, isRemoval: false, name: parseName(item), groups: parseGroups(item) };
}

function parseAddress(item: Element): Jid {
  const text = item.attr('jid');
  if (text === undefined) throw new StanzaError('bad-request', 'The item has no address.');
  const jid = Jid.tryParse(text);
  if (jid === undefined) throw new StanzaError('jid-malformed', "The item's address is invalid.");
  if (jid.isFull) throw new StanzaError('bad-request', 'A contact is a bare JID.');
  return jid;
}

function parseName(item: Element): string {
  const name = item.attr('name') ?? '';
  checkLength('A name', name);
  return name;
}

function parseGroups(item: Element): readonly string[] {
  const groups = item
    .elements()
    .filter((child) => child.is('group', ns.roster))
    .map((group) => group.text());
  if (groups.length > accountLimits.groupsPerContact) {
    throw new StanzaError(
      'not-acceptable',
      `A contact is in at most ${accountLimits.groupsPerContact} groups.`,
    );
  }
  if (new Set(groups).size < groups.length) {
    throw new StanzaError('bad-request', 'A contact is in each group once.');
  }
  for (const group of groups) {
    if (group === '') throw new StanzaError('not-acceptable', 'A group has a name.');
    checkLength("A group's name", group);
  }
  return groups;
}

function checkLength(what: string, text: string): void {
  if (Buffer.byteLength(text) <= accountLimits.nameBytes) return;
  throw new StanzaError('not-acceptable', `${what} has at most ${accountLimits.nameBytes} bytes.`);
}
