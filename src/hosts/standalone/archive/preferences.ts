import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { accountLimits } from '../settings.js';
import type { ArchivePreferences } from '../store.js';

const rules: readonly string[] = ['always', 'roster', 'never'] satisfies ArchivePreferences['fallback'][];

function isRule(text: string): text is ArchivePreferences['fallback'] {
  return rules.includes(text);
}

/**
 * Reads `<prefs/>` (XEP-0441 §2.1): a list that is missing is empty, an address that is there twice is there once.
 * @throws {StanzaError} `bad-request` without a known default, `jid-malformed`, `policy-violation` for too much
 */
export function parsePreferences(prefs: Element): ArchivePreferences {
  const fallback = prefs.attr('default') ?? '';
  if (!isRule(fallback)) throw new StanzaError('bad-request', 'default is always, roster or never.');
  const preferences = { fallback, always: parseList(prefs, 'always'), never: parseList(prefs, 'never') };
  checkSize([...preferences.always, ...preferences.never]);
  return preferences;
}

function parseList(prefs: Element, name: 'always' | 'never'): readonly string[] {
  const items = prefs.child(name)?.elements() ?? [];
  return [...new Set(items.filter((item) => item.is('jid', ns.archive)).map(parseJid))];
}

function parseJid(item: Element): string {
  const jid = Jid.tryParse(item.text().trim());
  if (jid === undefined) throw new StanzaError('jid-malformed', 'An address in the preferences is invalid.');
  return jid.toString();
}

function checkSize(jids: readonly string[]): void {
  const { archiveJids, archiveJidBytes } = accountLimits;
  const bytes = jids.reduce((sum, jid) => sum + Buffer.byteLength(jid), 0);
  if (jids.length <= archiveJids && bytes <= archiveJidBytes) return;
  throw new StanzaError(
    'policy-violation',
    `Preferences have at most ${archiveJids} addresses, of ${archiveJidBytes} bytes in all.`,
  );
}

/** Preferences as a client is told them. */
export function preferencesElement({ fallback, always, never }: ArchivePreferences): Element {
  const list = (name: string, jids: readonly string[]) =>
    el(name, ns.archive, {}, ...jids.map((jid) => el('jid', ns.archive, {}, jid)));
  return el('prefs', ns.archive, { default: fallback }, list('always', always), list('never', never));
}
