import type { Events } from '../../observability/events.js';
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
import { fullJid, sessionToReplace } from './bind.js';
import type { Hooks } from './hooks.js';
import { isOwn } from './judge.js';
import type { PresenceRules } from './presence/presence-rules.js';
import { quietly } from './quietly.js';
import type { Router } from './router.js';
import { type Entrance, Session, type SessionLink } from './session.js';
import { accountLimits, type StandaloneSettings } from './settings.js';
import { checkStanza, stamp } from './stamp.js';
import type { ClientWork } from './stream-management/client-work.js';
import { type EndOfWait, ManagedLink } from './stream-management/managed-link.js';
import { StreamManagement, type StreamManagementOptions } from './stream-management/stream-management.js';

type Done = void | Promise<void>;

export interface EntranceOptions extends Omit<StreamManagementOptions, 'isCurrent' | 'finish'> {
  readonly domain: Jid;
  readonly settings: Pick<StandaloneSettings, 'maxSessionsPerAccount' | 'smacks'>;
  readonly accounts: AccountCache;
  readonly router: Router;
  readonly hooks: Pick<Hooks, 'outgoing' | 'sessionBound' | 'sessionEnded'> &
    StreamManagementOptions['hooks'];
  readonly events: Pick<Events, 'sessionStarted' | 'sessionEnded'> & StreamManagementOptions['events'];
  readonly presence: () => PresenceRules;
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
  readonly #management: StreamManagement;
  /** Bound, and not over. */
  readonly #open = new Set<Session>();
  /** Over, but what they left behind is still to be placed. */
  readonly #ending = new Set<Session>();
  #isStopped = false;
  #onLastGone: (() => void) | undefined;

  constructor(options: EntranceOptions) {
    this.#options = options;
    this.#accounts = options.accounts;
    this.#router = options.router;
    this.#management = new StreamManagement({
      ...options,
      isCurrent: (session) => this.#isCurrent(session),
      finish: (link, how) => void this.#finishManaged(link, [], how),
    });
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
    await quietly(this.#options.events, 'sessionBound', () => this.#options.hooks.sessionBound.run(session));
    this.#options.events.sessionStarted({ jid: session.account.jid.toString(), transport: link.transport });
    return session;
  }

  resume(account: AccountIdentity, request: Element, link: SessionLink): Promise<Session | undefined> {
    return this.#management.resume(account, request, link);
  }

  /** As `Server.isHibernating`. */
  isHibernating({ link }: Session): boolean {
    return link instanceof ManagedLink && link.isHibernating;
  }

  /** As `Server.extendHibernation`. */
  extendHibernation(session: Session, seconds: number): boolean {
    return this.#management.extend(session, seconds);
  }

  /** As `Server.takeSilentForLate`. */
  takeSilentForLate(): void {
    this.#management.takeSilentForLate();
  }

  /** As `Server.endExtension`. */
  endExtension(session: Session): boolean {
    return this.#management.endExtension(session);
  }

  get features(): readonly Element[] {
    return this.#options.offered;
  }

  receive(session: Session, stanza: Element): Done {
    if (!this.#isCurrent(session)) return;
    if (stanza.ns !== ns.client) {
      if (stanza.ns === ns.streamManagement) return this.#management.take(session, stanza);
      const nonza = this.#options.nonza(stanza.ns);
      if (nonza !== undefined) return nonza(session, stanza);
    }
    checkStanza(session, stanza);
    const { link } = session;
    return link instanceof ManagedLink
      ? this.#handleCounted(session, link.work, stanza)
      : this.#handle(session, stanza);
  }

  unbind(session: Session, link: SessionLink, undelivered: readonly Element[], isFinal: boolean): Done {
    if (!this.#open.has(session)) return;
    const { link: current } = session;
    if (!(current instanceof ManagedLink)) return this.#finish(session, undelivered);
    if (current.connection !== link) return;
    const mayWait = !isFinal && !this.#isStopped && this.#isCurrent(session);
    if (mayWait && this.#management.hibernate(current, undelivered)) return;
    return this.#finishManaged(current, undelivered, 'ended');
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
    this.#management.stop();
    if (this.#isEmpty) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(this.#options.stopWithin, resolve);
      this.#onLastGone = () => {
        cancel();
        resolve();
      };
    });
  }

  get #isEmpty(): boolean {
    return this.#open.size === 0 && this.#ending.size === 0;
  }

  #finishManaged(link: ManagedLink, undelivered: readonly Element[], how: EndOfWait): Promise<void> {
    return this.#finish(link.session, [...undelivered, ...this.#management.release(link, how)]);
  }

  /** The session is over: what it was given and did not get goes elsewhere. */
  async #finish(session: Session, undelivered: readonly Element[]): Promise<void> {
    if (!this.#open.delete(session)) return;
    this.#ending.add(session);
    const wasThere = this.#accounts.leave(session);
    const left = [...undelivered, ...(session.filter?.takeHeld() ?? [])];
    const placed = this.#router.undelivered(left, session);
    if (wasThere) await this.#sayGone(session);
    await quietly(this.#options.events, 'sessionEnded', () => this.#options.hooks.sessionEnded.run(session));
    this.#options.events.sessionEnded({
      jid: session.account.jid.toString(),
      transport: session.link.transport,
      lost: left.length,
    });
    await placed;
    this.#ending.delete(session);
    if (this.#isEmpty) this.#onLastGone?.();
  }

  #enter(
    account: Account | undefined,
    jid: Jid,
    link: SessionLink,
  ): { readonly session: Session; readonly replaced: Session | undefined } {
    if (this.#isStopped) throw new StanzaError('service-unavailable', 'The server is shutting down.');
    if (account === undefined) throw new StanzaError('item-not-found', 'There is no such account.');
    const { maxSessionsPerAccount } = this.#options.settings;
    const replaced = sessionToReplace(account, jid.resource, maxSessionsPerAccount);
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

  /**
   * The client is told how many of its stanzas were handled, so they need not be waited for one by one. What is no message
   * waits for the messages before it: whatever is answered then implies that they were stored.
   */
  #handleCounted(session: Session, work: ClientWork, stanza: Element): Done {
    work.begin();
    if (stanza.name === 'message') {
      const done = this.#handle(session, stanza);
      return done && work.track(done);
    }
    const before = work.settled();
    const done =
      before === undefined ? this.#handle(session, stanza) : before.then(() => this.#handle(session, stanza));
    if (done !== undefined) void work.track(done);
    return done;
  }

  #handle(session: Session, stanza: Element): Done {
    if (isTooLarge(stanza)) return this.#answer(session, stanza, tooLarge());
    const address = stanza.attr('to');
    if (address === undefined) return this.#toSelf(session, stanza);
    const to = this.#router.address(address);
    if (to === undefined) return this.#answer(session, stanza, new StanzaError('jid-malformed'));
    return this.#send(session, stamp(session, stanza, to.toString()), to);
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

  #sayGone(session: Session): Done {
    const what = 'presence of a session that has gone';
    return quietly(this.#options.events, what, () => this.#options.presence().gone(session));
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
