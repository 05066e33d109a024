import { createECDH, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Fields,
  RegistrationStage,
  submitted,
  subscriptionAt,
} from '../../../../tests/harness/gateway/registration-stage.js';
import { fieldValue } from '../../../xmpp/data-form.js';
import { Jid } from '../../../xmpp/jid.js';
import { compileAcl } from '../../acl.js';
import { changeLimit } from '../../change-limit.js';
import { maxQuestions } from '../../subscriptions/door.js';

const ana = 'ana@example.org';
let stage: RegistrationStage;
beforeEach(() => {
  stage = new RegistrationStage();
});

/** The fields of a browser's registration. */
const fieldsOf = (path: string, device = path, more: Fields = {}): Fields => ({
  ...subscriptionAt(path),
  'device-id': device,
  ...more,
});
const refusal = (type: string, condition: string, text: RegExp) => ({
  name: 'StanzaError',
  type,
  condition,
  text: expect.stringMatching(text),
});
const inQueue = (path: string, node: string) => `https://push.example.net/s/${path} gateway ${node}`;

describe('a browser that is registered', () => {
  it('is kept, and its client gets by what a server is to publish for it', async () => {
    const fields = fieldsOf('phone', 'd-1');
    const { jid, node, secret } = await stage.register(fields);
    expect(jid).toBe('push.example.org');
    expect(stage.credentials.check(node, secret)).toBe('valid');
    expect(stage.store.rows).toEqual([
      {
        ...{ node, account: ana, device: 'd-1', endpoint: fields['endpoint'] },
        p256dh: new Uint8Array(Buffer.from(String(fields['p256dh']), 'base64url')),
        auth: new Uint8Array(Buffer.from(String(fields['auth']), 'base64url')),
        ...{ onlyImportant: false, renewedAt: stage.now, failures: 0 },
      },
    ]);
    expect(stage.recording.recorded).toEqual([
      { name: 'gatewayRegistered', account: ana, origin: 'https://push.example.net' },
    ]);
    expect(stage.asked).toEqual(['push.example.net']);
  });

  it('has the same node and secret when it comes again, from whichever session', async () => {
    const first = await stage.register(fieldsOf('old', 'd-1'));
    stage.now += 1000;
    const again = await stage.register(fieldsOf('new', 'd-1'), `${ana}/another`);
    expect(again).toEqual(first);
    expect(stage.store.rows).toMatchObject([{ endpoint: 'https://push.example.net/s/new' }]);
    expect(stage.webPush.withdrawn).toEqual([inQueue('old', first.node)]);
    expect(stage.told).toEqual([]);
  });

  it('loses nothing of what waits for it when it comes again as it was', async () => {
    const fields = fieldsOf('phone');
    await stage.register(fields);
    await stage.register(fields);
    expect(stage.webPush.withdrawn).toEqual([]);
  });

  it('has another node and secret than others, of its account and of others', async () => {
    const fields = fieldsOf('shared', 'd-1');
    const nodes = [
      await stage.register(fields),
      await stage.register(fields, 'ben@example.org/web'),
      await stage.register(fieldsOf('tablet', 'd-2')),
    ];
    expect(new Set(nodes.flatMap(({ node, secret }) => [node, secret])).size).toBe(6);
    expect(stage.store.rows).toHaveLength(3);
    expect(stage.webPush.withdrawn).toEqual([]);
  });

  it('is no longer registered by another name', async () => {
    const before = await stage.register(fieldsOf('phone', 'before'));
    await stage.register(fieldsOf('phone', 'after'));
    expect(await stage.devices()).toEqual(['after']);
    expect(stage.webPush.withdrawn).toEqual([inQueue('phone', before.node)]);
    expect(stage.told).toEqual([{ name: 'gatewayUnregistered', account: ana, why: 'replaced' }]);
  });

  it('goes for another, if it was not renewed for longest and there are too many', async () => {
    stage.maxDevices = 2;
    const first = await stage.register(fieldsOf('first'));
    const registered = [first];
    for (const path of ['second', 'third']) {
      stage.now += 1000;
      registered.push(await stage.register(fieldsOf(path)));
    }
    expect(await stage.devices()).toEqual(['third', 'second']);
    expect(stage.webPush.withdrawn).toEqual([inQueue('first', first.node)]);
    expect(stage.told).toEqual([{ name: 'gatewayUnregistered', account: ana, why: 'too many' }]);
    stage.maxDevices = 1;
    await stage.register(fieldsOf('third'));
    expect(await stage.devices()).toEqual(['third']);
  });

  it.each([
    ['1', true],
    ['true', true],
    [' true ', true],
    ['0', false],
    ['false', false],
    ['', false],
  ])('is told of important things alone, as it says: %j', async (value, onlyImportant) => {
    await stage.register(fieldsOf('phone', 'd-1', { 'important-only': value }));
    expect(stage.store.rows).toMatchObject([{ onlyImportant }]);
  });

  it('may say what nobody here knows', async () => {
    await stage.register(fieldsOf('phone', 'd-1', { muc: 'team@rooms.example.org', FORM_TYPE: 'x' }));
    expect(stage.store.rows).toHaveLength(1);
  });

  it('may have a name of 256 bytes, and not of one more', async () => {
    const name = '🔔'.repeat(64);
    await stage.register(fieldsOf('phone', name));
    expect(await stage.devices()).toEqual([name]);
    await expect(stage.register(fieldsOf('phone', `${name}x`))).rejects.toMatchObject(
      refusal('modify', 'bad-request', /device-id has more than 256 bytes/),
    );
  });
});

