import { type StanzaErrorCode, stanzaErrorFor } from '../../errors.js';
import type { IqRequest } from '../../hosts/host.js';
import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import type { StanzaError } from '../../xmpp/stanza-error.js';
import type { Acl } from '../acl.js';
import { readRegister, registeredElement } from './payload.js';
import type { Registration } from './registration.js';
import type { Tokens } from './tokens/tokens.js';

export interface RegisterOptions {
  readonly tokens: Tokens;
  /** The list of the moment. */
  readonly acl: () => Acl;
  /** Absolute URL without trailing slash under which `/push/…` is reached from outside; may have a path prefix. */
  readonly publicUrl: string;
  /** Seconds that a registration lasts. */
  readonly registrationTtl: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: Events;
}

/** The longest endpoint in bytes that an application has to take (UnifiedPush AND_3). */
const maxEndpointBytes = 1000;

/** The handler of `<register/>`: checks who asks and for what, and answers with an endpoint. */
export function createRegister(options: RegisterOptions): (request: IqRequest) => Promise<Element> {
  const { acl, registrationTtl, now, events } = options;

  function refuse(request: IqRequest, code: StanzaErrorCode, detail?: string): StanzaError {
    events.registrationRefused({ jid: request.from.bare().toString(), code });
    return stanzaErrorFor(code, detail);
  }

  function readRegistration(request: IqRequest): Registration {
    const { from, payload } = request;
    if (!acl()(from)) throw refuse(request, 'not-permitted');
    if (!from.isFull) throw refuse(request, 'not-a-full-jid');
    const hashes = readRegister(payload);
    if (typeof hashes === 'string') throw refuse(request, 'bad-hash', hashes);
    return { jid: from, ...hashes, expiresAt: Math.floor(now() / 1000) + registrationTtl };
  }

  async function mint(request: IqRequest, registration: Registration): Promise<string> {
    let token: string | undefined;
    try {
      token = await options.tokens.mint(registration);
    } catch (error) {
      events.storageFailed({ what: 'unified-push registration', error });
      throw refuse(request, 'storage-failed');
    }
    if (token === undefined) throw refuse(request, 'too-many-registrations');
    return token;
  }

  return async (request) => {
    const registration = readRegistration(request);
    const endpoint = endpointOf(options.publicUrl, await mint(request, registration));
    if (Buffer.byteLength(endpoint) > maxEndpointBytes) throw refuse(request, 'endpoint-too-long');
    const { jid, expiresAt } = registration;
    events.registered({ jid: jid.bare().toString(), backend: options.tokens.backend, expiresAt });
    return registeredElement(endpoint, expiresAt);
  };
}

/** A token needs no escaping: it has only letters, digits, `-`, `_` and `.`. */
function endpointOf(publicUrl: string, token: string): string {
  return `${publicUrl}/push/${token}`;
}
