import { type DataForm, fieldValue, formToElement, parseForm } from '../../../src/xmpp/data-form.js';
import { type Element, el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import type { WebSubscription } from '../web-push/browser.js';

/** What a client gets from the gateway, and puts into `<enable/>` at its own server. */
export interface Credentials {
  readonly jid: string;
  readonly node: string;
  readonly secret: string;
}

/** The first and only step of a command (XEP-0050) with these fields, as Conversations asks an app server. */
export function command(node: string, fields: Readonly<Record<string, string>>): Element {
  return el('command', ns.commands, { node, action: 'execute' }, form('submit', fields));
}

export function register(
  { endpoint, p256dh, auth }: WebSubscription,
  device: string,
  more: Readonly<Record<string, string>> = {},
): Element {
  return command('register-push-webpush', { endpoint, p256dh, auth, 'device-id': device, ...more });
}

export const unregister = (device: string): Element =>
  command('unregister-push-webpush', { 'device-id': device });

/** What the answer to `register` has; throws if that is not what a client can go on with. */
export function credentialsIn(answer: Element): Credentials {
  const done = answer.child('command', ns.commands);
  const x = done?.child('x', ns.dataForms);
  const result = x && parseForm(x);
  const [jid, node, secret] = ['jid', 'node', 'secret'].map((name) => result && fieldValue(result, name));
  if (done?.attr('status') !== 'completed' || result?.type !== 'result')
    throw new Error(`not registered: ${JSON.stringify(answer)}`);
  if (jid === undefined || node === undefined || secret === undefined)
    throw new Error(`something is missing: ${JSON.stringify(answer)}`);
  return { jid, node, secret };
}

/** `<enable/>` (XEP-0357 §5) at the own server; `children` stand beside the form with the secret. */
export function enable({ jid, node, secret }: Credentials, ...children: readonly Element[]): Element {
  return el('enable', ns.push, { jid, node }, publishOptions({ secret }), ...children);
}

/** A summary as Prosody writes it, and whatever stands beside it. */
export function notification(
  summary: Readonly<Record<string, string>> | undefined,
  ...beside: readonly Element[]
): Element {
  const x = summary === undefined ? [] : [form('form', { FORM_TYPE: ns.pushSummary, ...summary })];
  return el('notification', ns.push, {}, ...x, ...beside);
}

/** A publish (XEP-0357 §7); `secret` undefined: there are no publish options. */
export function publish(
  node: string | undefined,
  secret: string | undefined,
  content: Element = notification({ 'message-count': '1', 'last-message-body': 'New Message!' }),
): Element {
  const options =
    secret === undefined ? [] : [el('publish-options', ns.pubsub, {}, publishOptions({ secret }))];
  return el(
    'pubsub',
    ns.pubsub,
    {},
    el('publish', ns.pubsub, { node }, el('item', ns.pubsub, {}, content)),
    ...options,
  );
}

const publishOptions = (options: Readonly<Record<string, string>>): Element =>
  form('submit', { FORM_TYPE: ns.publishOptions, ...options });

function form(type: DataForm['type'], fields: Readonly<Record<string, string>>): Element {
  return formToElement({
    type,
    fields: Object.entries(fields).map(([name, value]) => ({ var: name, values: [value] })),
  });
}