describe('whoever asks without a form', () => {
  it('is asked for all that there is, with what a browser has to subscribe with', async () => {
    const answer = await stage.run('register-push-webpush', `${ana}/gajim`);
    expect(answer).toMatchObject({ kind: 'form', form: { type: 'form' } });
    const form = answer.form ?? submitted({});
    expect(form.instructions?.join()).toContain(stage.webPush.publicKey);
    expect(form.fields.map((field) => [field.var, field.type, field.required ?? false])).toEqual([
      ['endpoint', 'text-single', true],
      ['p256dh', 'text-single', true],
      ['auth', 'text-single', true],
      ['device-id', 'text-single', true],
      ['important-only', 'boolean', false],
    ]);
    expect(form.fields.every(({ label = '', description = '' }) => label !== '' && description !== '')).toBe(
      true,
    );
    // What is wrong with a field is told by its name, and the label is what people see.
    const asked = form.fields.filter(({ required }) => required);
    expect(asked.filter(({ var: name, label = '' }) => !label.toLowerCase().includes(name ?? ''))).toEqual(
      [],
    );
    expect(stage.store.calls).toEqual([]);
  });

  it('is answered with labels', async () => {
    const answer = await stage.run('register-push-webpush', `${ana}/gajim`, submitted(fieldsOf('phone')));
    expect(answer.kind).toBe('completed');
    const form = answer.kind === 'completed' ? answer.form : undefined;
    expect(form?.fields.map(({ label }) => label)).toEqual(['JID', 'Node', 'Secret']);
    expect(form && fieldValue(form, 'jid')).toBe('push.example.org');
  });
});

describe('who may not use the service', () => {
  it.each(['eve@example.net/web', 'example.org', 'example.org/resource'])(
    'is told so, with a form and without: %s',
    async (from) => {
      const forbidden = refusal('auth', 'forbidden', /may not use/);
      await expect(stage.run('register-push-webpush', from)).rejects.toMatchObject(forbidden);
      await expect(stage.register(fieldsOf('phone'), from)).rejects.toMatchObject(forbidden);
      expect(stage.store.calls).toEqual([]);
      expect(stage.asked).toEqual([]);
      const jid = from.replace(/\/.*/, '');
      const told = { name: 'gatewayRefused', jid, reason: expect.stringContaining('may not use') };
      expect(stage.recording.recorded).toEqual([told, told]);
    },
  );

  it.each(['ana@example.org/phone', 'example.org/phone'])(
    'is who is on the list as a session alone (%s): nothing could be published for its account',
    async (entry) => {
      stage.acl = compileAcl([Jid.parse(entry)]);
      const forbidden = refusal('auth', 'forbidden', /may not use/);
      await expect(stage.register(fieldsOf('phone'), `${ana}/phone`)).rejects.toMatchObject(forbidden);
    },
  );

  it('is found out by the list of the moment', async () => {
    stage.acl = compileAcl([]);
    await expect(stage.register(fieldsOf('phone'))).rejects.toMatchObject({ condition: 'forbidden' });
  });
});

