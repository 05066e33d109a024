import { describe, expect, it } from 'vitest';
import { type DataForm, fieldValue, formTypeOf, parseForm } from '../../../xmpp/data-form.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { message, presence } from '../../../xmpp/stanza.js';
import type { Notification } from '../channel.js';
import type { CloudNotifySettings } from './settings.js';
import { summaryForm } from './summary.js';

const discreet: CloudNotifySettings = { importantBody: 'New Message!', withBody: false, withSender: false };
const talkative: CloudNotifySettings = { ...discreet, withBody: true, withSender: true };

const body = (text: string) => el('body', ns.client, {}, text);
const chat = (...children: Element[]) =>
  message({ from: 'bob@example.net/phone', type: 'chat' }, ...children);

function summary(settings: CloudNotifySettings, some: Partial<Notification> = {}): DataForm {
  const notification: Notification = {
    account: Jid.parse('ana@example.org'),
    level: 'important',
    kind: 'message',
    stanza: chat(body('Wine?')),
    count: 2,
    pendingSubscriptions: 0,
    ...some,
  };
  const form = parseForm(summaryForm(notification, settings));
  if (form === undefined) throw new Error('it is no form');
  return form;
}

/** The fields by their names, without the form's type. */
function fields(form: DataForm): Record<string, string> {
  const values = form.fields.map((field) => [field.var ?? '', field.values.join('|')] as const);
  return Object.fromEntries(values.filter(([name]) => name !== 'FORM_TYPE'));
}

describe('the summary', () => {
  it('is a form of its type, which comes first and hidden', () => {
    const form = summary(discreet);
    expect(form.type).toBe('form');
    expect(formTypeOf(form)).toBe('urn:xmpp:push:summary');
    expect(form.fields[0]).toMatchObject({ var: 'FORM_TYPE', type: 'hidden' });
  });

  it('says that something is there, and no more, unless it may', () => {
    expect(fields(summary(discreet))).toEqual({ 'message-count': '2', 'last-message-body': 'New Message!' });
    expect(fields(summary({ ...discreet, importantBody: '' }))).toEqual({ 'message-count': '2' });
  });

  it('says who and what, if it may', () => {
    expect(fields(summary({ ...discreet, withSender: true }))).toEqual({
      'message-count': '2',
      'last-message-sender': 'bob@example.net/phone',
      'last-message-body': 'New Message!',
    });
    expect(fields(summary({ ...discreet, withBody: true }))).toEqual({
      'message-count': '2',
      'last-message-body': 'Wine?',
    });
    expect(summary(talkative).fields[2]).toMatchObject({ var: 'last-message-sender', type: 'jid-single' });
  });

  it('counts requests if there are any', () => {
    expect(fields(summary(discreet, { pendingSubscriptions: 3 }))).toMatchObject({
      'pending-subscription-count': '3',
    });
  });

  it.each([
    ['an encrypted message', chat(body('Use OMEMO.'), el('openpgp', ns.openpgp, {}, 'c2VjcmV0'))],
    ['a call', chat(el('propose', ns.callSignals, { id: '7' }))],
    ['a request', presence({ from: 'bob@example.net', type: 'subscribe' })],
    ['a ping', undefined],
  ])('has a text for %s, which has none to show', (_what, stanza) => {
    expect(fieldValue(summary(talkative, { stanza }), 'last-message-body')).toBe('New Message!');
    expect(fields(summary({ ...talkative, importantBody: '' }, { stanza }))).not.toHaveProperty(
      'last-message-body',
    );
  });

  it('has none of what is unimportant', () => {
    const form = summary(talkative, { level: 'unimportant' });
    expect(fields(form)).toEqual({ 'message-count': '2', 'last-message-sender': 'bob@example.net/phone' });
  });

  it.each([
    ['an IQ', el('iq', ns.client, { from: 'bob@example.net/phone' })],
    ['a ping', undefined],
    ['the server', message({}, body('Update tonight'))],
  ])('names nobody for %s', (_what, stanza) => {
    expect(fields(summary(talkative, { stanza }))).not.toHaveProperty('last-message-sender');
  });

  it('cuts what is long at a character', () => {
    const text = fieldValue(
      summary(talkative, { stanza: chat(body(`x${'😡'.repeat(5000)}`)) }),
      'last-message-body',
    );
    expect(text).toBe(`x${'😡'.repeat(255)}`);
  });
});
