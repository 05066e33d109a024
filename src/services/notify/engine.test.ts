import { describe, expect, it, vi } from 'vitest';
import { MemoryNotifyStore } from '../../../tests/harness/memory-notify-store.js';
import { NotifyStage } from '../../../tests/harness/notify-stage.js';
import { el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { message, presence } from '../../xmpp/stanza.js';

async function stageWith(...clients: string[]): Promise<NotifyStage> {
  const stage = new NotifyStage();
  for (const client of clients) await stage.enable(client);
  return stage;
}

/** Who was told when the collection is over. */
async function toldBy(stage: NotifyStage): Promise<readonly string[]> {
  await stage.pass(1_000);
  return stage.deliveries.map(({ client }) => client);
}

const away = (show: string) => presence({}, el('show', ns.client, {}, show));

describe('what comes up for an account', () => {
  it('is told to all when it is kept offline', async () => {
    const stage = await stageWith('phone', 'tablet');
    stage.session('tablet');
    await stage.offline();
    expect(await toldBy(stage)).toEqual(['phone', 'tablet']);
  });

  it('is told to those that have no session when it is archived', async () => {
    const stage = await stageWith('phone', 'tablet', 'laptop');
    stage.session('tablet');
    stage.session('laptop', { isHibernating: true });
    await stage.archived();
    expect(await toldBy(stage)).toEqual(['phone']);
  });

  it('is told to nobody when the account has sent it', async () => {
    const stage = await stageWith('phone');
    await stage.archived(stage.chat(), 'outgoing');
    expect(await toldBy(stage)).toEqual([]);
    expect(stage.events('notificationDecided')).toEqual([]);
  });

  it('is told to a client that nobody sits at, if it has asked for that', async () => {
    const stage = await stageWith('phone', 'tablet');
    stage.rules.set('phone', { whileAway: true });
    const session = stage.session('phone', { presence: away('xa') });
    stage.session('tablet', { presence: away('away') });
    stage.session('laptop');
    await stage.archived();
    expect(await toldBy(stage)).toEqual(['phone']);
    session.presence = presence({});
    await stage.archived();
    expect(await toldBy(stage)).toEqual(['phone']);
  });

  it('is told to nobody if no session is available, and one is there', async () => {
    const stage = await stageWith('phone');
    stage.rules.set('phone', { whileAway: true });
    stage.session('phone');
    await stage.archived();
    expect(await toldBy(stage)).toEqual([]);
  });

  it('is told by a room: to the client it was for, else as if archived', async () => {
    const stage = await stageWith('phone', 'tablet');
    stage.session('tablet');
    const said = () =>
      message(
        { from: 'tea@rooms.example.net/Ben', to: 'ana@example.org', type: 'groupchat' },
        el('body', ns.client, {}, 'hi'),
      );
    await stage.host.roomMessage.fire(stage.account, said());
    expect(await toldBy(stage)).toEqual(['phone']);
    await stage.host.roomMessage.fire(Jid.parse('ana@example.org/tablet'), said());
    expect(await toldBy(stage)).toEqual(['phone', 'tablet']);
  });

  it('is somebody who asks for presence', async () => {
    const stage = await stageWith('phone');
    stage.host.requestsFor.set('ana@example.org', 2);
    const request = presence({ from: 'ben@example.net', to: 'ana@example.org', type: 'subscribe' });
    await stage.host.subscriptionRequested.fire(stage.account, request);
    await stage.pass(1_000);
    expect(stage.deliveries.map(({ notification }) => notification)).toEqual([
      {
        account: stage.account,
        level: 'important',
        kind: 'subscription',
        stanza: request,
        count: 0,
        pendingSubscriptions: 2,
      },
    ]);
  });

  it('is a call, of which all are told at once, those that are there as well', async () => {
    const stage = await stageWith('phone', 'tablet');
    stage.session('phone');
    await stage.calls();
    expect(stage.deliveries.map(({ client }) => client)).toEqual(['phone', 'tablet']);
  });

  it('is no call if the account itself calls, or a call goes on', async () => {
    const stage = await stageWith('phone');
    await stage.calls(stage.call('c1').withAttrs({ from: 'ana@example.org/laptop' }));
    await stage.calls(stage.call('c2', 'proceed'));
    await stage.host.received.fire(stage.account, stage.chat());
    expect(await toldBy(stage)).toEqual([]);
  });

  it('is told once, by whatever ways it comes up', async () => {
    const stage = await stageWith('phone');
    const session = stage.session('phone');
    const original = stage.call();
    const stamped = stage.call();
    stage.host.originals.set(stamped, original);
    await stage.calls(original);
    await stage.archived(stamped);
    await stage.sleeps(session, stamped);
    await stage.host.hibernationQueued.fire(session, stamped);
    await stage.offline(original);
    expect(await toldBy(stage)).toEqual(['phone']);
  });

  it('is decided for each device, and it is said why', async () => {
    const stage = await stageWith('phone', 'tablet');
    stage.session('tablet');
    await stage.archived();
    const device = { jid: 'ana@example.org', channel: 'test', service: 'push.example.net' };
    const decided = { name: 'notificationDecided', ...device, source: 'archive' };
    expect(stage.events('notificationDecided')).toEqual([
      { ...decided, told: 'important', why: 'has a body' },
      { ...decided, told: 'no', why: 'its client is connected' },
    ]);
  });

  it('is told with the words of an own occupant as unimportant', async () => {
    const stage = await stageWith('phone');
    stage.host.addOccupant('ana@example.org', 'tea@rooms.example.net/Ana');
    const reflected = message(
      { id: 'g1', from: 'tea@rooms.example.net/Ana', to: 'ana@example.org/x', type: 'groupchat' },
      el('body', ns.client, {}, 'hi'),
    );
    await stage.archived(reflected);
    await stage.pass(1_000);
    expect(stage.told).toEqual(['phone unimportant own g1 0']);
  });
});

describe('what a client has not acknowledged', () => {
  it('is told at once when its session hibernates', async () => {
    const stage = await stageWith('phone', 'tablet');
    await stage.sleeps(stage.session(), stage.chat(), stage.retraction(), stage.chat());
    expect(stage.told).toEqual(['phone important message m2 2', 'phone unimportant retraction r 2']);
  });

  it('is collected when it comes later', async () => {
    const stage = await stageWith('phone', 'tablet');
    const session = stage.session();
    await stage.sleeps(session);
    await stage.host.hibernationQueued.fire(session, stage.chat());
    expect(stage.deliveries).toEqual([]);
    await stage.host.hibernationQueued.fire(session, stage.chat());
    await stage.pass(1_000);
    expect(stage.told).toEqual(['phone important message m2 2']);
  });

  it('is collected when the acknowledgement is late, and told when the session hibernates meanwhile', async () => {
    const stage = await stageWith('phone');
    const session = stage.session();
    const stanzas = [stage.chat(), stage.chat()];
    await stage.host.ackDelayed.fire(session, stanzas);
    await stage.host.hibernationQueued.fire(session, stage.chat());
    expect(stage.deliveries).toEqual([]);
    const sources = stage.events('notificationDecided').map((event) => 'source' in event && event.source);
    expect(new Set(sources)).toEqual(new Set(['acknowledgement']));
    await stage.sleeps(session, ...stanzas);
    expect(stage.told).toEqual(['phone important message m3 3']);
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(1);
  });
});

describe('people whom the account does not know', () => {
  async function shyStage(): Promise<NotifyStage> {
    const stage = await stageWith('phone');
    stage.rules.set('phone', { ignoresUnknown: true });
    return stage;
  }

  it('are looked up only if a device ignores them', async () => {
    const stage = await stageWith('phone');
    const isContact = vi.spyOn(stage.host, 'isContact');
    await stage.offline();
    expect(isContact).not.toHaveBeenCalled();
  });

  it.each([
    ['are ignored', false, []],
    ['are known if they are contacts', true, ['phone']],
  ])('%s, whenever that is found out', async (_, isKnown, expected) => {
    for (const answer of [isKnown, Promise.resolve(isKnown)]) {
      const stage = await shyStage();
      vi.spyOn(stage.host, 'isContact').mockReturnValue(answer);
      await stage.offline();
      expect(await toldBy(stage)).toEqual(expected);
    }
  });

  it('are one burst with others when a session hibernates', async () => {
    const stage = await shyStage();
    vi.spyOn(stage.host, 'isContact').mockImplementation(async () => true);
    await stage.sleeps(stage.session(), stage.chat(), stage.chat());
    expect(stage.told).toEqual(['phone important message m2 2']);
  });
});

describe('registrations that are on disk only', () => {
  async function coldStage() {
    const first = await stageWith('phone');
    const store = new MemoryNotifyStore();
    const { key: _, ...row } = await first.device();
    store.rows = [{ ...row, account: 'ana@example.org', details: '' }];
    return { stage: new NotifyStage(store), store };
  }

  it('are read when something comes up', async () => {
    const { stage } = await coldStage();
    await stage.offline();
    expect(await toldBy(stage)).toEqual(['phone']);
  });

  it('are told of a burst at once', async () => {
    const { stage } = await coldStage();
    await stage.sleeps(stage.session(), stage.chat(), stage.chat());
    expect(stage.told).toEqual(['phone important message m2 2']);
  });

  it('are not read because a client has begun a session', async () => {
    const { stage, store } = await coldStage();
    await stage.host.sessionBegun.fire(stage.session());
    expect(store.calls).toEqual([]);
  });

  it('are nobody if they cannot be read', async () => {
    const { stage, store } = await coldStage();
    store.failure = new Error('disk full');
    await stage.offline();
    expect(await toldBy(stage)).toEqual([]);
    expect(stage.host.failures).toEqual([]);
    expect(stage.events('storageFailed')).toHaveLength(1);
  });
});

it('asks nothing about accounts without devices', async () => {
  const stage = new NotifyStage();
  await stage.notify.registrations.of(stage.account);
  const asked = (['sessionsOf', 'isContact', 'isOccupant', 'originalOf'] as const).map((name) =>
    vi.spyOn(stage.host, name),
  );
  await stage.offline();
  await stage.archived();
  await stage.sleeps(stage.session(), stage.chat());
  for (const spy of asked) expect(spy).not.toHaveBeenCalled();
  expect(stage.clock.pending).toEqual([]);
});
