import { prepareDomain } from './domain.js';
import { PreparationError, prepareOpaqueString, prepareUsername } from './precis.js';

/** Why a text is no JID. The message names the part and the reason, and of the text at most one code point. */
export class JidError extends Error {
  override readonly name = 'JidError';
}

/** The most bytes of UTF-8 in a part after preparation (RFC 7622 §3.2, §3.3, §3.4). */
const maxPartBytes = 1023;

/**
 * The most UTF-16 units in a part before preparation. Preparation shrinks a text, but never fourfold: what is longer
 * cannot become valid and is not worth the work.
 */
const maxRawLength = 4 * maxPartBytes;

/** ASCII that the UsernameCaseMapped profile allows, without upper case and without what RFC 7622 §3.3.1 excludes. */
const plainLocal = /^[!#$%()*+,\-.0-9;=?[\\\]^_`a-z{|}~]{1,1023}$/;
const excludedFromLocal = /["&'/:<>@]/;
const plainResource = /^[ -~]{1,1023}$/;

/**
 * An address (RFC 7622), always in its prepared form, so that two JIDs are the same address if and only if their
 * strings are equal. Immutable.
 */
export class Jid {
  /** The localpart; the empty string for none. */
  readonly local: string;
  /** The domainpart: a domain with U-labels in lower case, an IPv4 address, or an IPv6 address in brackets. */
  readonly domain: string;
  /** The resourcepart; the empty string for none. */
  readonly resource: string;
  readonly #text: string;
  #bare: Jid | undefined;

  private constructor(local: string, domain: string, resource: string) {
    this.local = local;
    this.domain = domain;
    this.resource = resource;
    const bareText = local === '' ? domain : `${local}@${domain}`;
    this.#text = resource === '' ? bareText : `${bareText}/${resource}`;
  }

  /**
   * Reads and prepares an address (RFC 7622 §3.1: the resourcepart begins at the first `/`, the localpart ends at the
   * first `@` before it).
   * @throws {JidError} if it is none
   */
  static parse(text: string): Jid {
    const slash = text.indexOf('/');
    const bareEnd = slash === -1 ? text.length : slash;
    const at = text.indexOf('@');
    const hasLocal = at !== -1 && at < bareEnd;
    return new Jid(
      hasLocal ? localpart(text.slice(0, at)) : '',
      domainpart(text.slice(hasLocal ? at + 1 : 0, bareEnd)),
      slash === -1 ? '' : resourcepart(text.slice(slash + 1)),
    );
  }

  /** As {@link Jid.parse}, but undefined for what is no address, and for undefined. */
  static tryParse(text: string | undefined): Jid | undefined {
    if (text === undefined) return undefined;
    try {
      return Jid.parse(text);
    } catch (error) {
      if (error instanceof JidError) return undefined;
      throw error;
    }
  }

  /**
   * Puts an address together from its parts, which are prepared here; the empty string means that a part is absent.
   * @throws {JidError} if a part is invalid
   */
  static of(local: string, domain: string, resource = ''): Jid {
    return new Jid(
      local === '' ? '' : localpart(local),
      domainpart(domain),
      resource === '' ? '' : resourcepart(resource),
    );
  }

  /** True if there is a resourcepart. */
  get isFull(): boolean {
    return this.resource !== '';
  }

  /** True if there is neither localpart nor resourcepart. */
  get isDomain(): boolean {
    return this.local === '' && this.resource === '';
  }

  /** The address without its resourcepart. */
  bare(): Jid {
    if (!this.isFull) return this;
    this.#bare ??= new Jid(this.local, this.domain, '');
    return this.#bare;
  }

  equals(other: Jid): boolean {
    return this.#text === other.#text;
  }

  toString(): string {
    return this.#text;
  }
}

/** The bare JID of an address that is prepared already, as those of stanzas are here: its text up to the resource. */
export function bareOf(address: string): string {
  const slash = address.indexOf('/');
  return slash === -1 ? address : address.slice(0, slash);
}

function localpart(text: string): string {
  if (plainLocal.test(text)) return text;
  const prepared = preparePart('localpart', text, prepareUsername);
  if (excludedFromLocal.test(prepared)) {
    throw new JidError('the localpart holds a character that RFC 7622 excludes');
  }
  return prepared;
}

function domainpart(text: string): string {
  return preparePart('domainpart', text, prepareDomain);
}

function resourcepart(text: string): string {
  return plainResource.test(text) ? text : preparePart('resourcepart', text, prepareOpaqueString);
}

function preparePart(part: string, text: string, prepare: (text: string) => string): string {
  if (text === '') throw new JidError(`the ${part} is empty`);
  const prepared = text.length > maxRawLength ? undefined : attempt(part, text, prepare);
  if (prepared === undefined || Buffer.byteLength(prepared) > maxPartBytes) {
    throw new JidError(`the ${part} is longer than ${maxPartBytes} bytes`);
  }
  return prepared;
}

function attempt(part: string, text: string, prepare: (text: string) => string): string {
  try {
    return prepare(text);
  } catch (error) {
    if (error instanceof PreparationError)
      throw new JidError(`the ${part} ${error.message}`, { cause: error });
    throw error;
  }
}
