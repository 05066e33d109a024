import type { Events } from '../../observability/events.js';
import type { Jid } from '../../xmpp/jid.js';
import type { AccountEvent, AccountHost, AccountRequestHandler, AccountSession, Host } from '../host.js';
import type { Hook } from './hooks.js';
import type { AccountIqHandler, Server } from './module.js';
import { quietly } from './quietly.js';
import type { Session } from './session.js';

type HostedServer = Pick<
  Server,
  'accounts' | 'advertiseAccount' | 'events' | 'extendHibernation' | 'hooks' | 'isHibernating' | 'onAccountIq'
>;

/** The embedded server as a host that has accounts; `entity` is the domain that services speak as. */
export function createAccountHost(server: HostedServer, entity: Host): AccountHost {
  const { accounts, hooks, events } = server;
  const sessionsOf = (user: Jid) => accounts.loaded(user.bare().toString())?.sessions;
  /** The session, if it still is one of the server. */
  const find = (session: AccountSession): Session | undefined => {
    const found = sessionsOf(session.jid)?.get(session.jid.resource);
    return found === session ? found : undefined;
  };
  return {
    ...asHost(entity),
    get isConnected() {
      return entity.isConnected;
    },
    onAccountIq: (route, handler) => server.onAccountIq(route, 'owner', withoutSession(handler)),
    advertiseAccount: (advertisement) => server.advertiseAccount(advertisement),
    sessionsOf: (user) => [...(sessionsOf(user)?.values() ?? [])],
    isHibernating(session) {
      const found = find(session);
      return found !== undefined && server.isHibernating(found);
    },
    extendHibernation(session, seconds) {
      const found = find(session);
      return found !== undefined && server.extendHibernation(found, seconds);
    },
    offlineMessage: eventOf('offline message', byJid(hooks.offlineStored), events),
    archived: eventOf('archived message', byJid(hooks.archived), events),
    ackDelayed: eventOf('late acknowledgement', hooks.ackDelayed, events),
    hibernationStart: eventOf('start of hibernation', hooks.hibernationStart, events),
    hibernationQueued: eventOf('stanza for a sleeping session', hooks.hibernationQueued, events),
    hibernationEnd: eventOf('end of hibernation', hooks.hibernationEnd, events),
    accountRemoved: waitedFor('removed account', hooks.accountRemoved, events),
  };
}

function asHost(entity: Host): Omit<Host, 'isConnected'> {
  return {
    domain: entity.domain,
    onIq: (route, handler) => entity.onIq(route, handler),
    onPresence: (handler) => entity.onPresence(handler),
    sendIq: (iq, options) => entity.sendIq(iq, options),
    send: (stanza) => entity.send(stanza),
    advertise: (advertisement) => entity.advertise(advertisement),
  };
}

/** What services see of a request is plain data; the session and the account's state stay in the server. */
function withoutSession(handler: AccountRequestHandler): AccountIqHandler {
  return ({ type, id, from, to, payload, account }) =>
    handler({ type, id, from, to, payload, account: account.jid });
}

/** The hook with the account's address instead of the account. */
function byJid<Args extends readonly unknown[]>(
  hook: Hook<[account: { readonly jid: Jid }, ...Args]>,
): Pick<Hook<[account: Jid, ...Args]>, 'on'> {
  return { on: (listener) => hook.on((account, ...args) => listener(account.jid, ...args)) };
}

/** Listeners hear of it when it happens, and nobody waits until they are done with it. */
function eventOf<Args extends readonly unknown[], Given extends Args>(
  what: string,
  hook: Pick<Hook<Given>, 'on'>,
  events: Pick<Events, 'handlerFailed'>,
): AccountEvent<Args> {
  return { on: (listener) => hook.on((...args) => void quietly(events, what, () => listener(...args))) };
}

/** As `eventOf`, but the server goes on when the listeners are done. */
function waitedFor<Args extends readonly unknown[]>(
  what: string,
  hook: Pick<Hook<Args>, 'on'>,
  events: Pick<Events, 'handlerFailed'>,
): AccountEvent<Args> {
  return { on: (listener) => hook.on((...args) => quietly(events, what, () => listener(...args))) };
}
