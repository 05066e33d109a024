import { describe, expect, it } from 'vitest';
import { gatewayStage } from '../../../../tests/harness/gateway/stage.js';
import { Jid } from '../../../xmpp/jid.js';
import { parseStored } from '../../../xmpp/stored-xml.js';

const key = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 9)]);
const token = `eyJ0eXAiOiJKV1QifQ.e30.c2ln`;

interface Said {
  readonly client?: string | undefined;
  readonly priority?: string;
  readonly isSealed?: boolean;
  readonly hasToken?: boolean;
}

/** As mod_push2 writes it. */
function notificationOf({ client, priority, isSealed = true, hasToken = false }: Said) {
  return parseStored(
    [
      "<notification xmlns='urn:xmpp:push2:0'>",
      client === undefined ? '' : `<client>${client}</client>`,
      priority === undefined ? '' : `<priority>${priority}</priority>`,
      isSealed
        ? "<encrypted xmlns='urn:xmpp:sce:rfc8291:0'><payload>DGv6ra1nlYgDCS1FRnbzlwAAEABB</payload></encrypted>"
        : '',
      hasToken ? `<jwt key='${key.toString('base64')}'>${token}</jwt>` : '',
      '</notification>',
    ].join(''),
  );
}

describe('a message of Push 2.0', () => {
  it('goes to the browser with that endpoint as it is, with its token', async () => {
    const stage = gatewayStage();
    const to = stage.register();
    const said = notificationOf({ client: to.endpoint, priority: 'normal', hasToken: true });
    expect(await stage.notify('example.org', said)).toBe('taken');
    expect(stage.webPush.pushes).toMatchObject([
      { subscription: { endpoint: to.endpoint }, sender: { service: 'gateway', reference: to.node } },
    ]);
    expect(stage.webPush.sealed).toEqual([
      {
        body: Buffer.from('DGv6ra1nlYgDCS1FRnbzlwAAEABB', 'base64'),
        authorization: `vapid t=${token}, k=${key.toString('base64url')}`,
        ttl: 259_200,
        urgency: 'normal',
        topic: undefined,
      },
    ]);
    expect(stage.outcomes()).toEqual(['delivered']);
  });

  it.each([
    ['high', 'high', 60],
    ['normal', 'normal', 259_200],
    ['low', 'low', 259_200],
    [undefined, 'normal', 259_200],
  ] as const)('of priority %s is urgent as %s', async (priority, urgency, ttl) => {
    const stage = gatewayStage();
    const { endpoint: client } = stage.register();
    await stage.notify('example.org', notificationOf({ client, ...(priority && { priority }) }));
    expect(stage.webPush.sealed).toMatchObject([{ urgency, ttl }]);
  });

  it('may say nothing but that something is new', async () => {
    const stage = gatewayStage();
    const { endpoint: client } = stage.register();
    await stage.notify('example.org', notificationOf({ client, isSealed: false, priority: 'high' }));
    await stage.notify('example.org', notificationOf({ client, isSealed: false, priority: 'low' }));
    const all = { v: 1, account: 'ana@example.org', count: 0 };
    expect(stage.webPush.payloads).toEqual([
      { ...all, importance: 'important', kind: 'call' },
      { ...all, importance: 'unimportant', kind: 'other' },
    ]);
  });

  it('may name the endpoint in another way', async () => {
    const stage = gatewayStage();
    const { endpoint } = stage.register();
    const client = ` ${endpoint.replace('updates.', 'UPDATES.').replace('/', ':443/').replace(':443', '')} `;
    expect(await stage.notify('example.org', notificationOf({ client }))).toBe('taken');
  });

  it('of a server of two accounts in one browser goes there once', async () => {
    const stage = gatewayStage();
    const { endpoint: client } = stage.register({ account: 'eve@elsewhere.example' });
    stage.register({ account: 'ana@example.org', endpoint: client });
    stage.register({ account: 'bob@example.org', endpoint: client });
    expect(await stage.notify('example.org', notificationOf({ client }))).toBe('taken');
    expect(await stage.notify('bob@example.org', notificationOf({ client }))).toBe('taken');
    const nodes = stage.store.rows.map(({ node }) => node);
    expect(stage.webPush.pushes.map(({ sender }) => nodes.indexOf(sender.reference))).toEqual([1, 2]);
  });

  it('finds its browser, however many others say that it is theirs', async () => {
    const stage = gatewayStage();
    const { endpoint: client, node } = stage.register();
    for (let count = 0; count < 20; count++) {
      stage.register({ account: `eve${count}@elsewhere.example`, endpoint: client, renewedAt: Date.now() });
    }
    expect(await stage.notify('example.org', notificationOf({ client }))).toBe('taken');
    expect(stage.webPush.pushes).toMatchObject([{ sender: { reference: node } }]);
  });

  it('is answered as a publish is', async () => {
    const stage = gatewayStage();
    const { endpoint: client } = stage.register();
    stage.webPush.answers.push(
      { kind: 'queued', reason: 'x' },
      { kind: 'retry', reason: 'x' },
      { kind: 'rejected', reason: 'x' },
      { kind: 'gone', reason: 'x' },
    );
    const answers: string[] = [];
    for (let count = 0; count < 5; count++)
      answers.push(await stage.notify('example.org', notificationOf({ client })));
    expect(answers).toEqual([
      'taken',
      'wait/service-unavailable',
      'wait/service-unavailable',
      'cancel/item-not-found',
      'cancel/item-not-found',
    ]);
    expect(stage.host.sent).toHaveLength(1);
  });
});

describe('nothing happens for a message of Push 2.0', () => {
  it.each([
    ['without a client', {}, 'modify/bad-request', []],
    [
      'for an unknown endpoint',
      { client: 'https://updates.example.net/x' },
      'cancel/item-not-found',
      ['findByEndpoint'],
    ],
    ['for what is no endpoint', { client: 'd-1' }, 'cancel/item-not-found', []],
    ['for a private address', { client: 'https://127.0.0.1/x' }, 'cancel/item-not-found', []],
  ])('%s', async (_name, said, answer, calls) => {
    const stage = gatewayStage();
    stage.register();
    expect(await stage.notify('example.org', notificationOf(said))).toBe(answer);
    expect(stage.webPush.pushes).toEqual([]);
    expect(stage.store.calls).toEqual(calls);
  });

  it.each([
    ['example.com', 'cancel/item-not-found'],
    ['org', 'cancel/item-not-found'],
    ['bob@example.org', 'cancel/item-not-found'],
    ['ana@example.org/phone', 'auth/forbidden'],
    ['example.org/x', 'auth/forbidden'],
  ])('from %s', async (from, answer) => {
    const stage = gatewayStage();
    const { endpoint: client } = stage.register();
    expect(await stage.notify(from, notificationOf({ client }))).toBe(answer);
    expect(stage.webPush.pushes).toEqual([]);
  });

  it('for who is not on the list', async () => {
    const stage = gatewayStage();
    const { endpoint: client } = stage.register();
    stage.gateway.setAcl([Jid.parse('example.com')]);
    expect(await stage.notify('example.org', notificationOf({ client }))).toBe('auth/forbidden');
    expect(stage.webPush.pushes).toEqual([]);
  });
});
