import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { createComponentHost } from '../src/hosts/component/component-host.js';
import { systemClock } from '../src/hosts/system-clock.js';
import { createGuard } from '../src/net/guard.js';
import { createCredentials } from '../src/services/gateway/credentials.js';
import { createGateway } from '../src/services/gateway/service.js';
import type { WebPush } from '../src/services/web-push/web-push.js';
import { el } from '../src/xmpp/element.js';
import { Jid } from '../src/xmpp/jid.js';
import { ns } from '../src/xmpp/ns.js';
import { FakeComponentServer } from './harness/fake-component-server.js';
import { FakeWebPush } from './harness/fake-web-push.js';
import { publish } from './harness/gateway/requests.js';
import { MemoryGatewayStore } from './harness/memory-gateway-store.js';
import { waitFor } from './harness/net.js';
import { recordingEvents } from './harness/recording-events.js';

const key = randomBytes(32);

/** Web Push whose push services never answer: what waits for them goes to the disk when that is over. */
function hangingWebPush() {
  const fake = new FakeWebPush();
  let hanging = 0;
  const push: WebPush['push'] = (_subscription, _message, _sender, signal) => {
    hanging++;
    return new Promise((resolve) =>
      signal.addEventListener('abort', () => resolve({ kind: 'queued', reason: 'aborted' })),
    );
  };
  return { webPush: Object.assign(fake, { push }), hanging: () => hanging };
}

it('answers what waits for push services before its connection ends', async () => {
  const server = new FakeComponentServer();
  await server.start();
  onTestFinished(() => server.stop());
  const { events } = recordingEvents();
  const host = createComponentHost({
    jid: Jid.parse(server.domain),
    connect: { host: '127.0.0.1', port: server.port },
    secret: server.secret,
    processId: 'p1',
    software: { name: 'Belfry', version: '1.2.3' },
    events,
  });
  const store = new MemoryGatewayStore();
  const { webPush, hanging } = hangingWebPush();
  const gateway = createGateway({
    ...{ host, store, webPush, key, randomBytes, events, clock: systemClock, now: Date.now },
    guard: createGuard({ allowPrivateNetworks: false }),
    acl: [Jid.parse('example.org')],
    settings: () => ({ maxDevices: 10, rateLimit: 0, ttl: 1_000 }),
  });
  const credentials = createCredentials({ key, randomBytes });
  const node = credentials.createNode();
  const endpoint = 'https://updates.example.net/x';
  const keys = { p256dh: new Uint8Array(65), auth: new Uint8Array(16) };
  const registration = { node, account: 'ana@example.org', device: 'd', endpoint, ...keys };
  await store.save({ ...registration, onlyImportant: false, renewedAt: 0 }, 10);
  host.start();
  const connection = await server.connected();
  await waitFor('the host', () => host.isConnected);

  const ids = ['a', 'b', 'c'];
  const attrs = { type: 'set', from: 'example.org', to: server.domain };
  const payload = publish(node, credentials.secretOf(node));
  for (const id of ids) connection.send(el('iq', ns.client, { ...attrs, id }, payload));
  await waitFor('the publishes', () => hanging() === ids.length);
  await gateway.stop();
  await host.stop();

  const answers = connection.stanzas.map((stanza) => `${stanza.attr('type')} ${stanza.attr('id')}`);
  expect(answers).toEqual(ids.map((id) => `result ${id}`));
});
