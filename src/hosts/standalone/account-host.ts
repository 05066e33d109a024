import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import type { AccountEvent, AccountHost, AccountRequestHandler, AccountSession, Host } from '../host.js';
import { createAccountFacts } from './account-facts.js';
import type { Hook } from './hooks.js';
import type { AccountIqHandler, Server } from './module.js';
import { createOriginals, type Originals } from './originals.js';
import { quietly } from './quietly.js';
import type { Session } from './session.js';

type HostedServer = Pick<
  Server,
  | 'accounts'
  | 'advertiseAccount'
  | 'delays'
  | 'endExtension'
  | 'events'
  | 'extendHibernation'
  | 'handedOut'
  | 'hooks'
  | 'isHibernating'
  | 'onAccountIq'
  | 'takeSilentForLate'
>;

type EventNames =
  | 'received'
  | 'offlineMessage'
  | 'archived'
  | 'roomMessage'
  | 'subscriptionRequested'
  | 'ackDelayed'
  | 'hibernationStart'
  | 'hibernationQueued'
  | 'hibernationEnd'
  | 'sessionBegun'
  | 'accountRemoved';

/** The embedded server as a host that has accounts; `entity` is the domain that services speak as. */
export function createAccountHost(server: HostedServer, entity: Host): AccountHost {
  const originals = createOriginals(server);
  return {
    ...asHost(entity),
    get isConnected() {
      return entity.isConnected;
    },
    onAccountIq: (route, handler) => server.onAccountIq(route, 'owner', withoutSession(handler)),
    advertiseAccount: (advertisement) => server.advertiseAccount(advertisement),
    ...sessionsFor(server),
    originalOf: (stanza) => originals.of(stanza),
    ...createAccountFacts(server),
    ...eventsFor(server, originals),
  };
}

function asHost(entity: Host): Omit<Host, 'isConnected'> {
  return {
    domain: entity.domain,
    onIq: (route, handler) => entity.onIq(route, handler),
    onMessage: (route, handler) => entity.onMessage(route, handler),
    onPresence: (handler) => entity.onPresence(handler),
    sendIq: (iq, options) => entity.sendIq(iq, options),
    send: (stanza) => entity.send(stanza),
    advertise: (advertisement) => entity.advertise(advertisement),
  };
}

function sessionsFor(
  server: HostedServer,
): Pick<
  AccountHost,
  'sessionsOf' | 'isHibernating' | 'extendHibernation' | 'endExtension' | 'takeSilentForLate'
> {
  const sessionsOf = (user: Jid) => server.accounts.loaded(user.bare().toString())?.sessions;
  /** The session, if it still is one of the server. */
  const find = (session: AccountSession): Session | undefined => {
    const found = sessionsOf(session.jid)?.get(session.jid.resource);
    return found === session ? found : undefined;
  };
  return {
    sessionsOf: (user) => [...(sessionsOf(user)?.values() ?? [])],
    isHibernating(session) {
      const found = find(session);
      return found !== undefined && server.isHibernating(found);
    },
    extendHibernation(session, seconds) {
      const found = find(session);
      return found !== undefined && server.extendHibernation(found, seconds);
    },
    endExtension(session) {
      const found = find(session);
      return found !== undefined && server.endExtension(found);
    },
    takeSilentForLate: () => server.takeSilentForLate(),
  };
}

/** What was handed out of a store was told of when it was put there. */
function eventsFor({ hooks, events }: HostedServer, originals: Originals): Pick<AccountHost, EventNames> {
  const isNews = (stanza: Element) => !originals.isHandedOut(stanza);
  const news = (stanzas: readonly Element[]) => (stanzas.every(isNews) ? stanzas : stanzas.filter(isNews));
  const offlineStored = where(hooks.offlineStored, (_, stanza) => isNews(stanza));
  const queued = where(hooks.hibernationQueued, (_, stanza) => isNews(stanza));
  return {
    received: eventOf('received message', byJid(hooks.received), events),
    offlineMessage: eventOf('offline message', byJid(offlineStored), events),
    archived: eventOf('archived message', byJid(hooks.archived), events),
    roomMessage: eventOf('message of a room', hooks.roomMessage, events),
    subscriptionRequested: eventOf('subscription request', byJid(hooks.subscriptionRequested), events),
    ackDelayed: eventOf('late acknowledgement', withStanzas(hooks.ackDelayed, news), events),
    hibernationStart: eventOf('start of hibernation', withStanzas(hooks.hibernationStart, news), events),
    hibernationQueued: eventOf('stanza for a sleeping session', queued, events),
    hibernationEnd: eventOf('end of hibernation', hooks.hibernationEnd, events),
    sessionBegun: eventOf('bound session', hooks.sessionBound, events),
    accountRemoved: waitedFor('removed account', hooks.accountRemoved, events),
  };
}

/** What services see of a request is plain data; the session and the account's state stay in the server. */
function withoutSession(handler: AccountRequestHandler): AccountIqHandler {
  return ({ type, id, from, to, payload, account }) =>
    handler({ type, id, from, to, payload, account: account.jid });
}

type Source<Args extends readonly unknown[]> = Pick<Hook<Args>, 'on'>;

/** The hook with the account's address instead of the account. */
function byJid<Args extends readonly unknown[]>(
  hook: Source<[account: { readonly jid: Jid }, ...Args]>,
): Source<[account: Jid, ...Args]> {
  return { on: (listener) => hook.on((account, ...args) => listener(account.jid, ...args)) };
}

/** The hook, but only when this is so. */
function where<Args extends readonly unknown[]>(
  hook: Source<Args>,
  isSo: (...args: Args) => boolean,
): Source<Args> {
  return { on: (listener) => hook.on((...args) => (isSo(...args) ? listener(...args) : undefined)) };
}

/** The hook with some of the stanzas. */
function withStanzas(
  hook: Source<[session: Session, stanzas: readonly Element[]]>,
  some: (stanzas: readonly Element[]) => readonly Element[],
): Source<[session: Session, stanzas: readonly Element[]]> {
  return { on: (listener) => hook.on((session, stanzas) => listener(session, some(stanzas))) };
}

/** Listeners hear of it when it happens, and nobody waits until they are done with it. */
function eventOf<Args extends readonly unknown[], Given extends Args>(
  what: string,
  hook: Source<Given>,
  events: Pick<Events, 'handlerFailed'>,
): AccountEvent<Args> {
  return { on: (listener) => hook.on((...args) => void quietly(events, what, () => listener(...args))) };
}

/** As `eventOf`, but the server goes on when the listeners are done. */
function waitedFor<Args extends readonly unknown[]>(
  what: string,
  hook: Source<Args>,
  events: Pick<Events, 'handlerFailed'>,
): AccountEvent<Args> {
  return { on: (listener) => hook.on((...args) => quietly(events, what, () => listener(...args))) };
}
