import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Content, Encrypted, Summary } from './content.js';
import { fieldText } from './fields.js';
import { readSealed } from './read-sealed.js';

/**
 * Reads `<notification/>` (`urn:xmpp:push:0`). What has no field that is known here, or no form at all, is a summary that says
 * nothing but that something is new.
 * @throws {StanzaError} if something encrypted cannot be what it is said to be
 */
export function readNotification(notification: Element): Content {
  const priority = notification.child('priority', ns.pushPriority)?.text().trim();
  const sealed = readSealed(notification);
  if (sealed !== undefined)
    return { kind: 'sealed', isImportant: priority !== 'low', isCall: false, ...sealed };
  const encrypted = notification.child('encrypted', ns.pushEncryption);
  if (encrypted !== undefined) return readEncrypted(encrypted, priority);
  return readSummary(summaryForm(notification), priority);
}

/** Without a word about its priority it may be anything: better once too often. */
function readEncrypted(encrypted: Element, priority: string | undefined): Encrypted {
  const iv = encrypted.attr('iv') ?? '';
  const data = encrypted.text().trim();
  if (iv === '' || data === '') {
    throw new StanzaError('bad-request', 'The <encrypted/> has no iv, or nothing in it.');
  }
  const type = encrypted.attr('type');
  const isCall = type === 'voip';
  return { kind: 'encrypted', iv, data, type, isCall, isImportant: isCall || priority !== 'low' };
}

function readSummary(form: Element | undefined, priority: string | undefined): Summary {
  const text = (name: string) => (form && fieldText(form, name)) ?? '';
  const body = text('last-message-body');
  const hasBody = body.trim() !== '';
  const sender = text('last-message-sender').trim();
  const count = readCount(text('message-count'));
  const requests = readCount(text('pending-subscription-count'));
  // Beside a message they may be old ones, which are counted each time.
  const isRequest = requests > 0 && count === 0 && sender === '';
  return {
    kind: 'summary',
    isImportant: hasBody || isRequest || priority === 'high',
    isCall: false,
    count,
    requests,
    // Most servers name nobody: an empty address would cost more to refuse than all else here.
    sender: sender === '' ? undefined : Jid.tryParse(sender),
    body: hasBody ? body : '',
  };
}

/** The one that says so of itself, or else the first. */
function summaryForm(notification: Element): Element | undefined {
  const forms = notification.elements().filter((child) => child.is('x', ns.dataForms));
  return forms.find((form) => fieldText(form, 'FORM_TYPE') === ns.pushSummary) ?? forms[0];
}

function readCount(text: string): number {
  return /^\s*[0-9]{1,9}\s*$/.test(text) ? Number(text) : 0;
}
