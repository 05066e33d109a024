import { ns } from '../../../xmpp/ns.js';
import type { ServerModule } from '../module.js';

/** Pings without `to` or to an account (XEP-0199 §4.2); the domain answers for itself. */
export const ping: ServerModule = {
  name: 'ping',
  implements: [{ xep: '0199', version: '2.0.1' }],
  setup(server) {
    server.advertiseAccount({ features: [ns.ping] });
    server.onAccountIq({ type: 'get', ns: ns.ping, name: 'ping' }, 'subscribers', () => undefined);
  },
};
