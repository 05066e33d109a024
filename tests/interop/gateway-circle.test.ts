import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Distributor, startDistributor } from '../harness/distributor.js';
import { readPayload } from '../harness/gateway/payload.js';
import { startPushingProsody } from '../harness/gateway/pushing-servers.js';
import { type Farewell, RealWorld } from '../harness/gateway/real-world.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody } from '../harness/prosody.js';
import { createPushUserAgent, type PushUserAgent } from '../harness/push-user-agent.js';
import { connectSlixmpp, hasSlixmpp } from '../harness/slixmpp-client.js';
import { startTlsProxy, type TlsProxy } from '../harness/tls-proxy.js';

/** Prosody → gateway → Web Push → UnifiedPush → distributor, and Prosody and Belfry are the same at both ends. */
describeWithPeers('the whole circle', { prosody: hasProsody, slixmpp: hasSlixmpp }, () => {
  let proxy: TlsProxy;
  let world: RealWorld;
  let distributor: Distributor;

  beforeAll(async () => {
    world = await RealWorld.create({
      start: startPushingProsody,
      isTalkative: true,
      users: ['ana', 'ben', 'bea', 'gail'],
      async publicUrl(authority) {
        proxy = await startTlsProxy(authority.issue({ names: ['localhost'] }));
        return `https://localhost:${proxy.port}`;
      },
    });
    proxy.target = Number(new URL(world.belfry.httpBase).port);
    distributor = await startDistributor(connectSlixmpp, world.server, 'ana@example.test/phone');
  });
  afterEach(() => distributor.answerWith('result'));
  afterAll(async () => {
    await distributor?.disconnect();
    await world?.close();
    await proxy?.close();
  });

  /** An application on the distributor's device, whose user's client has gone. */
  async function application(user: string, how: Farewell) {
    const agent: PushUserAgent = createPushUserAgent();
    const { endpoint } = await distributor.register(world.jid);
    expect(endpoint).toMatch(`https://localhost:${proxy.port}/push/`);
    const given = await world.leave(user, how, { endpoint, ...agent.keys });
    return { ...given, bare: `${user}@example.test`, decrypt: agent.decrypt };
  }

  // Two users: Prosody has an application told once more of what was written when its user's sleeping session is replaced.
  it.each([
    ['asleep', 'ben'],
    ['offline', 'bea'],
  ] as const)('an application of who is %s is woken, and reads what was written', async (how, user) => {
    const ben = await application(user, how);
    const before = distributor.pushes.length;
    await world.write(ben, 'Soon at the gate?');
    const push = await distributor.nextPush(before);
    expect(push.from).toBe(world.jid);
    expect(readPayload(ben.decrypt(push.payload))).toEqual({
      ...{ v: 1, account: ben.bare, count: 1, importance: 'important', kind: 'message' },
      ...{ conversation: 'writer@example.test', sender: world.writer, body: 'Soon at the gate?' },
    });
    await world.settle();
    expect(distributor.pushes).toHaveLength(before + 1);
  });

  it('of the same account as the distributor, too', async () => {
    const ana = await application('ana', 'asleep');
    const before = distributor.pushes.length;
    await world.write(ana, 'Soon at the gate?');
    const push = await distributor.nextPush(before);
    expect(readPayload(ana.decrypt(push.payload))).toMatchObject({ account: ana.bare, kind: 'message' });
  });

  it('an application that has been removed is woken no more', async () => {
    const gail = await application('gail', 'offline');
    distributor.answerWith('item-not-found');
    const before = distributor.pushes.length;
    await world.write(gail, 'Are you there?');
    await world.removed(gail, 'gone');
    distributor.answerWith('result');
    await world.write(gail, 'Still?');
    await world.settle();
    expect(distributor.pushes).toHaveLength(before + 1);
    const isCounted = () =>
      /item-not-found[^\n]*count for this identifier is now at/.test(world.server.log());
    await waitFor('prosody to count it as an error', isCounted);
  });
});
