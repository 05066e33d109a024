import { type Element, el } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import { isHash, type Registration } from './registration.js';

/** The largest body of a push in bytes (RFC 8030 §7.2: a push service takes at least these). */
const maxPushBytes = 4096;

declare const checked: unique symbol;

/** The body of a push that {@link parsePushPayload} let through: 1 to 4096 bytes. */
export type PushPayload = Uint8Array & { readonly [checked]: true };

function isPushPayload(body: Uint8Array): body is PushPayload {
  return body.length > 0 && body.length <= maxPushBytes;
}

/** The body of an HTTP push as a payload, or the code of what is wrong with it. */
export function parsePushPayload(body: Uint8Array): PushPayload | 'empty-body' | 'body-too-large' {
  if (isPushPayload(body)) return body;
  return body.length === 0 ? 'empty-body' : 'body-too-large';
}

type Hashes = Pick<Registration, 'application' | 'instance'>;

/**
 * The hashes of a `<register/>`, or a text that names the attribute and what is wrong with it. Attributes beyond these
 * two are left to extensions and ignored.
 */
export function readRegister(register: Element): Hashes | string {
  const [instance, application] = [register.attr('instance'), register.attr('application')];
  if (instance === undefined || !isHash(instance)) return `instance: ${whatIsWrong(instance)}`;
  if (application === undefined || !isHash(application)) return `application: ${whatIsWrong(application)}`;
  return { application, instance };
}

function whatIsWrong(value: string | undefined): string {
  if (value === undefined || value === '') return 'no value provided';
  const bytes = Buffer.from(value, 'base64');
  if (bytes.toString('base64') !== value) return 'invalid base64, expected the padded standard alphabet';
  return `incorrect decoded length ${bytes.length}, expected 32`;
}

/** The answer to a registration; the expiration in UTC to the second (XEP-0082 §3.2). */
export function registeredElement(endpoint: string, expiresAt: number): Element {
  const expiration = `${new Date(expiresAt * 1000).toISOString().slice(0, 19)}Z`;
  return el('registered', ns.unifiedPush, { endpoint, expiration });
}

/** A push as the device gets it: base64 without any white space, which clients refuse. */
export function pushElement({ application, instance }: Registration, payload: PushPayload): Element {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64');
  return el('push', ns.unifiedPush, { application, instance }, text);
}
