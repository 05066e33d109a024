import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import type { ServerModule } from '../module.js';

/** The server's clock, always in UTC: its time zone is nobody's business. */
export const time: ServerModule = {
  name: 'time',
  implements: [{ xep: '0202', version: '2.0' }],
  setup(server) {
    const route = { type: 'get', ns: ns.time, name: 'time' } as const;
    const answer = () => timeElement(server.now());
    server.advertise({ features: [ns.time] });
    server.advertiseAccount({ features: [ns.time] });
    server.onDomainIq(route, answer);
    server.onAccountIq(route, 'subscribers', answer);
  },
};

function timeElement(now: number) {
  return el(
    'time',
    ns.time,
    {},
    el('tzo', ns.time, {}, '+00:00'),
    el('utc', ns.time, {}, new Date(now).toISOString()),
  );
}
