import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { serialize } from '../../xmpp/serialize.js';
import { errorReply } from '../../xmpp/stanza.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import { StreamError } from '../../xmpp/stream-error.js';
import { parseRequest } from '../entity/iq-dispatch.js';
import type { Account, AccountIdentity } from './account.js';
import type { AccountCache } from './account-cache.js';
import { checkSessionCount, fullJid } from './bind.js';
import type { Hooks } from './hooks.js';
import { isOwn } from './judge.js';
import type { PresenceRules } from './presence/presence-rules.js';
import type { Router } from './router.js';
import { type Entrance, Session, type SessionLink } from './session.js';
import { accountLimits, type StandaloneSettings } from './settings.js';
import { checkStanza, stamp } from './stamp.js';

type Done = void | Promise<void>;

export interface EntranceOptions {
  readonly domain: Jid;
  readonly settings: Pick<StandaloneSettings, 'maxSessionsPerAccount'>;
  readonly accounts: AccountCache;
  readonly router: Router;
  readonly hooks: Pick<Hooks, 'outgoing' | 'sessionBound' | 'sessionEnded'>;
  readonly events: Pick<Events, 'handlerFailed' | 'sessionStarted' | 'sessionEnded'>;
  readonly presence: () => PresenceRules;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Who takes elements of a namespace that are no stanzas. */
  readonly nonza: (namespace: string) => ((session: Session, element: Element) => Done) | undefined;
  /** Stream features of modules. */
  readonly offered: readonly Element[];
  /** Milliseconds that the end of all sessions may take. */
  readonly stopWithin: number;
}

/** The door for clients that have authenticated, and who is inside. */
export class Sessions implements Entrance {
  readonly #options: EntranceOptions;
  readonly #accounts: AccountCache;
  readonly #router: Router;
  /** Bound and not done with: their links live, or what these left behind is still to be placed. */
  readonly #open = new Set<Session>();
  #isStopped = false;
  #onLastGone: (() => void) | undefined;

  constructor(options: EntranceOptions) {
    this.#options = options;
    this.#accounts = options.accounts;
    this.#router = options.router;
  }

  async bind(account: AccountIdentity, resource: string | undefined, link: SessionLink): Promise<Session> {
    const jid = fullJid(account.jid, resource, this.#options.randomBytes);
    const { session, replaced } = await this.#accounts.with(account.jid, (found) =>
      this.#enter(found?.id === account.id ? found : undefined, jid, link),
    );
    if (replaced !== undefined) {
      replaced.link.end(new StreamError('conflict', 'Another session took this resource.'));
      await this.#sayGone(replaced);
    }
    await this.#quietly('sessionBound', () => this.#options.hooks.sessionBound.run(session));
    this.#options.events.sessionStarted({ jid: session.account.jid.toString(), transport: link.transport });
    return session;
  }

  get features(): readonly Element[] {
    return this.#options.offered;
  }

  receive(session: Session, stanza: Element): Done {
    if (!this.#isCurrent(session)) return;
    const nonza = stanza.ns === ns.client ? undefined : this.#options.nonza(stanza.ns);
    if (nonza !== undefined) return nonza(session, stanza);
    checkStanza(session, stanza);
    if (isTooLarge(stanza)) return this.#answer(session, stanza, tooLarge());
    const address = stanza.attr('to');
    if (address === undefined) return this.#toSelf(session, stanza);
    const to = this.#router.address(address);
    if (to === undefined) return this.#answer(session, stanza, new StanzaError('jid-malformed'));
    return this.#send(session, stamp(session, stanza, to.toString()), to);
  }

  async unbind(session: Session, undelivered: readonly Element[]): Promise<void> {
    if (!this.#open.has(session)) return;
    const wasThere = this.#accounts.leave(session);
    const placed = this.#router.undelivered(undelivered, session);
    if (wasThere) await this.#sayGone(session);
    await this.#quietly('sessionEnded', () => this.#options.hooks.sessionEnded.run(session));
    this.#options.events.sessionEnded({
      jid: session.account.jid.toString(),
      transport: session.link.transport,
      lost: undelivered.length,
    });
    await placed;
    this.#open.delete(session);
    if (this.#open.size === 0) this.#onLastGone?.();
  }

  /**
   * Takes the sessions of an account that was removed away from it, now; their connections end a moment later, so that
   * the one that asked for it can still be answered.
   */
  async expel(account: Account): Promise<void> {
    const sessions = [...account.sessions.values()].filter((session) => this.#accounts.leave(session));
    this.#options.clock.after(0, () => {
      for (const { link } of sessions)
        link.end(new StreamError('not-authorized', 'The account was removed.'));
    });
    for (const session of sessions) await this.#sayGone(session);
  }

