import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { AccountIq, Server, ServerModule } from '../module.js';

/** Message carbons: which sessions want them. Who delivers messages sends them (`carbons/carbon-copies.ts`). */
export const carbons: ServerModule = {
  name: 'carbons',
  implements: [
    { xep: '0280', version: '1.0.1' },
    { xep: '0297', version: '1.0', note: 'in carbons and in results of the archive' },
  ],
  setup(server) {
    const features = [ns.carbons, ns.carbonsRules];
    server.advertise({ features });
    server.advertiseAccount({ features });
    switchOn(server, 'enable', true);
    switchOn(server, 'disable', false);
  },
};

/** Asked for twice it is granted twice (XEP-0280 §11.1). */
function switchOn(server: Server, name: 'enable' | 'disable', wantsCarbons: boolean): void {
  server.onAccountIq({ type: 'set', ns: ns.carbons, name }, 'owner', ({ session }: AccountIq) => {
    if (session === undefined)
      throw new StanzaError('not-allowed', 'Carbons are for sessions of the account.');
    session.wantsCarbons = wantsCarbons;
    return undefined;
  });
}
