import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectClient, type Distributor, startDistributor } from '../harness/distributor.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody, hasUnifiedPushModule, startProsody } from '../harness/prosody.js';
import { postPush } from '../harness/push-request.js';
import { connectSlixmpp, hasSlixmpp } from '../harness/slixmpp-client.js';
import { connectXmppJs } from '../harness/xmpp-js-client.js';
import type { XmppServer } from '../harness/xmpp-server.js';

const clients: readonly [string, ConnectClient, boolean][] = [
  ['slixmpp', connectSlixmpp, hasSlixmpp],
  ['xmpp.js', connectXmppJs, true],
];

/** Proves the harness itself: the clients work with a provider that is not Belfry. */
describe.each(clients)('mod_unified_push of Prosody with %s', (_name, connect, isInstalled) => {
  describeWithPeers(
    'baseline',
    { prosody: hasProsody, mod_unified_push: hasUnifiedPushModule, client: isInstalled },
    () => {
      let prosody: XmppServer;
      let device: Distributor;

      beforeAll(async () => {
        prosody = await startProsody({
          domain: 'example.test',
          users: { ana: 'a-password' },
          unifiedPush: { 'up.example.test': 'unified_push_backend = "storage"' },
        });
        const account = { user: 'ana', password: 'a-password', resource: 'phone' };
        device = await startDistributor(connect, {
          ...account,
          port: prosody.c2sPort,
          domain: prosody.domain,
        });
      });
      afterAll(async () => {
        await device?.disconnect();
        await prosody?.stop();
      });

      it('registers and receives a push', async () => {
        const { endpoint } = await device.register('up.example.test');
        const body = Buffer.from('hello');
        expect((await postPush(endpoint, body)).status).toBe(201);
        expect(device.pushes.at(-1)?.payload).toEqual(body);
      });

      it('is told why a registration fails', async () => {
        await expect(device.register('up.example.test', { instance: 'short' })).rejects.toMatchObject({
          condition: 'bad-request',
          type: 'modify',
        });
      });
    },
  );
});
