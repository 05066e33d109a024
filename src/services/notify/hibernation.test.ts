import { describe, expect, it } from 'vitest';
import {
  delivered,
  NotifyStage,
  pendingOutcome,
  rejected,
  retry,
} from '../../../tests/harness/notify-stage.js';

async function sleepingStage() {
  const stage = new NotifyStage();
  await stage.enable();
  const session = stage.session();
  await stage.sleeps(session);
  const queue = (stanza = stage.chat()) => stage.host.hibernationQueued.fire(session, stanza);
  return { stage, session, queue };
}

describe('a session that hibernates', () => {
  it('waits longer if its client can be told', async () => {
    const { stage, session } = await sleepingStage();
    expect(stage.host.extensions).toEqual([{ session, seconds: 259_200 }]);
    expect(stage.host.endedExtensions).toEqual([]);
  });

  it('does not if only other clients can be, or if its registration rests', async () => {
    const stage = new NotifyStage();
    await stage.enable('tablet');
    await stage.sleeps(stage.session('phone'));
    stage.settings.maxErrors = 1;
    stage.answer = rejected;
    await stage.offline();
    await stage.pass(1_000);
    await stage.sleeps(stage.session('tablet'));
    expect(stage.host.extensions).toEqual([]);
  });

  it('waits as long as others once its client was told of something important', async () => {
    const { stage, session, queue } = await sleepingStage();
    await queue();
    await stage.pass(1_000);
    expect(stage.host.endedExtensions).toEqual([session]);
    await queue();
    await stage.pass(1_000);
    expect(stage.host.endedExtensions).toEqual([session]);
  });

  it('waits on if that was unimportant', async () => {
    const { stage, queue } = await sleepingStage();
    await queue(stage.retraction());
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(1);
    expect(stage.host.endedExtensions).toEqual([]);
  });

  it('waits on if that was unimportant and its client has not got it', async () => {
    const { stage, session, queue } = await sleepingStage();
    const stanza = stage.retraction();
    await queue(stanza);
    await stage.pass(1_000);
    await stage.resumes(session);
    await stage.sleeps(session, stanza);
    expect(stage.deliveries).toHaveLength(1);
    expect(stage.host.endedExtensions).toEqual([]);
  });

  it('waits on until that is delivered', async () => {
    const { stage, session, queue } = await sleepingStage();
    stage.answers.push(retry, delivered);
    await queue();
    await stage.pass(1_000);
    expect(stage.host.endedExtensions).toEqual([]);
    await stage.pass(3_000);
    expect(stage.host.endedExtensions).toEqual([session]);
  });

  it('waits as long as others if its client was told before, and has not got it yet', async () => {
    const stage = new NotifyStage();
    await stage.enable();
    const session = stage.session();
    const stanza = stage.chat();
    await stage.host.ackDelayed.fire(session, [stanza]);
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(1);
    await stage.sleeps(session, stanza);
    expect(stage.host.endedExtensions).toEqual([session]);
  });

  it('waits on if what was delivered is of the time before its client was here', async () => {
    const stage = new NotifyStage();
    await stage.enable();
    const session = stage.session();
    const { promise, settle } = pendingOutcome();
    stage.answers.push(promise);
    await stage.sleeps(session, stage.chat());
    await stage.resumes(session);
    await stage.sleeps(session);
    settle(delivered);
    await stage.settle();
    expect(stage.host.endedExtensions).toEqual([]);
  });

  it('waits as long as others when its registration is removed', async () => {
    const { stage, session } = await sleepingStage();
    await stage.disable();
    expect(stage.host.endedExtensions).toEqual([session]);
  });

  it('waits as long as others when its registration is taken over by another client', async () => {
    const { stage, session } = await sleepingStage();
    await stage.enable('tablet', 'phone');
    expect(stage.host.endedExtensions).toEqual([session]);
  });

  it('waits as long as others when its registration rests', async () => {
    const { stage, session, queue } = await sleepingStage();
    stage.settings.maxErrors = 1;
    stage.answer = rejected;
    await queue();
    await stage.pass(1_000);
    expect(stage.host.endedExtensions).toEqual([session]);
  });

  it('is no concern any more when it has ended', async () => {
    const { stage, session } = await sleepingStage();
    await stage.host.hibernationEnd.fire(session, 'expired');
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(1);
    expect(stage.host.endedExtensions).toEqual([]);
  });

  it('can hibernate again', async () => {
    const { stage, session, queue } = await sleepingStage();
    await queue();
    await stage.pass(1_000);
    await stage.resumes(session);
    await stage.sleeps(session);
    expect(stage.host.extensions).toHaveLength(2);
    await queue();
    await stage.pass(1_000);
    expect(stage.host.endedExtensions).toEqual([session, session]);
  });
});
