import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Belfry } from '../harness/belfry.js';
import { type Distributor, randomHash } from '../harness/distributor.js';
import { backends, createWorld, type World } from '../harness/interop.js';
import { describeWithPeers } from '../harness/peer.js';
import { clientKinds, serverKinds } from '../harness/peers.js';
import { postPush } from '../harness/push-request.js';
import { connectXmppJs } from '../harness/xmpp-js-client.js';

/** `baseline.test.ts` names those that are not. */
const installedClients = clientKinds.filter(({ isInstalled }) => isInstalled);

const everyByte = Uint8Array.from({ length: 256 }, (_, value) => value);
const bodies = [...[1, 100, 1024, 4096].map((size) => randomBytes(size)), everyByte];

/** The endpoint with one character of its token changed, at a few places from its head to its tail. */
function changedEndpoints(endpoint: string): string[] {
  const start = endpoint.lastIndexOf('/') + 1;
  const length = endpoint.length - start;
  return [0, 0.25, 0.5, 0.75, 0.95].map((part) => {
    const at = start + Math.floor(length * part);
    return `${endpoint.slice(0, at)}${endpoint[at] === 'x' ? 'y' : 'x'}${endpoint.slice(at + 1)}`;
  });
}

/** The environment of a process whose clock is that many hours ahead; registrations last 24. */
function clockAheadBy(hours: number): Record<string, string> {
  const shift = `const { now } = Date; Date.now = () => now() + ${hours * 3600 * 1000};`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` };
}

for (const server of serverKinds) {
  describeWithPeers(`belfry as component of ${server.name}`, { [server.name]: server.isInstalled }, () => {
    let world: World;
    beforeAll(async () => {
      world = await createWorld(server.start, backends);
    });
    afterAll(() => world?.close());

    describe.each(backends)('with %s tokens', (backend) => {
      let belfry: Belfry;
      beforeAll(async () => {
        belfry = await world.belfry(backend, backend);
      });

      describe.each(installedClients)('delivering to $name', (client) => {
        const address = `ana@example.test/${backend}-${client.name}`;
        let device: Distributor;
        beforeAll(async () => {
          device = await world.device(client.connect, address);
        });
        afterAll(() => device?.disconnect());

        it('carries bodies byte for byte', async () => {
          const hashes = { application: randomHash(), instance: randomHash() };
          const { endpoint } = await device.register(belfry.jid, hashes);
          for (const body of bodies) {
            const answer = await postPush(endpoint, body);
            expect(answer.status).toBe(201);
            expect(answer.headers['ttl']).toBe('0');
            expect(answer.headers['location']).toBeTruthy();
            expect(device.pushes.at(-1)).toMatchObject({ ...hashes, from: belfry.jid });
            expect(device.pushes.at(-1)?.payload.equals(body)).toBe(true);
          }
        });

        it('refuses what is too large or empty, and the device hears nothing of it', async () => {
          const { endpoint } = await device.register(belfry.jid);
          const heard = device.pushes.length;
          expect((await postPush(endpoint, randomBytes(4097))).status).toBe(413);
          expect((await postPush(endpoint, new Uint8Array())).status).toBe(400);
          expect(device.pushes).toHaveLength(heard);
        });

        it('does not know changed and made-up endpoints', async () => {
          const { endpoint } = await device.register(belfry.jid);
          const heard = device.pushes.length;
          for (const changed of [...changedEndpoints(endpoint), `${belfry.httpBase}/push/abc`]) {
            expect((await postPush(changed, everyByte)).status, changed).toBe(404);
          }
          expect(device.pushes).toHaveLength(heard);
        });

        it.each(['item-not-found', 'feature-not-implemented'] as const)(
          'takes %s for the end of the endpoint',
          async (condition) => {
            const { endpoint } = await device.register(belfry.jid);
            device.answerWith(condition);
            expect((await postPush(endpoint, everyByte)).status).toBe(404);
            device.answerWith('result');
            const heard = device.pushes.length;
            expect((await postPush(endpoint, everyByte)).status).toBe(404);
            expect(device.pushes).toHaveLength(heard);
          },
        );

        it('takes other errors for what they are, and keeps the endpoint', async () => {
          const { endpoint } = await device.register(belfry.jid);
          device.answerWith('recipient-unavailable');
          const unavailable = await postPush(endpoint, everyByte);
          expect(unavailable.status).toBe(503);
          expect(Number(unavailable.headers['retry-after'])).toBeGreaterThan(0);
          device.answerWith('bad-request');
          expect((await postPush(endpoint, everyByte)).status).toBe(502);
          device.answerWith('result');
          expect((await postPush(endpoint, everyByte)).status).toBe(201);
        });

        it('answers 503 while the device is offline, and 201 when it is back', async () => {
          const phone = `ana@example.test/offline-${backend}-${client.name}`;
          const first = await world.device(client.connect, phone);
          const { endpoint } = await first.register(belfry.jid);
          await first.disconnect();
          const offline = await postPush(endpoint, everyByte);
          expect(offline.status).toBe(503);
          expect(Number(offline.headers['retry-after'])).toBeGreaterThan(0);
          const second = await world.device(client.connect, phone);
          expect((await postPush(endpoint, everyByte)).status).toBe(201);
          expect(second.pushes).toHaveLength(1);
        });
      });

      it('keeps an endpoint until its expiration, and not longer', async () => {
        const device = await world.device(connectXmppJs, `bob@example.test/${backend}`);
        const { endpoint } = await device.register(belfry.jid);
        await belfry.restart(clockAheadBy(23));
        expect((await postPush(endpoint, everyByte)).status).toBe(201);
        await belfry.restart(clockAheadBy(25));
        expect((await postPush(endpoint, everyByte)).status).toBe(404);
        expect(device.pushes).toHaveLength(1);
      });
    });
  });
}
