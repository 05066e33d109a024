import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Distributor, startDistributor } from '../harness/distributor.js';
import { describeWithPeers } from '../harness/peer.js';
import { clientKinds } from '../harness/peers.js';
import { hasProsody, hasUnifiedPushModule, startProsody } from '../harness/prosody.js';
import { postPush } from '../harness/push-request.js';
import type { XmppServer } from '../harness/xmpp-server.js';

/** Proves the harness itself: the clients work with a provider that is not Belfry. */
describe.each(clientKinds)('mod_unified_push of Prosody with $name', ({ connect, isInstalled }) => {
  describeWithPeers(
    'baseline',
    { prosody: hasProsody, mod_unified_push: hasUnifiedPushModule, client: isInstalled },
    () => {
      let prosody: XmppServer;
      let device: Distributor;

      beforeAll(async () => {
        prosody = await startProsody({
          accounts: { 'ana@example.test': 'a-password' },
          unifiedPush: { 'up.example.test': 'unified_push_backend = "storage"' },
        });
        device = await startDistributor(connect, prosody, 'ana@example.test/phone');
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
