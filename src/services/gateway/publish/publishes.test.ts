import { describe, expect, it } from 'vitest';
import { notification, publish } from '../../../../tests/harness/gateway/requests.js';
import { gatewayStage } from '../../../../tests/harness/gateway/stage.js';
import { calm } from '../../../../tests/harness/web-push-stage.js';
import { el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import type { PushOutcome } from '../../web-push/web-push.js';

type Stage = ReturnType<typeof gatewayStage>;

/** Nothing came of it: nobody was told, nothing was asked of the database that changes it. */
function expectNothing({ webPush, host, store }: Stage, calls: readonly string[]) {
  expect(webPush.pushes).toEqual([]);
  expect(webPush.withdrawn).toEqual([]);
  expect(host.sent).toEqual([]);
  expect(store.calls).toEqual(calls);
}

describe('a publish', () => {
  it('goes to the browser whose node it names', async () => {
    const stage = gatewayStage();
    stage.register();
    const to = stage.register({ account: 'bob@example.com' });
    expect(await stage.publish(to)).toBe('result');
    expect(stage.webPush.pushes).toHaveLength(1);
    expect(stage.webPush.pushes[0]).toMatchObject({
      subscription: {
        endpoint: to.endpoint,
        origin: 'https://updates.example.net',
        p256dh: to.p256dh,
        auth: to.auth,
      },
      sender: { service: 'gateway', reference: to.node },
      message: { ttl: 259_200, urgency: 'normal' },
    });
    expect(stage.webPush.payloads).toEqual([
      {
        v: 1,
        account: 'bob@example.com',
        count: 1,
        importance: 'important',
        kind: 'message',
        body: 'New Message!',
      },
    ]);
    expect(stage.outcomes()).toEqual(['delivered']);
  });

  it('may be sent in the name of the account', async () => {
    const stage = gatewayStage();
    const to = stage.register();
    expect(await stage.publish(to, undefined, 'ana@example.org')).toBe('result');
    expect(stage.webPush.pushes).toHaveLength(1);
  });

  it('asks the database once', async () => {
    const stage = gatewayStage();
    await stage.publish(stage.register());
    expect(stage.store.calls).toEqual(['find']);
  });
});

describe('nothing happens for a publish', () => {
  it('that is none', async () => {
    const stage = gatewayStage();
    stage.register();
    expect(await stage.receive('example.org', el('pubsub', ns.pubsub))).toBe('modify/bad-request');
    expectNothing(stage, []);
    expect(stage.outcomes()).toEqual(['malformed']);
  });

  it.each([
    ['guessed', 'n-4711'],
    ['of another installation', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['very long', 'A'.repeat(70_000)],
  ])('whose node is %s', async (_name, node) => {
    const stage = gatewayStage();
    const to = stage.register();
    expect(await stage.publish({ ...to, node })).toBe('cancel/item-not-found');
    expectNothing(stage, []);
    expect(stage.outcomes()).toEqual(['unknown']);
  });

  it.each([
    ['without a secret', undefined],
    ['with an empty secret', ''],
    ['with the node as secret', 'node'],
    ['with the secret of another', 'other'],
  ])('%s', async (_name, which) => {
    const stage = gatewayStage();
    const to = stage.register();
    const other = stage.register();
    const secret = which === 'node' ? to.node : which === 'other' ? other.secret : which;
    expect(await stage.receive('example.org', publish(to.node, secret))).toBe('auth/forbidden');
    expectNothing(stage, []);
    expect(stage.outcomes()).toEqual(['forbidden']);
  });

  it.each(['ana@example.org/phone', 'example.org/resource', 'mallory@example.com/x'])(
    'that a client sends, %s',
    async (from) => {
      const stage = gatewayStage();
      const to = stage.register();
      expect(await stage.publish(to, undefined, from)).toBe('auth/forbidden');
      expectNothing(stage, []);
    },
  );

  it.each(['example.com', 'sub.example.org', 'bob@example.org', 'ana@example.com', 'org'])(
    'of somebody who is not the account’s server, %s',
    async (from) => {
      const stage = gatewayStage();
      const to = stage.register();
      expect(await stage.publish(to, undefined, from)).toBe('auth/forbidden');
      expectNothing(stage, ['find']);
    },
  );

  it('whose registration is gone', async () => {
    const stage = gatewayStage();
    const to = stage.register();
    stage.store.rows = [];
    expect(await stage.publish(to)).toBe('cancel/item-not-found');
    expectNothing(stage, ['find']);
    expect(stage.outcomes()).toEqual(['gone']);
  });

  it('for an account that is not on the list any more; until it is again', async () => {
    const stage = gatewayStage();
    const to = stage.register();
    stage.gateway.setAcl([Jid.parse('example.com')]);
    expect(await stage.publish(to)).toBe('auth/forbidden');
    expectNothing(stage, ['find']);
    stage.gateway.setAcl([Jid.parse('ana@example.org')]);
    expect(await stage.publish(to)).toBe('result');
  });

  it('while the storage fails', async () => {
    const stage = gatewayStage();
    const to = stage.register();
    stage.store.failure = new Error('disk full');
    expect(await stage.publish(to)).toBe('wait/internal-server-error');
    expectNothing(stage, ['find']);
    expect(stage.recorded.map(({ name }) => name)).toEqual(['storageFailed', 'gatewayPublish']);
  });

  it('whose client wants what is important alone: it is accepted', async () => {
    const stage = gatewayStage();
    const to = stage.register({ onlyImportant: true });
    expect(await stage.publish(to, notification({ 'message-count': '1' }))).toBe('result');
    expectNothing(stage, ['find']);
    expect(stage.outcomes()).toEqual(['unwanted']);
    expect(await stage.publish(to)).toBe('result');
    expect(stage.webPush.pushes).toHaveLength(1);
  });
});

it('what is told of publishes is neither secret nor somebody’s words', async () => {
  const stage = gatewayStage();
  const to = stage.register();
  const words = { 'last-message-body': 'Wherefore', 'last-message-sender': 'romeo@example.net' };
  await stage.publish(to, notification(words));
  stage.webPush.answers.push({ kind: 'rejected', reason: 'status 403' }, { kind: 'gone', reason: 'x' });
  await stage.publish(to, notification(words));
  await stage.publish({ ...to, secret: 'no' }, notification(words));
  await stage.publish(to, notification(words));
  const told = JSON.stringify(stage.recorded);
  for (const secret of [to.node, to.secret, to.endpoint, to.device, 'Wherefore', 'romeo'])
    if (secret !== '') expect(told).not.toContain(secret);
});

describe('the answer to a publish', () => {
  const queued: PushOutcome = { kind: 'queued', reason: 'status 503' };
  const retry: PushOutcome = { kind: 'retry', reason: 'too many wait' };
  const rejected: PushOutcome = { kind: 'rejected', reason: 'status 403' };
  const gone: PushOutcome = { kind: 'gone', reason: 'status 410' };

  it.each([
    [{ kind: 'delivered' } as PushOutcome, 'result', 'delivered'],
    [queued, 'result', 'queued'],
    [retry, 'wait/service-unavailable', 'retry'],
    [rejected, 'wait/service-unavailable', 'rejected'],
    [gone, 'cancel/item-not-found', 'gone'],
  ])('%o is %s', async (outcome, answer, told) => {
    const stage = gatewayStage();
    stage.webPush.answers.push(outcome);
    expect(await stage.publish(stage.register())).toBe(answer);
    expect(stage.outcomes()).toEqual([told]);
  });

  it('comes after ten seconds at the latest: then it is on disk', async () => {
    const stage = gatewayStage();
    stage.webPush.answer = (signal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(queued)));
    const to = stage.register();
    let answer = 'none';
    void stage.publish(to).then((given) => {
      answer = given;
    });
    await calm();
    stage.clock.advance(9_999);
    await calm();
    expect([answer, stage.webPush.signals[0]?.aborted]).toEqual(['none', false]);
    stage.clock.advance(1);
    await calm();
    expect(answer).toBe('result');
    expect(stage.outcomes()).toEqual(['queued']);
  });

  it('leaves no timer behind', async () => {
    const stage = gatewayStage();
    await stage.publish(stage.register());
    expect(stage.clock.pending).toEqual([]);
  });
});

describe('a stop', () => {
  it('ends what waits for push services, and waits until it is on disk', async () => {
    const stage = gatewayStage();
    let store: () => void = () => undefined;
    stage.webPush.answer = (signal) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          store = () => resolve({ kind: 'queued', reason: 'ended' });
        }),
      );
    const answer = stage.publish(stage.register());
    await calm();
    let isStopped = false;
    const stopping = stage.gateway.stop().then(() => {
      isStopped = true;
    });
    await calm();
    expect(isStopped).toBe(false);
    store();
    await stopping;
    expect(await answer).toBe('result');
    expect(stage.clock.pending).toEqual([]);
  });

  it('has what comes afterwards put on disk at once', async () => {
    const stage = gatewayStage();
    await stage.gateway.stop();
    await stage.publish(stage.register());
    expect(stage.webPush.signals[0]?.aborted).toBe(true);
  });
});

