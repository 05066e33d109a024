import { createECDH, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DataForm, fieldValue, formToElement, parseForm } from '../../src/xmpp/data-form.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { Phone } from '../harness/cloud-notify/phone.js';
import { verdictOf } from '../harness/gateway/ask-all.js';
import { type Credentials, credentialsIn, register, unregister } from '../harness/gateway/requests.js';
import { type GatewayPlace, startGatewayPlace } from '../harness/gateway/world.js';
import { runBelfry } from '../harness/run-belfry.js';
import type { WebSubscription } from '../harness/web-push/browser.js';

/** A subscription at a push service where nobody asks whether it is there: an address needs no DNS. */
const subscribe = (): WebSubscription => ({
  endpoint: `https://9.9.9.9/push/${randomBytes(12).toString('hex')}`,
  p256dh: createECDH('prime256v1').generateKeys('base64url'),
  auth: randomBytes(16).toString('base64url'),
});

/** A step of a person's client: Gajim, Psi or Conversations. */
function step(node: string, attributes: Readonly<Record<string, string>>, form?: DataForm): Element {
  return el('command', ns.commands, { node, ...attributes }, ...(form ? [formToElement(form)] : []));
}

function formIn(answer: Element): DataForm {
  const x = answer.child('command', ns.commands)?.child('x', ns.dataForms);
  const form = x && parseForm(x);
  if (form === undefined) throw new Error(`an answer without a form: ${verdictOf(answer)}`);
  return form;
}

const statusOf = (answer: Element) => answer.child('command', ns.commands)?.attr('status');

