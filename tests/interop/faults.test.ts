import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { backends, createWorld, type World } from '../harness/interop.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { serverKinds } from '../harness/peers.js';
import { postPush } from '../harness/push-request.js';
import { connectXmppJs } from '../harness/xmpp-js-client.js';

/** A few senders that push without pause, each body unlike any other. */
function startLoad(endpoint: string) {
  const answers: { readonly body: string; readonly status: number }[] = [];
  let isOver = false;
  const sender = async () => {
    while (!isOver) {
      const body = randomBytes(32);
      const { status } = await postPush(endpoint, body);
      answers.push({ body: body.toString('hex'), status });
    }
  };
  const senders = Promise.all(Array.from({ length: 8 }, sender));
  return {
    answers,
    count: (status: number) => answers.filter((answer) => answer.status === status).length,
    /** Resolves when every request that was under way has its answer. */
    async end() {
      isOver = true;
      await senders;
    },
  };
}

for (const kind of serverKinds) {
  describeWithPeers(`belfry beside ${kind.name}, in trouble`, { [kind.name]: kind.isInstalled }, () => {
    let world: World;
    beforeEach(async () => {
      world = await createWorld(kind.start, backends);
    });
    afterEach(() => world?.close());

    it('tells every sender the truth when the XMPP server dies, and comes back by itself', async () => {
      const belfry = await world.belfry('storage', 'storage', { rate_limit: 0 });
      const device = await world.device(connectXmppJs, 'ana@example.test/phone');
      const { endpoint } = await device.register(belfry.jid);
      const load = startLoad(endpoint);
      try {
        await waitFor('pushes to flow', () => load.count(201) >= 100, { timeout: 60_000 });
        await world.server.kill('SIGKILL');
        await waitFor('pushes to fail', () => load.count(503) >= 50, { timeout: 60_000 });
      } finally {
        await load.end();
      }

      const received = new Set(device.pushes.map((push) => push.payload.toString('hex')));
      const accepted = load.answers.filter(({ status }) => status === 201);
      expect(accepted.filter(({ body }) => !received.has(body))).toEqual([]);
      expect(new Set(load.answers.map(({ status }) => status))).toEqual(new Set([201, 503]));

      await world.server.restart();
      await waitFor('belfry to reconnect', () => belfry.isReady(), { timeout: 90_000, interval: 200 });
      const again = await world.device(connectXmppJs, 'ana@example.test/phone');
      expect((await postPush(endpoint, Buffer.from('back'))).status).toBe(201);
      expect(again.pushes.map((push) => push.payload.toString())).toEqual(['back']);
    });

    it.each(backends)('keeps every promise of %s tokens over kill -9', async (backend) => {
      const belfry = await world.belfry(backend, backend);
      const device = await world.device(connectXmppJs, 'ana@example.test/phone');
      const register = async () => (await device.register(belfry.jid)).endpoint;
      const kept = [await register(), await register()];
      const revoked = [await register(), await register()];
      device.answerWith('item-not-found');
      for (const endpoint of revoked) {
        expect((await postPush(endpoint, Buffer.from('x'))).status).toBe(404);
      }
      device.answerWith('result');
      kept.push(await register());
      await belfry.kill('SIGKILL');
      await belfry.restart();

      for (const endpoint of kept) {
        expect((await postPush(endpoint, Buffer.from('kept'))).status).toBe(201);
        expect(device.pushes.at(-1)?.payload.toString()).toBe('kept');
      }
      const heard = device.pushes.length;
      for (const endpoint of revoked) {
        expect((await postPush(endpoint, Buffer.from('revoked'))).status).toBe(404);
      }
      expect(device.pushes).toHaveLength(heard);
    });

    it('gives up on a device that does not answer, and late answers change nothing', async () => {
      const belfry = await world.belfry('storage', 'storage', { push_timeout: 5 });
      const device = await world.device(connectXmppJs, 'ana@example.test/phone');
      const { endpoint } = await device.register(belfry.jid);
      device.answerWith('none');
      // Both at once: the time in which the last push has to be answered is theirs to wait for.
      const late = ['result', 'item-not-found'] as const;
      const posted = await Promise.all(late.map(() => postPush(endpoint, Buffer.from('anybody there?'))));
      for (const timedOut of posted) {
        expect(timedOut.status).toBe(503);
        expect(Number(timedOut.headers['retry-after'])).toBeGreaterThan(0);
      }
      for (const [at, mode] of late.entries())
        device.sendAnswer(belfry.jid, (await device.nextPush(at)).id, mode);
      await device.request('get', belfry.jid, el('ping', ns.ping));
      device.answerWith('result');
      expect((await postPush(endpoint, Buffer.from('hello'))).status).toBe(201);
      expect(device.pushes).toHaveLength(3);
    });
  });
}
