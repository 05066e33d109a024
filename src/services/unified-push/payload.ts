import { type Element, el } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import type { PushPayload } from './push-payload.js';
import { isHash, type Registration } from './registration.js';

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
