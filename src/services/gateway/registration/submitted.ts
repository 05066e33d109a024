import type { OutgoingUrl } from '../../../net/outgoing-url.js';
import type { Subscription } from '../../../web-push/subscription.js';
import type { DataForm } from '../../../xmpp/data-form.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { commandError } from '../../ad-hoc/command-error.js';
import { readOffered } from '../../subscriptions/offered.js';

/** What a client registers. */
export interface SubmittedRegistration {
  readonly subscription: Subscription;
  readonly device: string;
  readonly onlyImportant: boolean;
}

const maxDeviceBytes = 256;

/**
 * Reads the form of a registration. What is in it that nobody here knows is passed over.
 * @throws {StanzaError} if a field is missing, or is not what it should be
 */
export function readRegistration(
  form: DataForm,
  parseUrl: (text: string) => OutgoingUrl,
): SubmittedRegistration {
  const texts = {
    endpoint: requiredText(form, 'endpoint'),
    p256dh: requiredText(form, 'p256dh'),
    auth: requiredText(form, 'auth'),
  };
  const device = readDevice(form);
  const onlyImportant = readBoolean(form, 'important-only');
  return { subscription: readSubscription(texts, parseUrl), device, onlyImportant };
}

/**
 * The name of the device that a form is about.
 * @throws {StanzaError} if there is none, or it is too long
 */
export function readDevice(form: DataForm): string {
  const device = requiredText(form, 'device-id');
  if (Buffer.byteLength(device) <= maxDeviceBytes) return device;
  throw commandError('bad-payload', `The device-id has more than ${maxDeviceBytes} bytes.`);
}

function readSubscription(
  texts: Parameters<typeof readOffered>[0],
  parseUrl: (text: string) => OutgoingUrl,
): Subscription {
  try {
    return readOffered(texts, parseUrl);
  } catch (error) {
    const isFault = error instanceof StanzaError && error.condition === 'bad-request';
    throw isFault ? commandError('bad-payload', error.text) : error;
  }
}

function requiredText(form: DataForm, name: string): string {
  const text = readText(form, name);
  if (text === '') throw commandError('bad-payload', `The ${name} is missing.`);
  return text;
}

/** Empty, or as a boolean of XML Schema (XEP-0004 §3.3). */
function readBoolean(form: DataForm, name: string): boolean {
  const text = readText(form, name);
  if (text === '1' || text === 'true') return true;
  if (text === '' || text === '0' || text === 'false') return false;
  throw commandError('bad-payload', `The ${name} is true or false.`);
}

/** The one value of a field, without whitespace around it; empty if there is none. Of two, nobody knows which is meant. */
function readText(form: DataForm, name: string): string {
  const values = form.fields.flatMap((field) => (field.var === name ? field.values : []));
  if (values.length > 1) throw commandError('bad-payload', `There is more than one ${name}.`);
  return values[0]?.trim() ?? '';
}
