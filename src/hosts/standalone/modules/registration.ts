import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { IqRequest } from '../../host.js';
import type { AccountAdmin } from '../account-admin.js';
import type { Server, ServerModule } from '../module.js';
import type { Session } from '../session.js';
import { AttemptLimits } from './attempt-limits.js';
import { fieldOf, registerQuery, withPassword } from './register-form.js';

type Admin = Pick<AccountAdmin, 'setPassword' | 'remove'>;

/** Of each account: to make keys of a password is dear, and meant to be. */
export const passwordChanges = { each: 10, inAll: 10_000, windowSeconds: 600 };

/**
 * In-band registration for those who have an account: they see it, change its password, remove it. Clients ask the domain
 * or nobody in particular, and are answered alike. A session without encryption exists only where the operator lets
 * passwords travel in clear; so that is no question here.
 */
export function createRegistration(admin: Admin): ServerModule {
  return {
    name: 'registration',
    implements: [{ xep: '0077', version: '2.4', note: 'without data forms' }],
    setup(server) {
      const own = new OwnAccount(server, admin);
      server.advertise({ features: [ns.register] });
      for (const type of ['get', 'set'] as const) {
        const route = { type, ns: ns.register, name: 'query' };
        server.onAccountIq(route, 'owner', (request) => own.answer(request, request.session));
        server.onDomainIq(route, (request) => own.answerForDomain(request));
      }
    },
  };
}

/** What somebody may ask of the account that it has. */
class OwnAccount {
  readonly #server: Server;
  readonly #admin: Admin;
  readonly #changes = new AttemptLimits(passwordChanges);
  /** Who waits until an account is removed. */
  readonly #removals = new Map<string, () => void>();

  constructor(server: Server, admin: Admin) {
    this.#server = server;
    this.#admin = admin;
    server.hooks.accountRemoved.on((jid) => this.#removals.get(jid.toString())?.());
  }

  /** @throws {StanzaError} (also as rejection) */
  answer({ type, payload }: IqRequest, session: Session | undefined): Element | Promise<undefined> {
    if (session === undefined) throw new StanzaError('service-unavailable');
    if (type === 'get') return form(session.account.jid);
    if (payload.child('remove', ns.register) !== undefined) return this.#remove(session.account.jid, payload);
    return this.#changePassword(session.account.jid, payload);
  }

  /** As `answer`. Who has removed its account cannot be found any more by an answer of the domain's. */
  answerForDomain(request: IqRequest): Element | Promise<undefined> {
    const { from, to, id } = request;
    const account = this.#server.accounts.loaded(from.bare().toString());
    const session = account?.sessions.get(from.resource);
    const answer = this.answer(request, session);
    if (session === undefined || !(answer instanceof Promise)) return answer;
    return answer.then(() => {
      if (this.#server.accounts.loaded(from.bare().toString()) === account) return undefined;
      const attrs = { type: 'result', id, from: to.toString(), to: from.toString() };
      session.send(el('iq', ns.client, attrs));
      return undefined;
    });
  }

  async #changePassword(jid: Jid, query: Element): Promise<undefined> {
    const password = fieldOf(query, 'password');
    if (password === undefined) throw new StanzaError('bad-request', 'There is no new password.');
    checkUsername(jid, fieldOf(query, 'username'));
    if (!(await this.#changes.take(jid.toString()))) {
      throw new StanzaError('resource-constraint', 'The password was changed too often. Try again later.');
    }
    const isChanged = await withPassword(() => this.#admin.setPassword(jid, password, 'user'));
    if (!isChanged) throw new StanzaError('registration-required');
  }

  /** The account's sessions are ended a moment after its removal, and what else has to go may take longer than that. */
  async #remove(jid: Jid, query: Element): Promise<undefined> {
    if (query.elements().length > 1) throw new StanzaError('bad-request', 'Nothing stands beside <remove/>.');
    const key = jid.toString();
    try {
      const isRemoved = await new Promise<boolean>((resolve, reject) => {
        this.#removals.set(key, () => resolve(true));
        this.#admin.remove(jid, 'user').then(resolve, reject);
      });
      if (!isRemoved) throw new StanzaError('registration-required');
    } finally {
      this.#removals.delete(key);
    }
  }
}

function form({ local }: Jid): Element {
  return registerQuery({
    registered: '',
    instructions: 'This account exists. Send another password to change it, or remove the account.',
    username: local,
    password: '',
  });
}

/** Some clients leave it out. Another one would be a second account, which is not for sessions to make. */
function checkUsername(jid: Jid, username: string | undefined): void {
  if (username === undefined || Jid.tryParse(`${username}@${jid.domain}`)?.equals(jid) === true) return;
  throw new StanzaError('not-acceptable', 'This session belongs to another account.');
}
