import { randomBytes } from 'node:crypto';
import type { Host } from '../../src/hosts/host.js';
import { createAccountHost } from '../../src/hosts/standalone/account-host.js';
import { type Core, createCore } from '../../src/hosts/standalone/core.js';
import { systemClock } from '../../src/hosts/system-clock.js';
import type { Element } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { memoryServerStores } from '../harness/memory-server-stores.js';
import { waitFor } from '../harness/net.js';
import { recordingEvents } from '../harness/recording-events.js';
import { testSettings } from '../harness/settings.js';
import { type HostHarness, hostContract } from './host.contract.js';

/** The server's core without sockets; who is at other servers is the test. */
async function makeHarness(hostOf: (core: Core) => Host): Promise<HostHarness> {
  const { events, recorded } = recordingEvents();
  const sent: Element[] = [];
  const core = createCore({
    domain: Jid.parse('example.org'),
    settings: testSettings,
    stores: memoryServerStores(),
    events,
    clock: systemClock,
    now: Date.now,
    randomBytes,
    processId: 'p1',
    software: { name: 'Belfry', version: '1.2.3' },
    routeRemote: (stanza) => void sent.push(stanza),
  });
  return {
    host: hostOf(core),
    deliver: (stanza) => void core.server.route(stanza),
    take: (what, fits) => take(sent, what, fits),
    handlerFailures: () => recorded.flatMap((event) => (event.name === 'handlerFailed' ? [event.error] : [])),
    disconnect: () => core.stop(),
    close: () => core.stop(),
  };
}

async function take(sent: Element[], what: string, fits: (stanza: Element) => boolean): Promise<Element> {
  await waitFor(what, () => sent.some(fits));
  const [found] = sent.splice(sent.findIndex(fits), 1);
  if (found === undefined) throw new Error(`${what} has gone`);
  return found;
}

const ownDomain = (core: Core) => core.entity(core.server.domain);
const furtherDomain = (core: Core) => core.entity(Jid.parse('push.example.org'));

hostContract('the domain of the embedded server', () => makeHarness(ownDomain));
const withAccounts = (core: Core) => createAccountHost(core.server, ownDomain(core));

hostContract('a further domain of the embedded server', () => makeHarness(furtherDomain));
hostContract('the embedded server with its accounts', () => makeHarness(withAccounts));
