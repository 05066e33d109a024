import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ns } from '../../src/xmpp/ns.js';
import { type PushingKind, pushingKinds, startPushingProsody } from '../harness/gateway/pushing-servers.js';
import { farewells, RealWorld } from '../harness/gateway/real-world.js';
import { countUndelivered } from '../harness/metrics.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody } from '../harness/prosody.js';
import { answers } from '../harness/push-answers.js';
import { hasSlixmpp } from '../harness/slixmpp-client.js';

const users = ['ana', 'gail', 'hank', 'paul'];

for (const kind of pushingKinds) {
  const peers = { [kind.name]: kind.isInstalled, slixmpp: hasSlixmpp };
  describeWithPeers(`belfry as app server of ${kind.name}`, peers, () => {
    describe('as that is by default', () => {
      let world: RealWorld;
      beforeAll(async () => {
        world = await RealWorld.create({ start: kind.start, users });
      });
      afterAll(() => world?.close());

      playPeople(() => world);
      playMessages(kind, () => world);
      playGone(kind, () => world);
    });

    describe('that tells all', () => {
      let world: RealWorld;
      beforeAll(async () => {
        world = await RealWorld.create({ start: kind.start, users, isTalkative: true });
      });
      afterAll(() => world?.close());

      it.each(farewells)(
        'a browser of who is %s reads what was written, and who has written',
        async (how) => {
          const ana = await world.absent('ana', how);
          await world.write(ana, 'Soon at the gate?');
          await world.heard(ana, 1);
          await world.settle();
          const payload = {
            ...{ v: 1, account: ana.bare, count: 1, importance: 'important', kind: 'message' },
            ...{ conversation: 'writer@example.test', sender: world.writer, body: 'Soon at the gate?' },
          };
          expect(ana.told()).toEqual([{ urgency: 'normal', payload }]);
        },
      );
    });
  });
}

function playPeople(world: () => RealWorld): void {
  it('people find it, and register by hand for what a program gets', async () => {
    const { jid, pushService } = world();
    const ana = await world().logIn('ana');
    const found = await ana.discover(jid);
    expect(found.identities).toContain('pubsub/push');
    expect(found.features).toEqual(expect.arrayContaining([ns.push, ns.commands]));
    expect(found.commands).toEqual(['register-push-webpush', 'unregister-push-webpush']);

    const { asked, ...byHand } = await ana.fillIn(jid, 'd-1', pushService.subscribe());
    expect(Object.keys(asked)).toEqual(
      expect.arrayContaining(['endpoint', 'p256dh', 'auth', 'device-id', 'important-only']),
    );
    expect(await ana.register(jid, 'd-1', pushService.subscribe())).toEqual(byHand);
    await ana.unregister(jid, 'd-1');
    await expect(ana.unregister(jid, 'd-1')).rejects.toThrow('cancel item-not-found');
    await expect(ana.register(jid, '', pushService.subscribe())).rejects.toThrow(
      /modify bad-request.*device-id/,
    );
    await ana.leave();
  });
}

function playMessages(kind: PushingKind, world: () => RealWorld): void {
  it.each(farewells)('a browser of who is %s is told once that somebody has written', async (how) => {
    const ana = await world().absent('ana', how);
    await world().write(ana, 'Soon at the gate?');
    await world().heard(ana, 1);
    await world().settle();
    const payload = {
      ...{ v: 1, account: ana.bare, count: 1, importance: 'important', kind: 'message' },
      body: kind.importantBody,
    };
    expect(ana.told()).toEqual([{ urgency: 'normal', payload }]);
  });

  it('what is no message has a low urgency', async () => {
    const ana = await world().absent('ana', 'asleep');
    await world().write(ana);
    await world().heard(ana, 1);
    await world().settle();
    const payload = { v: 1, account: ana.bare, importance: 'unimportant', ...kind.unimportant };
    expect(ana.told()).toEqual([{ urgency: 'low', payload }]);
  });
}

function playGone(kind: PushingKind, world: () => RealWorld): void {
  const undelivered = () => countUndelivered(world().belfry.httpBase);

  it('a browser that is gone is published for no more, until it registers again', async () => {
    const gail = await world().absent('gail', 'offline');
    gail.subscription.answer(answers.gone);
    await world().write(gail, 'Are you there?');
    await world().removed(gail, 'gone');
    for (let errors = 1; errors < kind.patience; errors++) await world().write(gail, 'Still?');
    const hasGivenUp = () => kind.hasGivenUp(world().server, gail.bare, gail.node);
    await waitFor(`${kind.name} to give up`, hasGivenUp, { timeout: 30_000 });
    expect(gail.subscription.received).toHaveLength(1);

    await world().settle();
    const before = await undelivered();
    // This browser is gone, and each of the server's publishes for it was answered.
    expect(before).toBeGreaterThanOrEqual(kind.patience);
    await world().write(gail, 'Nobody is told of this.');
    await world().settle();
    expect(await undelivered()).toBe(before);
    expect(gail.subscription.received).toHaveLength(1);

    const again = await world().absent('gail', 'offline');
    await world().write(again, 'You are back!');
    await world().heard(again, 1);
    expect(again.told()).toMatchObject([{ urgency: 'normal', payload: { importance: 'important' } }]);
  });

  it('that a browser is gone is no news that is kept for its user', async () => {
    await world().settle();
    const hank = await world().absent('hank', 'offline');
    hank.subscription.answer(answers.gone);
    const before = await undelivered();
    await world().write(hank, 'Are you there?');
    await world().removed(hank, 'gone');
    await waitFor('the answer', async () => (await undelivered()) > before);
    await world().settle();
    expect(await undelivered()).toBe(before + 1);
    expect(hank.subscription.received).toHaveLength(1);
  });

  it('a browser that takes nothing at the moment costs nobody a registration', async () => {
    const paul = await world().absent('paul', 'offline');
    paul.subscription.answer(answers.unavailable);
    const count = kind.patience + 1;
    for (let time = 0; time < count; time++) await world().write(paul, 'Later?');
    await world().heard(paul, 1);
    await world().settle();
    expect(kind.hasGivenUp(world().server, paul.bare, paul.node)).toBe(false);
    paul.subscription.answer(answers.created);
    const heard = paul.subscription.received.length;
    await world().write(paul, 'Now!');
    await world().heard(paul, heard + 1);
  });
}

describeWithPeers(
  'belfry as app server of a Prosody with an old mod_cloud_notify',
  { prosody: hasProsody, slixmpp: hasSlixmpp },
  () => {
    let world: RealWorld;
    beforeAll(async () => {
      const start: PushingKind['start'] = (options) => startPushingProsody(options, ['options_in_item']);
      world = await RealWorld.create({ start, users });
    });
    afterAll(() => world?.close());

    it('finds the secret inside the item', async () => {
      const ana = await world.absent('ana', 'offline');
      await world.write(ana, 'Soon at the gate?');
      await world.heard(ana, 1);
      expect(ana.told()).toMatchObject([{ urgency: 'normal', payload: { body: 'New Message!' } }]);
    });
  },
);
