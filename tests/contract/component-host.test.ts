import { createComponentHost } from '../../src/hosts/component/component-host.js';
import { Jid } from '../../src/xmpp/jid.js';
import { FakeComponentServer } from '../harness/fake-component-server.js';
import { waitFor } from '../harness/net.js';
import { recordingEvents } from '../harness/recording-events.js';
import { type HostHarness, hostContract } from './host.contract.js';

async function makeHarness(): Promise<HostHarness> {
  const server = new FakeComponentServer();
  await server.start();
  const { events, recorded } = recordingEvents();
  const host = createComponentHost({
    jid: Jid.parse(server.domain),
    connect: { host: '127.0.0.1', port: server.port },
    secret: server.secret,
    processId: 'p1',
    software: { name: 'Belfry', version: '1.2.3' },
    events,
  });
  host.start();
  const connection = await server.connected();
  await waitFor('the host to be connected', () => host.isConnected);
  return {
    host,
    deliver: (stanza) => connection.send(stanza),
    take: (what, fits) => connection.take(what, fits),
    handlerFailures: () => recorded.flatMap((event) => (event.name === 'handlerFailed' ? [event.error] : [])),
    disconnect: async () => {
      await server.stop();
      await waitFor('the host to notice', () => !host.isConnected);
    },
    close: async () => {
      await host.stop();
      await server.stop();
    },
  };
}

hostContract('the component host', makeHarness);
