import { describe, expect, it } from 'vitest';
import { gatewayStage } from '../../../../tests/harness/gateway/stage.js';
import { calm } from '../../../../tests/harness/web-push-stage.js';
import type { PushOutcome, Settled } from '../../web-push/web-push.js';
import { mostFailures } from './fate.js';

const rejected = { kind: 'rejected', reason: 'status 403' } as const;
const gone = { kind: 'gone', reason: 'status 410' } as const;
const delivered = { kind: 'delivered' } as const;

/** A registration, and what is known of it after publishes that have ended so. */
function stageOf(failures = 0) {
  const stage = gatewayStage();
  const to = stage.register({ failures });
  return {
    ...stage,
    to,
    async publishEnding(...outcomes: readonly PushOutcome[]) {
      stage.webPush.answers.push(...outcomes);
      const answers: string[] = [];
      for (const _outcome of outcomes) answers.push(await stage.publish(to));
      return answers;
    },
    async settle(outcome: Settled['outcome'], some: Partial<Settled> = {}) {
      stage.webPush.settle('gateway', {
        endpoint: to.endpoint,
        reference: to.node,
        outcome,
        ...some,
      });
      await calm();
    },
    /** The device registers another subscription. */
    move(endpoint: string) {
      stage.store.rows = stage.store.rows.map((row) => ({ ...row, endpoint }));
    },
    failures: () => stage.store.rows[0]?.failures,
    removals: () =>
      stage.recorded.flatMap((event) => (event.name === 'gatewayUnregistered' ? [event.why] : [])),
  };
}

describe('refusals', () => {
  it('are counted, until a message is taken', async () => {
    const stage = stageOf();
    await stage.publishEnding(rejected, rejected);
    expect(stage.failures()).toBe(2);
    await stage.publishEnding(delivered);
    expect(stage.failures()).toBe(0);
  });

  it('remove the registration when there were sixteen in a row', async () => {
    const stage = stageOf();
    const answers = await stage.publishEnding(...Array.from({ length: mostFailures }, () => rejected));
    expect(mostFailures).toBe(16);
    expect(answers).toEqual([
      ...Array.from({ length: 15 }, () => 'wait/service-unavailable'),
      'cancel/item-not-found',
    ]);
    expect(stage.store.rows).toEqual([]);
    expect(stage.removals()).toEqual(['rejected']);
    expect(stage.host.sent).toHaveLength(1);
    expect(stage.webPush.withdrawn).toEqual([`${stage.to.endpoint} gateway ${stage.to.node}`]);
  });

  it.each([
    { kind: 'queued', reason: 'x' },
    { kind: 'retry', reason: 'x' },
  ] as const)('are neither more nor fewer by what is %o', async (outcome) => {
    const stage = stageOf(7);
    await stage.publishEnding(outcome);
    expect(stage.failures()).toBe(7);
    expect(stage.store.calls).toEqual(['find']);
  });

  it('cost the database nothing while all is well', async () => {
    const stage = stageOf();
    await stage.publishEnding(delivered, delivered);
    expect(stage.store.calls).toEqual(['find', 'find']);
  });
});

describe('what is known of a message later', () => {
  it('counts as if it had been known at once', async () => {
    const stage = stageOf(3);
    await stage.settle(rejected);
    expect(stage.failures()).toBe(4);
    await stage.settle(delivered);
    expect(stage.failures()).toBe(0);
    await stage.settle(gone);
    expect(stage.store.rows).toEqual([]);
    expect(stage.removals()).toEqual(['gone']);
    expect(stage.host.sent).toHaveLength(1);
    expect(stage.outcomes()).toEqual([]);
  });

  it('removes what was refused for the sixteenth time', async () => {
    const stage = stageOf(15);
    await stage.settle(rejected);
    expect(stage.removals()).toEqual(['rejected']);
  });

  it('does not matter for another endpoint, or another registration', async () => {
    const stage = stageOf(3);
    await stage.settle(gone, { endpoint: 'https://updates.example.net/former' });
    await stage.settle(gone, { reference: 'n-4711' });
    expect(stage.failures()).toBe(3);
    expect(stage.removals()).toEqual([]);
  });

  it('waits for the next one if the storage fails', async () => {
    const stage = stageOf(3);
    stage.store.failure = new Error('disk full');
    await stage.settle(gone);
    stage.store.failure = undefined;
    expect(stage.failures()).toBe(3);
    expect(stage.recorded.map(({ name }) => name)).toEqual(['storageFailed']);
  });

  it('is not looked at after a stop: it comes to light again', async () => {
    const stage = stageOf();
    await stage.gateway.stop();
    await stage.settle(gone);
    expect(stage.store.calls).toEqual([]);
  });
});

describe('what waits is still for somebody', () => {
  it('as long as the registration has that endpoint', async () => {
    const { webPush, store, to } = stageOf();
    const at = (endpoint: string, reference: string) => webPush.isWanted('gateway', { endpoint, reference });
    expect(await at(to.endpoint, to.node)).toBe(true);
    expect(await at('https://updates.example.net/former', to.node)).toBe(false);
    expect(await at(to.endpoint, 'n-4711')).toBe(false);
    store.failure = new Error('disk full');
    await expect(at(to.endpoint, to.node)).rejects.toThrow('disk full');
  });
});

describe('a registration whose push service says that it is gone', () => {
  it('stays if it has another endpoint meanwhile, which gets the message', async () => {
    const stage = stageOf();
    stage.webPush.answer = async () => {
      if (stage.webPush.pushes.length > 1) return delivered;
      stage.move('https://updates.example.net/new');
      return gone;
    };
    expect(await stage.publish(stage.to)).toBe('result');
    expect(stage.webPush.pushes.map(({ subscription }) => subscription.endpoint)).toEqual([
      stage.to.endpoint,
      'https://updates.example.net/new',
    ]);
    expect(stage.store.rows).toHaveLength(1);
    expect(stage.host.sent).toEqual([]);
    expect(stage.outcomes()).toEqual(['delivered']);
  });

  it('stays if it has another endpoint again and again: its server is to try later', async () => {
    const stage = stageOf();
    stage.webPush.answer = async () => {
      stage.move(`https://updates.example.net/${stage.webPush.pushes.length}`);
      return gone;
    };
    expect(await stage.publish(stage.to)).toBe('wait/service-unavailable');
    expect(stage.webPush.pushes).toHaveLength(2);
    expect(stage.host.sent).toEqual([]);
    expect(stage.outcomes()).toEqual(['retry']);
  });

  it('is known to be gone if somebody else has removed it meanwhile', async () => {
    const stage = stageOf();
    stage.webPush.answer = async () => {
      stage.store.rows = [];
      return gone;
    };
    expect(await stage.publish(stage.to)).toBe('cancel/item-not-found');
    expect(stage.webPush.pushes).toHaveLength(1);
    expect(stage.host.sent).toEqual([]);
    expect(stage.removals()).toEqual([]);
  });

  it('is said to be so only once that is on disk', async () => {
    const stage = stageOf();
    stage.webPush.answer = async () => {
      stage.store.failure = new Error('disk full');
      return gone;
    };
    expect(await stage.publish(stage.to)).toBe('wait/internal-server-error');
    expect(stage.host.sent).toEqual([]);
    expect(stage.removals()).toEqual([]);
  });
});

it('a count that cannot be written changes nothing of the answer', async () => {
  const stage = stageOf(3);
  stage.webPush.answer = async () => {
    stage.store.failure = new Error('disk full');
    return delivered;
  };
  expect(await stage.publish(stage.to)).toBe('result');
  expect(stage.outcomes()).toEqual(['delivered']);
});
