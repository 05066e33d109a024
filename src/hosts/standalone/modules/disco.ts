import { discoInfoQuery, discoItemsQuery } from '../../../xmpp/disco.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { AccountIqHandler, Server, ServerModule } from '../module.js';

/** Service discovery of accounts; the domain answers for itself, as every entity of ours does. */
export const disco: ServerModule = {
  name: 'disco',
  implements: [
    { xep: '0030', version: '2.5.0' },
    { xep: '0128', version: '1.0.1' },
  ],
  setup(server) {
    server.advertiseAccount({
      identities: [{ category: 'account', type: 'registered' }],
      features: [ns.discoInfo, ns.discoItems],
    });
    answer(server, ns.discoInfo, () => discoInfoQuery(server.accountInfo()));
    answer(server, ns.discoItems, () => discoItemsQuery([]));
  },
};

function answer(server: Server, namespace: string, handler: AccountIqHandler): void {
  server.onAccountIq({ type: 'get', ns: namespace, name: 'query' }, 'subscribers', (request) => {
    // There are no nodes here (XEP-0030 §7).
    if ((request.payload.attr('node') ?? '') !== '') throw new StanzaError('item-not-found');
    return handler(request);
  });
}
