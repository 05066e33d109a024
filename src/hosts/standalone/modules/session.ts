import { ns } from '../../../xmpp/ns.js';
import type { ServerModule } from '../module.js';

/**
 * The session of RFC 3921 §3, which means nothing since RFC 6121; older clients still ask for it, of the domain or of
 * nobody in particular.
 */
export const session: ServerModule = {
  name: 'session',
  implements: [],
  setup(server) {
    const route = { type: 'set', ns: ns.session, name: 'session' } as const;
    server.onDomainIq(route, () => undefined);
    server.onAccountIq(route, 'owner', () => undefined);
  },
};
