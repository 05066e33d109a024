import { stanzaErrorFor } from '../../../errors.js';
import { isLoopback, networkOf } from '../../../net/ip-address.js';
import type { Events } from '../../../observability/events.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { errorReply, iqResult } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { AccountAdmin } from '../account-admin.js';
import type { Channel } from '../sasl/sasl.js';
import type { StandaloneSettings } from '../settings.js';
import { AttemptLimits } from './attempt-limits.js';
import { fieldOf, registerQuery, withPassword } from './register-form.js';

/** Attempts of one network and of all. */
export const registrations = { each: 10, inAll: 1_000, windowSeconds: 3_600 };

export interface OpenRegistrationOptions {
  readonly domain: Jid;
  /** Read at each request. */
  readonly settings: Pick<StandaloneSettings, 'registration'>;
  readonly accounts: Pick<AccountAdmin, 'create'>;
  readonly events: Pick<Events, 'handlerFailed'>;
}

/** Who asks, before it has authenticated. */
type Stranger = Pick<Channel, 'remoteAddress' | 'isPrivate'>;

/** Accounts that strangers make for themselves, before they authenticate (XEP-0077 §3.1.1). */
export class OpenRegistration {
  readonly #options: OpenRegistrationOptions;
  readonly #attempts = new AttemptLimits(registrations);

  constructor(options: OpenRegistrationOptions) {
    this.#options = options;
  }

  /** What streams offer to strangers at the moment. */
  features(): readonly Element[] {
    return this.#isOpen ? [el('register', ns.registerFeature)] : [];
  }

  /** Answers an IQ request with the whole reply; undefined if it is none about registration. Never rejects. */
  async answer(iq: Element, stranger: Stranger): Promise<Element | undefined> {
    const type = iq.attr('type');
    const query = iq.child('query', ns.register);
    if (query === undefined || (type !== 'get' && type !== 'set')) return undefined;
    try {
      this.#check(iq, stranger);
      if (type === 'get') return iqResult(iq, form());
      await this.#register(query, stranger);
      return iqResult(iq);
    } catch (error) {
      return errorReply(iq, this.#explain(error));
    }
  }

  get #isOpen(): boolean {
    return this.#options.settings.registration === 'open';
  }

  #check(iq: Element, { isPrivate }: Stranger): void {
    const to = iq.attr('to');
    const isForUs = to === undefined || Jid.tryParse(to)?.equals(this.#options.domain) === true;
    if (!this.#isOpen || !isForUs) throw new StanzaError('service-unavailable');
    if (!isPrivate) throw new StanzaError('not-authorized', 'Encrypt the connection first.');
    if ((iq.attr('id') ?? '') === '') throw new StanzaError('bad-request', 'A request has an id.');
  }

  async #register(query: Element, { remoteAddress: address }: Stranger): Promise<void> {
    const jid = this.#accountName(fieldOf(query, 'username') ?? '');
    const password = fieldOf(query, 'password') ?? '';
    // Behind a proxy on this machine everybody has its address.
    if (!(await this.#attempts.take(isLoopback(address) ? undefined : networkOf(address)))) {
      throw new StanzaError('resource-constraint', 'There were too many registrations. Try again later.');
    }
    const { accounts } = this.#options;
    const result = await withPassword(() => accounts.create(jid, password, 'registration', address));
    if (result === 'exists') throw new StanzaError('conflict', 'There is an account of that name.');
  }

  #accountName(username: string): Jid {
    const { domain } = this.#options.domain;
    const jid = Jid.tryParse(`${username}@${domain}`);
    if (jid !== undefined && !jid.isFull && jid.domain === domain) return jid;
    throw new StanzaError('not-acceptable', 'This cannot be the name of an account.');
  }

  #explain(error: unknown): StanzaError {
    if (error instanceof StanzaError) return error;
    this.#options.events.handlerFailed({ what: 'registration', error });
    return stanzaErrorFor('internal-error');
  }
}

function form(): Element {
  return registerQuery({
    instructions: 'Choose the name of your account and a password.',
    username: '',
    password: '',
  });
}
