import { describe, expect, it } from 'vitest';
import {
  delivered,
  type NotifyStage,
  pendingOutcome,
  rejected,
  retry,
  stageWithPhone,
  tellWithoutAnswer,
} from '../../../../tests/harness/notify-stage.js';

/** A client is told, comes back before that is answered, and goes again without the message. */
async function goneAgain(stage: NotifyStage) {
  const session = stage.session();
  const stanza = stage.chat();
  const { promise, settle } = pendingOutcome();
  stage.answers.push(promise);
  await stage.sleeps(session, stanza);
  await stage.resumes(session);
  await stage.sleeps(session, stanza);
  return { session, settle };
}

describe('a client that is back', () => {
  it('is not told of what was collected', async () => {
    const stage = await stageWithPhone();
    const session = stage.session();
    await stage.sleeps(session);
    await stage.host.hibernationQueued.fire(session, stage.chat());
    await stage.resumes(session);
    await stage.pass(10_000);
    expect(stage.told).toEqual([]);
    expect(stage.dropped).toEqual(['client is back']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('is told of that when it goes again without having got it', async () => {
    const stage = await stageWithPhone();
    const session = stage.session();
    const stanza = stage.chat();
    await stage.sleeps(session);
    await stage.host.hibernationQueued.fire(session, stanza);
    await stage.resumes(session);
    await stage.sleeps(session, stanza);
    expect(stage.told).toEqual(['phone important message m1 1']);
  });

  it('is not told of it if it has begun a new session, which gets it', async () => {
    const stage = await stageWithPhone();
    const stanza = stage.chat();
    await stage.archived(stanza);
    await stage.host.sessionBegun.fire(stage.session());
    await stage.offline(stanza);
    await stage.pass(1_000);
    expect(stage.told).toEqual([]);
  });

  it('ends a back-off', async () => {
    const stage = await stageWithPhone();
    stage.answers.push(retry);
    await stage.offline();
    await stage.pass(1_000);
    await stage.host.sessionBegun.fire(stage.session());
    expect(stage.dropped).toEqual(['client is back']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('ends what was under way, if that fails', async () => {
    const stage = await stageWithPhone();
    const settle = await tellWithoutAnswer(stage);
    await stage.host.sessionBegun.fire(stage.session());
    expect(stage.deliveries[0]?.signal.aborted).toBe(false);
    settle(retry);
    await stage.settle();
    expect(stage.dropped).toEqual(['client is back']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('does not change what a late answer says of the service', async () => {
    const stage = await stageWithPhone();
    const settle = await tellWithoutAnswer(stage);
    await stage.host.sessionBegun.fire(stage.session());
    settle(rejected);
    await stage.settle();
    expect((await stage.device()).failures).toBe(1);
  });

  it('is told again of what it has not got when it goes, if what was under way fails', async () => {
    const stage = await stageWithPhone();
    const { settle } = await goneAgain(stage);
    expect(stage.deliveries).toHaveLength(1);
    settle(retry);
    await stage.settle();
    await stage.pass(3_000);
    expect(stage.told).toEqual(['phone important message m1 1', 'phone important message m1 1']);
  });

  it('is not told again of what was delivered after all', async () => {
    const stage = await stageWithPhone();
    const { session, settle } = await goneAgain(stage);
    settle(delivered);
    await stage.settle();
    await stage.pass(300_000);
    expect(stage.deliveries).toHaveLength(1);
    expect(stage.host.endedExtensions).toEqual([session]);
  });

  it('may have another name, and takes over the registration', async () => {
    const stage = await stageWithPhone();
    await stage.offline();
    await stage.pass(1_000);
    await stage.offline();
    await stage.enable('phone.2', 'phone');
    expect(stage.dropped).toEqual(['client is back']);
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.told).toEqual(['phone important message m1 1', 'phone important message m3 1']);
  });

  it('is another one than other clients', async () => {
    const stage = await stageWithPhone();
    await stage.offline();
    await stage.host.sessionBegun.fire(stage.session('tablet'));
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(1);
  });

  it('is back only when it resumes', async () => {
    const stage = await stageWithPhone();
    const session = stage.session();
    await stage.sleeps(session);
    await stage.host.hibernationQueued.fire(session, stage.chat());
    await stage.host.hibernationEnd.fire(session, 'expired');
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(1);
  });
});
