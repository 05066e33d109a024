import { beforeEach, describe, expect, it } from 'vitest';
import {
  RegistrationStage,
  submitted,
  subscriptionAt,
} from '../../../../tests/harness/gateway/registration-stage.js';
import { changeLimit } from '../../change-limit.js';
import { refusedCommands } from './commands.js';

const ana = 'ana@example.org';
const notFound = { name: 'StanzaError', type: 'cancel', condition: 'item-not-found' };
let stage: RegistrationStage;
beforeEach(() => {
  stage = new RegistrationStage();
});

const register = (device: string, from?: string) =>
  stage.register({ ...subscriptionAt(device), 'device-id': device }, from);

describe('a browser that is unregistered', () => {
  it('is gone, with what waits for it, and no other is', async () => {
    const { node } = await register('phone');
    await register('tablet');
    await register('phone', 'ben@example.org/web');
    const answer = await stage.unregister('phone');
    expect(answer).toEqual({ kind: 'completed', note: expect.any(String) });
    expect(await stage.devices()).toEqual(['tablet']);
    expect(await stage.devices('ben@example.org')).toEqual(['phone']);
    expect(stage.webPush.withdrawn).toEqual([`https://push.example.net/s/phone gateway ${node}`]);
    expect(stage.told).toEqual([{ name: 'gatewayUnregistered', account: ana, why: 'client' }]);
  });

  it('gets another node and secret when it comes back', async () => {
    const before = await register('phone');
    await stage.unregister('phone');
    const after = await register('phone');
    expect(after.node).not.toBe(before.node);
    expect(after.secret).not.toBe(before.secret);
  });

  it('is not there a second time, nor for others', async () => {
    await register('phone');
    await expect(stage.unregister('phone', 'ben@example.org/web')).rejects.toMatchObject(notFound);
    await expect(stage.unregister('tablet')).rejects.toMatchObject(notFound);
    await stage.unregister('phone');
    await expect(stage.unregister('phone')).rejects.toMatchObject(notFound);
  });
});

describe('whoever asks without a form', () => {
  it('may choose among the devices of the account, the one that was registered last first', async () => {
    await register('phone');
    await register('other', 'ben@example.org/web');
    stage.now += 24 * 60 * 60 * 1000;
    await register('tablet');
    const answer = await stage.run('unregister-push-webpush', `${ana}/gajim`);
    expect(answer).toMatchObject({ kind: 'form', form: { type: 'form' } });
    expect(answer.form?.fields).toEqual([
      {
        ...{ var: 'device-id', type: 'list-single', label: 'Device', required: true, values: [] },
        options: [
          { value: 'tablet', label: 'tablet (push.example.net, registered on 2026-11-22)' },
          { value: 'phone', label: 'phone (push.example.net, registered on 2026-11-21)' },
        ],
      },
    ]);
    expect(JSON.stringify(answer)).not.toContain('/s/');
    await stage.run('unregister-push-webpush', ana, submitted({ 'device-id': 'tablet' }));
    expect(await stage.devices()).toEqual(['phone']);
  });

  it('is told so if there is none', async () => {
    await expect(stage.run('unregister-push-webpush', ana)).rejects.toMatchObject(notFound);
  });
});

describe('a request to unregister', () => {
  it('is for who may use the service', async () => {
    for (const from of ['eve@example.net/web', 'example.org']) {
      const forbidden = { condition: 'forbidden', type: 'auth' };
      await expect(stage.unregister('phone', from)).rejects.toMatchObject(forbidden);
      await expect(stage.run('unregister-push-webpush', from)).rejects.toMatchObject(forbidden);
    }
    expect(stage.store.calls).toEqual([]);
  });

  it('names one device', async () => {
    for (const [values, text] of [
      [[], 'The device-id is missing.'],
      [['a', 'b'], 'There is more than one device-id.'],
      [['x'.repeat(257)], 'The device-id has more than 256 bytes.'],
    ] as const) {
      const answer = stage.run('unregister-push-webpush', ana, submitted({ 'device-id': values }));
      await expect(answer).rejects.toMatchObject({
        condition: 'bad-request',
        text,
        detail: { name: 'bad-payload' },
      });
    }
    expect(stage.store.calls).toEqual([]);
  });

  it('is let through as often as an account may change something', async () => {
    for (let i = 0; i < changeLimit.each; i++)
      await expect(stage.unregister('phone')).rejects.toMatchObject(notFound);
    const before = stage.store.calls.length;
    for (const form of [undefined, submitted({ 'device-id': 'phone' })])
      await expect(stage.run('unregister-push-webpush', ana, form)).rejects.toMatchObject({
        ...{ type: 'wait', condition: 'resource-constraint' },
      });
    expect(stage.store.calls).toHaveLength(before);
    await expect(stage.unregister('phone', 'ben@example.org')).rejects.toMatchObject(notFound);
    stage.now += changeLimit.duration;
    await expect(stage.unregister('phone')).rejects.toMatchObject(notFound);
  });

  it('fails with the store, which the operator is told', async () => {
    stage.store.failure = new Error('disk full');
    for (const form of [undefined, submitted({ 'device-id': 'phone' })])
      await expect(stage.run('unregister-push-webpush', ana, form)).rejects.toMatchObject({
        ...{ type: 'wait', condition: 'internal-server-error' },
      });
    expect(stage.told).toMatchObject([{ name: 'storageFailed' }, { name: 'storageFailed' }]);
  });
});

describe('commands of other app servers', () => {
  it('are refused with the name of the one that there is', () => {
    expect([...refusedCommands.keys()].sort()).toEqual([
      ...['register-push-apns', 'register-push-fcm'],
      ...['unregister-push-apns', 'unregister-push-fcm'],
    ]);
    for (const refuse of refusedCommands.values())
      expect(refuse()).toMatchObject({
        ...{ type: 'cancel', condition: 'feature-not-implemented' },
        text: expect.stringMatching(/register-push-webpush.*endpoint.*p256dh.*auth.*device-id/),
      });
  });
});
