import { discoInfoQuery, discoItemsQuery } from '../../../xmpp/disco.js';
import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { withoutNode } from '../../entity/own-services.js';
import type { ServerModule } from '../module.js';

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
    const answer = (namespace: string, query: () => Element) =>
      server.onAccountIq({ type: 'get', ns: namespace, name: 'query' }, 'subscribers', withoutNode(query));
    answer(ns.discoInfo, () => discoInfoQuery(server.accountInfo()));
    answer(ns.discoItems, () => discoItemsQuery([]));
  },
};
