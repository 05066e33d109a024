import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Belfry } from '../harness/belfry.js';
import type { Distributor } from '../harness/distributor.js';
import { createWorld, jwtSecret, type World } from '../harness/interop.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody, hasUnifiedPushModule, type ProsodyOptions, startProsody } from '../harness/prosody.js';
import { postPush } from '../harness/push-request.js';
import { connectXmppJs } from '../harness/xmpp-js-client.js';

const peers = { prosody: hasProsody, mod_unified_push: hasUnifiedPushModule };

/** An operator who changes from mod_unified_push to Belfry takes the secret along, and no endpoint dies. */
describeWithPeers('JWTs of mod_unified_push and of belfry', peers, () => {
  const modJid = 'up.example.test';
  let world: World;
  let belfry: Belfry;
  let device: Distributor;
  beforeAll(async () => {
    world = await createWorld<ProsodyOptions>(startProsody, ['push'], {
      unifiedPush: {
        [modJid]: `unified_push_backend = "jwt"; unified_push_secret = ${JSON.stringify(jwtSecret)}`,
      },
    });
    belfry = await world.belfry('push', 'jwt');
    device = await world.device(connectXmppJs, 'ana@example.test/phone');
  });
  afterAll(() => world?.close());

  const tokenOf = (endpoint: string) => endpoint.slice(endpoint.lastIndexOf('/') + 1);

  it('delivers a push to an endpoint that Prosody made', async () => {
    const { endpoint } = await device.register(modJid);
    const answer = await postPush(`${belfry.httpBase}/push/${tokenOf(endpoint)}`, Buffer.from('moved'));
    expect(answer.status).toBe(201);
    expect(device.pushes.at(-1)?.from).toBe(belfry.jid);
    expect(device.pushes.at(-1)?.payload.toString()).toBe('moved');
  });

  it('makes endpoints that Prosody delivers to, for the way back', async () => {
    const prosodys = new URL((await device.register(modJid)).endpoint).origin;
    const { endpoint } = await device.register(belfry.jid);
    const answer = await postPush(`${prosodys}/push/${tokenOf(endpoint)}`, Buffer.from('moved back'));
    expect(answer.status).toBe(201);
    expect(device.pushes.at(-1)?.from).toBe(modJid);
  });
});