  /** Ends all sessions; resolves when what they left behind is placed, or when that takes too long. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { link } of [...this.#open]) link.end(new StreamError('system-shutdown'));
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(this.#options.stopWithin, resolve);
      this.#onLastGone = () => {
        cancel();
        resolve();
      };
    });
  }

  #enter(
    account: Account | undefined,
    jid: Jid,
    link: SessionLink,
  ): { readonly session: Session; readonly replaced: Session | undefined } {
    if (this.#isStopped) throw new StanzaError('service-unavailable', 'The server is shutting down.');
    if (account === undefined) throw new StanzaError('item-not-found', 'There is no such account.');
    checkSessionCount(account, jid.resource, this.#options.settings.maxSessionsPerAccount);
    const replaced = account.sessions.get(jid.resource);
    if (replaced !== undefined) this.#accounts.leave(replaced);
    const session = new Session(account, jid, link);
    this.#accounts.enter(session);
    this.#open.add(session);
    return { session, replaced };
  }

  /** False once another session has its place or its account has gone: nothing that it says counts any more. */
  #isCurrent(session: Session): boolean {
    return this.#accounts.session(session.jid.toString()) === session;
  }

  /** A stanza without `to` is the account's (RFC 6120 §10.3). */
  #toSelf(session: Session, stanza: Element): Done {
    const self = session.account.jid;
    if (stanza.name === 'presence') return this.#broadcast(session, stamp(session, stanza, undefined));
    if (stanza.name === 'iq') return this.#send(session, stamp(session, stanza, undefined), self);
    return this.#send(session, stamp(session, stanza, self.toString()), self);
  }

  #broadcast(session: Session, stanza: Element): Done {
    const type = stanza.attr('type');
    if (type === undefined || type === 'unavailable') {
      return this.#guard(session, stanza, () => this.#options.presence().broadcast(session, stanza));
    }
    this.#answer(session, stanza, new StanzaError('bad-request', 'Presence of this type has an address.'));
  }

  #send(session: Session, stanza: Element, to: Jid): Done {
    const refusal = this.#refusal(session, stanza, to);
    if (refusal !== undefined) return this.#answer(session, stanza, refusal);
    if (stanza.name === 'message') return this.#router.deliverFrom(session, stanza, to);
    if (stanza.name === 'iq') return this.#router.deliver(stanza, session.jid, to);
    return this.#guard(session, stanza, () => this.#options.presence().outbound(session, stanza, to));
  }

  /** Why the session may not send this. What it says to its own account is nobody else's business. */
  #refusal(session: Session, stanza: Element, to: Jid): StanzaError | undefined {
    if (stanza.name === 'iq') {
      const flaw = flawOf(stanza, session.jid, to);
      if (flaw !== undefined) return flaw;
    }
    return isOwn(to, session.account.jid) ? undefined : this.#options.hooks.outgoing.ask(session, stanza, to);
  }

  /** Answers a stanza of the session itself. An address that is none cannot answer: the server does. */
  #answer(session: Session, stanza: Element, error: StanzaError): void {
    const reply = errorReply(stanza, error);
    if (reply === undefined) return;
    const from = error.condition === 'jid-malformed' ? this.#options.domain.toString() : reply.attr('from');
    session.send(reply.withAttrs({ from, to: session.jid.toString() }));
  }

  #guard(session: Session, stanza: Element, action: () => Done): Done {
    return this.#router.guard(action, (error) => this.#answer(session, stanza, error), stanza);
  }

  #sayGone(session: Session): Promise<void> {
    return this.#quietly('presence of a session that has gone', () => this.#options.presence().gone(session));
  }

  async #quietly(what: string, action: () => Done): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#options.events.handlerFailed({ what, error });
    }
  }
}

/** Other stanzas go to one account each, and do not stay. */
function isTooLarge(stanza: Element): boolean {
  if (stanza.name !== 'presence') return false;
  return Buffer.byteLength(serialize(stanza, ns.client)) > accountLimits.presenceBytes;
}

const tooLarge = () =>
  new StanzaError('policy-violation', `Presence has at most ${accountLimits.presenceBytes} bytes.`);

function flawOf(stanza: Element, from: Jid, to: Jid): StanzaError | undefined {
  const type = stanza.attr('type');
  if (type === 'result' || type === 'error') return undefined;
  const request = parseRequest(stanza, from, to);
  return request instanceof StanzaError ? request : undefined;
}
