import type { AccountHost, AccountSession } from '../../hosts/host.js';
import type { Registration } from './registrations/registration.js';

export interface ExtensionsOptions {
  readonly host: Pick<AccountHost, 'extendHibernation' | 'endExtension' | 'sessionsOf'>;
  /** That a session may wait for. */
  readonly seconds: () => number;
}

/**
 * Sessions that wait longer than others for their clients, because these will be told when there is a reason to come back. From
 * then on they wait as long as all.
 */
export interface Extensions {
  /** A session waits for a client which has a registration by which it can be told. */
  begin(session: AccountSession): void;
  /** The registration's client was told, or will not be: the registration rests, is gone, or is another client's. */
  end(registration: Pick<Registration, 'account' | 'client'>): void;
  /** The session waits no longer. */
  forget(session: AccountSession): void;
}

export function createExtensions({ host, seconds }: ExtensionsOptions): Extensions {
  const extended = new Set<AccountSession>();
  return {
    begin(session) {
      if (host.extendHibernation(session, seconds())) extended.add(session);
    },
    end({ account, client }) {
      if (extended.size === 0) return;
      for (const session of host.sessionsOf(account)) {
        if (session.jid.resource === client && extended.delete(session)) host.endExtension(session);
      }
    },
    forget: (session) => void extended.delete(session),
  };
}
