import { type Attributes, Element, noAttributes } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { cutText, utf8Size } from '../../text/cut-text.js';
import { messageText } from '../../text/message-text.js';
import type { Notification } from '../channel.js';
import type { CloudNotifySettings } from './settings.js';

const formAttributes = { type: 'form' };
const formType = field({ var: 'FORM_TYPE', type: 'hidden' }, ns.pushSummary);
const countAttributes = { var: 'message-count' };
const requestsAttributes = { var: 'pending-subscription-count' };
const senderAttributes = { var: 'last-message-sender', type: 'jid-single' };
const bodyAttributes = { var: 'last-message-body' };

/** Of what a message says; devices show less. */
const maxBodyBytes = 1024;

/**
 * The form by which an app server hears what waits for the device (XEP-0357 §7). App servers take a notification that has a
 * body for one to show, so an unimportant one has none.
 */
export function summaryForm(notification: Notification, settings: CloudNotifySettings): Element {
  const { stanza, count, pendingSubscriptions, level } = notification;
  const fields = [formType, field(countAttributes, String(count))];
  if (pendingSubscriptions > 0) fields.push(field(requestsAttributes, String(pendingSubscriptions)));
  const sender = settings.withSender ? senderOf(stanza) : undefined;
  if (sender !== undefined) fields.push(field(senderAttributes, sender));
  const body = level === 'important' ? bodyOf(stanza, settings) : '';
  if (body !== '') fields.push(field(bodyAttributes, body));
  return new Element('x', ns.dataForms, formAttributes, fields);
}

function field(attrs: Attributes, value: string): Element {
  return new Element('field', ns.dataForms, attrs, [
    new Element('value', ns.dataForms, noAttributes, [value]),
  ]);
}

/** Of what people send, not of what programs ask. */
function senderOf(stanza: Element | undefined): string | undefined {
  return stanza === undefined || stanza.name === 'iq' ? undefined : stanza.attr('from');
}

function bodyOf(stanza: Element | undefined, { withBody, importantBody }: CloudNotifySettings): string {
  const text = withBody && stanza !== undefined ? messageText(stanza) : undefined;
  return text === undefined ? importantBody : cutText(text, maxBodyBytes, utf8Size);
}
