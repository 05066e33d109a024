import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import type { Server, ServerModule } from '../module.js';
import type { Session } from '../session.js';
import { HeldBack } from './held-back.js';

/** Clients say whether somebody looks at them. One that nobody looks at hears of what matters only. */
export const clientState: ServerModule = {
  name: 'client-state',
  implements: [{ xep: '0352', version: '1.0.0' }],
  setup(server) {
    server.offer(el('csi', ns.clientState));
    server.onNonza(ns.clientState, (session, { name }) => {
      if (name === 'active') becomeActive(session);
      else if (name === 'inactive') becomeInactive(session, server);
      else throw new StreamError('unsupported-stanza-type', 'A client is active or inactive.');
    });
    // A resumed stream begins active again (§5.2).
    server.hooks.hibernationEnd.on((session, how) => {
      if (how === 'resumed') becomeActive(session);
    });
  },
};

function becomeInactive(session: Session, server: Server): void {
  session.filter ??= new HeldBack(session, server);
}

/** What the connection does not take stays with the filter until the session ends, which the connection is about to. */
function becomeActive(session: Session): void {
  if (session.filter instanceof HeldBack && session.filter.flush()) session.filter = undefined;
}