describe('disco#info', () => {
  it('says what it is, and which key browsers subscribe with', () => {
    const { host, webPush } = gatewayStage();
    const features = host.advertised.flatMap(({ features: some = [] }) => some);
    expect(features).toContain(ns.push);
    expect(features).toContain(ns.commands);
    expect(host.advertised.flatMap(({ identities = [] }) => identities)).toContainEqual(
      expect.objectContaining({ category: 'pubsub', type: 'push' }),
    );
    const forms = host.advertised.flatMap(({ forms: some = [] }) => some);
    expect(forms).toContainEqual(
      expect.objectContaining({
        fields: expect.arrayContaining([{ var: 'webpush#public-key', values: [webPush.publicKey] }]),
      }),
    );
  });
});

it('a registration is gone for its server, too, when it is for the push service', async () => {
  const stage = gatewayStage();
  const to = stage.register();
  stage.webPush.answers.push({ kind: 'gone', reason: 'status 410' });
  await stage.publish(to);
  expect(stage.store.rows).toEqual([]);
  expect(stage.webPush.withdrawn).toEqual([`${to.endpoint} gateway ${to.node}`]);
  expect(stage.host.sent.map((stanza) => serialize(stanza))).toEqual([
    `<message xmlns='jabber:client' to='ana@example.org' type='headline'><pubsub xmlns='http://jabber.org/protocol/pubsub' node='${to.node}'><affiliation jid='ana@example.org' affiliation='none'/></pubsub><no-store xmlns='urn:xmpp:hints'/></message>`,
  ]);
  expect(stage.recorded).toContainEqual({
    name: 'gatewayUnregistered',
    account: 'ana@example.org',
    why: 'gone',
  });
  expect(await stage.publish(to)).toBe('cancel/item-not-found');
  expect(stage.webPush.pushes).toHaveLength(1);
});