describe('a form that cannot be used', () => {
  const otherCurve = createECDH('secp256k1').generateKeys('base64url');
  const largerCurve = createECDH('secp384r1').generateKeys('base64url');
  const compressed = createECDH('prime256v1').generateKeys('base64url', 'compressed');
  const wrong: readonly [string, Fields, RegExp][] = [
    ['no endpoint', { endpoint: [] }, /endpoint is missing/],
    ['no p256dh', { p256dh: [] }, /p256dh is missing/],
    ['no auth', { auth: [] }, /auth is missing/],
    ['no device', { 'device-id': [] }, /device-id is missing/],
    ['an empty device', { 'device-id': '' }, /device-id is missing/],
    ['a device of nothing but space', { 'device-id': ' \n' }, /device-id is missing/],
    ['two endpoints', { endpoint: ['https://a.example/', 'https://b.example/'] }, /more than one endpoint/],
    ['two devices', { 'device-id': ['a', 'b'] }, /more than one device-id/],
    ['ten thousand devices', { 'device-id': Array(10_000).fill('a') }, /more than one device-id/],
    ['a device of a megabyte', { 'device-id': 'x'.repeat(1024 * 1024) }, /device-id has more than 256/],
    ['a key of another curve', { p256dh: otherCurve }, /p256dh cannot be used.*P-256/],
    ['a key of a larger curve', { p256dh: largerCurve }, /p256dh cannot be used/],
    ['a compressed key', { p256dh: compressed }, /p256dh cannot be used/],
    ['a key of nothing', { p256dh: Buffer.alloc(65).toString('base64url') }, /p256dh cannot be used/],
    ['a short secret', { auth: randomBytes(15).toString('base64url') }, /auth cannot be used/],
    ['keys of a megabyte', { auth: 'A'.repeat(1024 * 1024) }, /auth cannot be used/],
    ['what is neither true nor false', { 'important-only': 'maybe' }, /important-only is true or false/],
    ['both true and false', { 'important-only': ['0', '1'] }, /more than one important-only/],
  ];

  it.each(wrong)('is refused, with what is wrong: %s', async (_, fields, text) => {
    const form = submitted(fieldsOf('phone', 'd-1', fields));
    const answer = stage.run('register-push-webpush', `${ana}/web`, form);
    await expect(answer).rejects.toMatchObject({
      ...refusal('modify', 'bad-request', text),
      detail: { name: 'bad-payload', ns: 'http://jabber.org/protocol/commands' },
    });
    expect(stage.store.calls).toEqual([]);
    expect(stage.asked).toEqual([]);
    expect(stage.recording.recorded).toMatchObject([{ name: 'gatewayRefused', jid: ana }]);
  });

  it('is refused when a field comes twice', async () => {
    const form = submitted(fieldsOf('phone'));
    const twice = { ...form, fields: [...form.fields, { var: 'auth', values: ['AAAA'] }] };
    await expect(stage.run('register-push-webpush', ana, twice)).rejects.toMatchObject({
      text: 'There is more than one auth.',
    });
  });

  it('is read though ten thousand fields stand around what counts', async () => {
    const many = Array.from({ length: 10_000 }, (_, at) => ({ var: `f${at}`, values: ['x'] }));
    const form = submitted(fieldsOf('phone'));
    const answer = await stage.run('register-push-webpush', ana, {
      ...form,
      fields: [...many, ...form.fields],
    });
    expect(answer.kind).toBe('completed');
  });

  it('is refused when nothing may be sent where its endpoint leads', async () => {
    const policy = refusal('modify', 'policy-violation', /endpoint cannot be used/);
    for (const endpoint of ['http://push.example.net/', 'https://127.0.0.1/s', 'ftp://x', 'no URL']) {
      await expect(stage.register(fieldsOf('phone', 'd-1', { endpoint }))).rejects.toMatchObject(policy);
    }
    expect(stage.asked).toEqual([]);
    stage.whyNot = 'Its host is not in the public network.';
    await expect(stage.register(fieldsOf('phone'))).rejects.toMatchObject(policy);
    expect(stage.store.calls).toEqual([]);
  });
});

describe('clients that register again and again', () => {
  it('are let through as often as an account may change something', async () => {
    const fields = fieldsOf('phone');
    for (let i = 0; i < changeLimit.each; i++) await stage.register(fields);
    await expect(stage.register(fields)).rejects.toMatchObject(
      refusal('wait', 'resource-constraint', /Too many/),
    );
    await stage.register(fields, 'ben@example.org/web');
    stage.now += changeLimit.duration;
    await stage.register(fields);
  });

  it('do not have more names asked for at once than they may', async () => {
    const ends = await Promise.allSettled(
      Array.from({ length: 2 * maxQuestions }, (_, at) => stage.register(fieldsOf(String(at)))),
    );
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(maxQuestions);
  });
});

describe('a store that fails', () => {
  it('is told to the operator, and to the client that it may come again', async () => {
    stage.store.failure = new Error('disk full');
    await expect(stage.register(fieldsOf('phone'))).rejects.toMatchObject(
      refusal('wait', 'internal-server-error', /storage failed/),
    );
    expect(stage.recording.recorded).toMatchObject([
      { name: 'storageFailed', error: stage.store.failure },
      { name: 'gatewayRefused', jid: ana },
    ]);
    expect(stage.webPush.withdrawn).toEqual([]);
  });
});

describe('what events tell', () => {
  it('has nothing in it that was given in confidence', async () => {
    stage.maxDevices = 1;
    const secrets: string[] = [];
    for (const path of ['confidential-1', 'confidential-2']) {
      const fields = fieldsOf(path, `name-of-${path}`);
      secrets.push(...Object.values(fields).map(String));
      const { node, secret } = await stage.register(fields);
      secrets.push(node, secret);
      const bad = { ...fields, auth: `${path}-is-no-key`, 'important-only': `${path}-flag` };
      await stage.register(bad).catch(() => undefined);
      await stage.register({ ...fields, 'important-only': `${path}-flag` }).catch(() => undefined);
      await stage.register({ ...fields, endpoint: `https://127.0.0.1/${path}` }).catch(() => undefined);
    }
    await stage.unregister('name-of-confidential-2');
    await stage.unregister('name-of-confidential-3').catch(() => undefined);
    const text = JSON.stringify(stage.recording.recorded);
    expect(stage.recording.recorded.length).toBeGreaterThan(8);
    for (const secret of [...secrets, 'confidential']) expect(text).not.toContain(secret);
  });
});