describe('registration with the gateway of a component', () => {
  let place: GatewayPlace;
  const settings = { max_devices: 3 };
  beforeAll(async () => {
    place = await startGatewayPlace({ gateway: settings });
  });
  afterAll(() => place?.stop());

  const ask = (payload: Element, account: string) =>
    place.server.current.ask('set', `${account}/client`, payload);
  const registerAs = async (account: string, device: string, subscription = subscribe()) =>
    credentialsIn(await ask(register(subscription, device), account));
  const verdict = async (payload: Element, account: string) => verdictOf(await ask(payload, account));
  const reload = (gateway: object) => place.belfry.reload({ more: { gateway: { ...settings, ...gateway } } });

  /** The account's devices as a person's client shows them. */
  async function devicesOf(account: string): Promise<readonly string[]> {
    const form = formIn(await ask(step('unregister-push-webpush', { action: 'execute' }), account));
    return form.fields.flatMap(({ options = [] }) => options.map(({ value }) => value));
  }

  it('gives each device a node and a secret, and the same again when it renews them', async () => {
    const ana = 'ana@example.org';
    const phone = await registerAs(ana, 'phone');
    const tablet = await registerAs(ana, 'tablet');
    const other = await registerAs('ben@example.org', 'phone');
    expect(new Set([phone, tablet, other].flatMap(({ node, secret }) => [node, secret])).size).toBe(6);
    expect(phone.jid).toBe('push.example.org');
    expect(await registerAs(ana, 'phone')).toEqual(phone);
    expect(await devicesOf(ana)).toEqual(['phone', 'tablet']);
  });

  it('lasts, however the process ends', async () => {
    const cora = 'cora@example.org';
    const subscription = subscribe();
    const before = await registerAs(cora, 'phone', subscription);
    await place.belfry.kill('SIGKILL');
    await place.belfry.restart();
    expect(await devicesOf(cora)).toEqual(['phone']);
    expect(await registerAs(cora, 'phone', subscription)).toEqual(before);
    await place.belfry.restart();
    expect(await registerAs(cora, 'phone')).toEqual(before);
  });

  it('ends when a client says so', async () => {
    const dora = 'dora@example.org';
    const before = await registerAs(dora, 'phone');
    await registerAs(dora, 'tablet');
    expect(await verdict(unregister('phone'), dora)).toBe('result');
    expect(await devicesOf(dora)).toEqual(['tablet']);
    expect(await verdict(unregister('phone'), dora)).toBe('cancel item-not-found');
    expect((await registerAs(dora, 'phone')).node).not.toBe(before.node);
  });

  it('is done by hand, in a form', async () => {
    const emil = 'emil@example.org';
    const asked = await ask(step('register-push-webpush', { action: 'execute' }), emil);
    expect(statusOf(asked)).toBe('executing');
    const command = asked.child('command', ns.commands);
    const sessionid = command?.attr('sessionid') ?? '';
    expect(command?.child('actions')?.child('complete')).toBeDefined();
    const subscription: Readonly<Record<string, string>> = { ...subscribe(), 'device-id': 'by hand' };
    const fields = formIn(asked).fields.map(({ var: name = '', values }) => ({
      var: name,
      values: name in subscription ? [subscription[name] ?? ''] : values,
    }));
    const filled: DataForm = { type: 'submit', fields };
    const answer = await ask(step('register-push-webpush', { action: 'complete', sessionid }, filled), emil);
    expect(statusOf(answer)).toBe('completed');
    expect(credentialsIn(answer)).toEqual(await registerAs(emil, 'by hand'));

    const cancelled = await ask(step('register-push-webpush', { action: 'cancel', sessionid }), emil);
    expect(statusOf(cancelled)).toBe('canceled');
    const list = formIn(await ask(step('unregister-push-webpush', {}), emil));
    expect(list.fields.map((field) => [field.var, field.type])).toEqual([['device-id', 'list-single']]);
    const chosen: DataForm = { type: 'submit', fields: [{ var: 'device-id', values: ['by hand'] }] };
    expect(await verdict(step('unregister-push-webpush', { action: 'next' }, chosen), emil)).toBe('result');
    expect(await verdict(step('unregister-push-webpush', {}), emil)).toBe('cancel item-not-found');
  });

  it('is for as many devices as an account may have, of which there may be fewer from now on', async () => {
    const finn = 'finn@example.org';
    for (const device of ['a', 'b', 'c', 'd']) await registerAs(finn, device);
    expect(await devicesOf(finn)).toEqual(['d', 'c', 'b']);
    await reload({ max_devices: 1 });
    await registerAs(finn, 'c');
    expect(await devicesOf(finn)).toEqual(['c']);
    await reload({});
  });

  it('is for those on the list of the moment, and stays while they are not on it', async () => {
    const greta = 'greta@example.org';
    const before = await registerAs(greta, 'phone');
    const romeo = 'romeo@montague.example';
    expect(await verdict(register(subscribe(), 'phone'), romeo)).toBe('auth forbidden');
    await reload({ acl: ['montague.example'] });
    expect(await verdict(register(subscribe(), 'phone'), greta)).toBe('auth forbidden');
    expect(await verdict(step('register-push-webpush', {}), greta)).toBe('auth forbidden');
    expect(await verdict(unregister('phone'), greta)).toBe('auth forbidden');
    expect(await verdict(register(subscribe(), 'phone'), romeo)).toBe('result');
    await reload({});
    expect(await registerAs(greta, 'phone')).toEqual(before);
    expect(await verdict(register(subscribe(), 'phone'), romeo)).toBe('auth forbidden');
  });

  it('says which field is wrong, in the words of commands', async () => {
    const answer = await ask(register({ ...subscribe(), auth: 'short' }, 'phone'), 'hugo@example.org');
    expect(verdictOf(answer)).toBe('modify bad-request');
    const error = answer.child('error');
    expect(error?.child('bad-payload', ns.commands)).toBeDefined();
    expect(error?.child('text', ns.stanzaErrors)?.text()).toContain('auth');
    const inside = { ...subscribe(), endpoint: 'https://127.0.0.1/push' };
    expect(await verdict(register(inside, 'phone'), 'hugo@example.org')).toBe('modify policy-violation');
  });

  it('has its key and its commands in service discovery', async () => {
    const info = (node?: string) =>
      place.server.current.ask('get', 'ana@example.org/client', el('query', ns.discoInfo, { node }));
    const query = (await info()).child('query', ns.discoInfo);
    const forms = query?.elements().flatMap((child) => parseForm(child) ?? []) ?? [];
    const keys = forms.flatMap((form) => fieldValue(form, 'webpush#public-key') ?? []);
    expect(keys).toEqual([expect.stringMatching(/^B[\w-]{86}$/)]);
    const form = formIn(await ask(step('register-push-webpush', {}), 'ana@example.org'));
    expect(form.instructions?.join()).toContain(keys[0]);
    for (const node of ['register-push-webpush', 'unregister-push-webpush'])
      expect((await info(node)).attr('type')).toBe('result');
  });

  it('leaves no secret in the log', async () => {
    const subscription = subscribe();
    const { node, secret } = await registerAs('ida@example.org', 'a device of idas', subscription);
    await ask(unregister('a device of idas'), 'ida@example.org');
    const log = place.belfry.log();
    expect(log).toContain('ida@example.org');
    const secrets = [node, secret, ...Object.values(subscription), new URL(subscription.endpoint).pathname];
    for (const hidden of [...secrets, 'a device of idas']) expect(log).not.toContain(hidden);
  });
});

describe('registration with the gateway of a standalone server', () => {
  let server: StandaloneServer;
  const account = 'ana@localhost';
  const password = 'a-password';
  const logIn = () => Phone.logIn({ port: server.c2sPort, jid: `${account}/web`, password });
  beforeAll(async () => {
    server = await startStandalone({ accounts: { [account]: password } });
  });
  afterAll(() => server?.stop());

  it('ends with the account, though it is removed while the server does not run', async () => {
    const registerPhone = async (): Promise<Credentials> => {
      const phone = await logIn();
      const answer = await phone.ask('set', register(subscribe(), 'phone'), 'push.localhost');
      phone.close();
      return credentialsIn(answer);
    };
    const before = await registerPhone();
    expect(await registerPhone()).toEqual(before);
    await server.kill();
    const user = (...args: readonly string[]) =>
      runBelfry(['user', ...args, account, '--config', server.configFile], { input: `${password}\n` });
    expect(await user('remove')).toMatchObject({ status: 0 });
    expect(await user('add')).toMatchObject({ status: 0 });
    await server.restart();
    const heir = await logIn();
    await expect(heir.ask('set', unregister('phone'), 'push.localhost')).rejects.toMatchObject({
      condition: 'item-not-found',
    });
    heir.close();
    expect((await registerPhone()).node).not.toBe(before.node);
  });
});
