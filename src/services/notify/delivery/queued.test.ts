import { describe, expect, it } from 'vitest';
import { MemoryNotifyStore } from '../../../../tests/harness/memory-notify-store.js';
import {
  delivered,
  NotifyStage,
  pendingOutcome,
  queued,
  rejected,
} from '../../../../tests/harness/notify-stage.js';

/** A stage whose channel keeps on disk what it could not deliver. */
async function stageWithPhone(): Promise<NotifyStage> {
  const stage = new NotifyStage(new MemoryNotifyStore(), true);
  await stage.enable();
  return stage;
}

/** A session that is waited for, whose client is told by a channel that keeps it on disk. */
async function queuedStage() {
  const stage = await stageWithPhone();
  stage.answer = queued;
  const session = stage.session();
  const stanza = stage.chat();
  await stage.sleeps(session, stanza);
  return { stage, session, stanza };
}

const settle = async (stage: NotifyStage, outcome: typeof delivered) => {
  stage.notify.settle(await stage.device(), outcome);
  await stage.settle();
};

describe('a notification that its channel keeps', () => {
  it('is not told again here, nor does it delay others', async () => {
    const { stage, stanza } = await queuedStage();
    await stage.offline(stanza);
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.told).toEqual(['phone important message m1 1', 'phone important message m2 2']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('has not told the client yet: its session waits until it is delivered', async () => {
    const { stage, session } = await queuedStage();
    expect(stage.host.endedExtensions).toEqual([]);
    await settle(stage, delivered);
    expect(stage.host.endedExtensions).toEqual([session]);
  });

  it('keeps the session waiting on if it is unimportant, or lost', async () => {
    const { stage } = await queuedStage();
    await settle(stage, rejected);
    await stage.offline(stage.retraction());
    await stage.pass(1_000);
    await settle(stage, delivered);
    expect(stage.deliveries).toHaveLength(2);
    expect(stage.host.endedExtensions).toEqual([]);
  });

  it('says nothing of the registration’s health until it is settled', async () => {
    const { stage } = await queuedStage();
    expect((await stage.device()).failures).toBe(0);
    await settle(stage, rejected);
    expect((await stage.device()).failures).toBe(1);
    await stage.offline();
    await stage.pass(1_000);
    expect((await stage.device()).failures).toBe(1);
    await settle(stage, delivered);
    expect((await stage.device()).failures).toBe(0);
  });

  it('ends the registration when the device turns out to be gone', async () => {
    const { stage } = await queuedStage();
    await settle(stage, { kind: 'gone', reason: 'no such subscription' });
    expect(await stage.notify.registrations.of(stage.account)).toEqual([]);
    expect(stage.withdrawn).toEqual(['phone']);
  });

  it('is withdrawn when the client is back', async () => {
    const { stage, session } = await queuedStage();
    await stage.resumes(session);
    expect(stage.withdrawn).toEqual(['phone']);
  });

  it('is told again if the client goes without having got it', async () => {
    const { stage, session, stanza } = await queuedStage();
    await stage.resumes(session);
    await stage.sleeps(session, stanza);
    expect(stage.told).toEqual(['phone important message m1 1', 'phone important message m1 1']);
  });

  it('is not told again if it was delivered before that, and has told the client', async () => {
    const { stage, session, stanza } = await queuedStage();
    await settle(stage, delivered);
    await stage.resumes(session);
    await stage.sleeps(session, stanza);
    expect(stage.deliveries).toHaveLength(1);
    expect(stage.host.endedExtensions).toEqual([session, session]);
  });

  it('is told again if that was something else that is queued', async () => {
    const { stage, session, stanza } = await queuedStage();
    expect(await stage.ping()).toEqual(queued);
    await settle(stage, delivered);
    await stage.resumes(session);
    await stage.sleeps(session, stanza);
    expect(stage.told.at(-1)).toBe('phone important message m1 1');
    expect(stage.deliveries).toHaveLength(3);
  });

  it('is not told again to a client that has begun a new session', async () => {
    const { stage, stanza } = await queuedStage();
    await stage.host.sessionBegun.fire(stage.session('phone'));
    await stage.offline(stanza);
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(1);
  });

  it('is withdrawn with its registration, however that ends', async () => {
    const { stage } = await queuedStage();
    await stage.disable();
    await stage.enable('phone', 'old');
    await stage.enable('phone', 'new');
    stage.maxDevices = 1;
    await stage.enable('tablet');
    await stage.host.accountRemoved.fire(stage.account);
    expect(stage.withdrawn).toEqual(['phone', 'old', 'new', 'tablet']);
  });

  it('is withdrawn when another client takes over the registration', async () => {
    const { stage } = await queuedStage();
    await stage.enable('phone.2', 'phone');
    expect(stage.withdrawn).toEqual(['phone']);
  });
});

describe('a notification that is queued when the client is back', () => {
  async function lateStage() {
    const stage = await stageWithPhone();
    const session = stage.session();
    const { promise, settle: end } = pendingOutcome();
    stage.answers.push(promise);
    const stanza = stage.chat();
    await stage.sleeps(session, stanza);
    await stage.resumes(session);
    stage.withdrawn.length = 0;
    return { stage, session, stanza, end };
  }

  it('is withdrawn', async () => {
    const { stage, end } = await lateStage();
    end(queued);
    await stage.settle();
    expect(stage.withdrawn).toEqual(['phone']);
    expect(stage.dropped).toEqual(['client is back']);
  });

  it('stays when the client is gone again, and others are queued for it', async () => {
    const { stage, session, end } = await lateStage();
    stage.answer = queued;
    await stage.sleeps(session, stage.chat());
    end(queued);
    await stage.settle();
    expect(stage.withdrawn).toEqual([]);
  });

  it('is for the client that is gone again without having got it', async () => {
    const { stage, session, stanza, end } = await lateStage();
    await stage.sleeps(session, stanza);
    end(queued);
    await stage.settle();
    expect([stage.withdrawn, stage.dropped]).toEqual([[], []]);
    await settle(stage, delivered);
    expect(stage.host.endedExtensions).toEqual([session]);
  });

  it('is withdrawn if the registration is gone', async () => {
    const { stage, end } = await lateStage();
    await stage.disable();
    end(queued);
    await stage.settle();
    expect(stage.withdrawn).toEqual(['phone', 'phone']);
    expect(stage.dropped).toEqual(['removed']);
  });
});

it('is looked for when a client begins a session, though nothing has happened since the start', async () => {
  const first = await stageWithPhone();
  const { key: _, target: __, ...row } = await first.device();
  const store = new MemoryNotifyStore();
  store.rows = [{ ...row, account: 'ana@example.org' }];
  const stage = new NotifyStage(store, true);
  await stage.host.sessionBegun.fire(stage.session());
  expect(stage.withdrawn).toEqual(['phone']);
});
