import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseSmall, SmallDomParser, SmallElement } from '../../tests/harness/small-dom.js';
import type { BelfryPushOptions } from './belfry-push.js';
import { disableAt, enableAt, findOffer, leave, type Place, type PushError } from './belfry-push-xmpp.js';

beforeAll(() => {
  vi.stubGlobal('DOMParser', SmallDomParser);
  vi.stubGlobal('Element', SmallElement);
});
afterAll(() => vi.unstubAllGlobals());

const account = 'ana@example.org';
const gateway = 'push.example.org';
/** Of a point on P-256, as far as this module looks. */
const key = Uint8Array.of(4, ...Array.from({ length: 64 }, (_, at) => at));
const base64url = Buffer.from(key).toString('base64url');

const keyForm = (text: string) =>
  `<x xmlns='jabber:x:data' type='result'>
    <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/webpush#public-key</value></field>
    <field var='webpush#public-key'><value>${text}</value></field>
  </x>`;
const info = (...parts: string[]) =>
  `<query xmlns='http://jabber.org/protocol/disco#info'>${parts.join('')}</query>`;
const identity = (category: string, type: string) => `<identity category='${category}' type='${type}'/>`;
const feature = (name: string) => `<feature var='${name}'/>`;
const push = feature('urn:xmpp:push:0');
const gatewayInfo = info(identity('pubsub', 'push'), push, keyForm(base64url));
const items = (...jids: string[]) =>
  `<query xmlns='http://jabber.org/protocol/disco#items'>${jids.map((jid) => `<item jid='${jid}'/>`).join('')}</query>`;
const registered = (fields: Readonly<Record<string, string>>) =>
  `<command xmlns='http://jabber.org/protocol/commands' status='completed'><x xmlns='jabber:x:data' type='result'>${Object.entries(
    fields,
  )
    .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
    .join('')}</x></command>`;
const error = (condition: string) =>
  `<error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`;

/** The entities that a client talks to: what each says to a payload of that name; the own account is ''. */
class FakeServers {
  readonly answers = new Map<string, string>();
  /** What was asked, in order, as `to: payload`, and its text. */
  readonly asked: { readonly what: string; readonly iq: SmallElement }[] = [];

  readonly request = async (iq: Element): Promise<Element> => {
    const asked = iq as unknown as SmallElement;
    const [payload] = asked.children;
    const command = payload?.localName === 'command' ? payload.getAttribute('node') : null;
    const name = payload?.namespaceURI.split('#')[1] ?? command ?? payload?.localName;
    const what = `${asked.getAttribute('to') ?? ''}: ${name}`;
    this.asked.push({ what, iq: asked });
    const content = this.answers.get(what) ?? error('service-unavailable');
    const type = content.startsWith('<error') ? 'error' : 'result';
    return parseSmall(`<iq xmlns='jabber:client' type='${type}'>${content}</iq>`) as unknown as Element;
  };

  get order(): string[] {
    return this.asked.map(({ what }) => what);
  }

  /** The fields of the form that was sent with that request. */
  fields(what: string): Record<string, string> {
    const iq = this.asked.findLast((one) => one.what === what)?.iq;
    const fields = iq?.getElementsByTagNameNS('jabber:x:data', 'field') ?? [];
    return Object.fromEntries(fields.map((one) => [one.getAttribute('var'), one.textContent]));
  }
}

let servers: FakeServers;
let options: BelfryPushOptions;

beforeEach(() => {
  servers = new FakeServers();
  options = { account, request: servers.request, worker: 'worker.js' };
});

const refused = (code: string, more: object = {}) =>
  expect.objectContaining({ name: 'PushError', code, ...more });

describe('who pushes', () => {
  const accountIs = (...parts: string[]) => servers.answers.set(`${account}: info`, info(...parts));
  const inBand = [feature('urn:xmpp:webpush:0'), keyForm(base64url), push];

  it.each([
    ['base64url', base64url],
    ['base64', Buffer.from(key).toString('base64')],
    ['the form of a certificate', Buffer.concat([Buffer.alloc(26, 0x30), key]).toString('base64')],
  ])('is the own server, if it offers that, with a key in %s', async (_, text) => {
    accountIs(keyForm(text), push);
    expect(await findOffer({ ...options, gateway }, undefined)).toEqual({ key });
    expect(servers.order).toEqual([`${account}: info`]);
  });

  it.each([
    ['has no key', [push]],
    ['has something else for a key', [keyForm('AAAA'), push]],
    ['has a key that cannot be read', [keyForm('***'), push]],
    ['has a key, but is not wanted', inBand],
  ])('is the gateway that was named, if the own server %s', async (_, parts) => {
    accountIs(...parts);
    servers.answers.set('push.example.net: info', gatewayInfo);
    const named = { ...options, gateway: 'push.example.net', way: 'gateway' as const };
    expect(await findOffer(named, gateway)).toEqual({ key, gateway: 'push.example.net' });
    expect(servers.order).toEqual([`${account}: info`, 'push.example.net: info']);
  });

  it.each([
    ['publishes nowhere', 'auto' as const, []],
    ['publishes, but is not to', 'in-band' as const, [push]],
  ])('is nobody if the server %s', async (_, way, parts) => {
    accountIs(...parts);
    servers.answers.set(`${gateway}: info`, gatewayInfo);
    await expect(findOffer({ ...options, gateway, way }, gateway)).rejects.toEqual(refused('not-offered'));
    expect(servers.order).toEqual([`${account}: info`]);
  });

  it.each([
    ['identity', info(push, keyForm(base64url))],
    ['feature', info(identity('pubsub', 'push'), keyForm(base64url))],
    ['key', info(identity('pubsub', 'push'), push)],
    ['such identity', info(identity('pubsub', 'pep'), identity('server', 'push'), push, keyForm(base64url))],
  ])('is nobody if the one that was named has no %s', async (_, answer) => {
    accountIs(push);
    servers.answers.set(`${gateway}: info`, answer);
    await expect(findOffer({ ...options, gateway }, undefined)).rejects.toEqual(
      refused('not-offered', { message: `${gateway} is no gateway that pushes to browsers.` }),
    );
  });

  it('is the gateway among the services of the domain, whatever the others say', async () => {
    accountIs(push);
    servers.answers.set('example.org: info', info(identity('server', 'im'), push));
    const services = items('rooms.example.org', 'away.example.org', gateway, 'example.org');
    servers.answers.set(
      'example.org: items',
      services.replace('</query>', "<item jid='x' node='y'/></query>"),
    );
    servers.answers.set('rooms.example.org: info', info(identity('conference', 'text')));
    servers.answers.set(`${gateway}: info`, gatewayInfo);
    expect(await findOffer(options, undefined)).toEqual({ key, gateway });
    const asked = ['example.org', 'rooms.example.org', 'away.example.org', gateway];
    expect(servers.order.slice(2)).toEqual(asked.map((jid) => `${jid}: info`));
  });

  it('is the domain itself, if that is the gateway', async () => {
    accountIs(push);
    servers.answers.set('example.org: info', gatewayInfo);
    servers.answers.set('example.org: items', items());
    expect(await findOffer(options, undefined)).toEqual({ key, gateway: 'example.org' });
  });

  it('is the one that it was, without a search, while it is there', async () => {
    accountIs(push);
    servers.answers.set('push.example.net: info', gatewayInfo);
    expect(await findOffer(options, 'push.example.net')).toEqual({ key, gateway: 'push.example.net' });
    expect(servers.order).toEqual([`${account}: info`, 'push.example.net: info']);
    servers.answers.delete('push.example.net: info');
    servers.answers.set(`${gateway}: info`, gatewayInfo);
    servers.answers.set('example.org: items', items(gateway));
    expect(await findOffer(options, 'push.example.net')).toEqual({ key, gateway });
  });

  it('is nobody if no service is a gateway; a domain with many is not asked for all', async () => {
    accountIs(push);
    const many = Array.from({ length: 100 }, (_, at) => `${at}.example.org`);
    servers.answers.set('example.org: items', items(...many));
    await expect(findOffer(options, undefined)).rejects.toEqual(
      refused('not-offered', { message: 'example.org knows no gateway that pushes to browsers.' }),
    );
    expect(servers.order).toHaveLength(2 + 1 + 40);
  });

  it.each([
    ['an answer', () => parseSmall(`<iq type='error'>${error('forbidden')}</iq>`), 'forbidden'],
    ['an object', () => ({ condition: 'forbidden', text: 'No.' }), 'forbidden'],
    ['nothing', () => null, undefined],
    ['an error', () => new Error('lost'), undefined],
  ])('is not known if the server refuses by %s', async (_, make, condition) => {
    const request = () => Promise.reject(make());
    await expect(findOffer({ ...options, request }, undefined)).rejects.toEqual(
      refused('refused', { condition }),
    );
  });
});

const subscription = (endpoint: string) =>
  ({
    endpoint,
    toJSON: () => ({ endpoint, keys: { p256dh: 'of-the-browser', auth: 'shared' } }),
  }) as unknown as PushSubscription;
const endpoint = 'https://wp.example.net/send/1?a=1&b=2';
const node = 'n&1';
const register = `${gateway}: register-push-webpush`;
const unregister = `${gateway}: unregister-push-webpush`;

/** Everybody does what they are asked for. */
function allWell(): void {
  for (const what of [': enable', ': disable', unregister]) servers.answers.set(what, '');
  servers.answers.set(register, registered({ jid: gateway, node: 'n&amp;1', secret: 's&lt;&apos;' }));
}

const registeredPlace = (more: object = {}): Place => ({
  endpoint,
  gateway: { jid: gateway, node, device: 'd-1', ...more },
});

describe('enabling', () => {
  beforeEach(allWell);

  it('in band tells the account what the browser has', async () => {
    expect(await enableAt(options, { key }, subscription(endpoint), registeredPlace())).toEqual({ endpoint });
    expect(servers.order).toEqual([': enable']);
    const [enable] = servers.asked[0]?.iq.children ?? [];
    expect(enable?.namespaceURI).toBe('urn:xmpp:webpush:0');
    const told = enable?.children.map(({ localName, textContent }) => [localName, textContent]);
    expect(Object.fromEntries(told ?? [])).toEqual({ endpoint, p256dh: 'of-the-browser', auth: 'shared' });
  });

  it('by a gateway registers there, and has the server publish with what that answers', async () => {
    const place = await enableAt(options, { key, gateway }, subscription(endpoint), undefined);
    const { 'device-id': device, ...fields } = servers.fields(register);
    expect(fields).toEqual({ endpoint, p256dh: 'of-the-browser', auth: 'shared', 'important-only': '1' });
    expect(device).toMatch(/^[\w-]{36}$/);
    expect(place).toEqual({ endpoint, gateway: { jid: gateway, node, device } });
    expect(servers.order).toEqual([register, ': enable']);
    const enable = servers.asked[1]?.iq.children[0];
    expect(enable?.namespaceURI).toBe('urn:xmpp:push:0');
    expect([enable?.getAttribute('jid'), enable?.getAttribute('node')]).toEqual([gateway, node]);
    expect(servers.fields(': enable')).toEqual({
      FORM_TYPE: 'http://jabber.org/protocol/pubsub#publish-options',
      secret: "s<'",
    });
  });

  it('once more is by the same name of the browser', async () => {
    const place = await enableAt(options, { key, gateway }, subscription(endpoint), registeredPlace());
    expect(place).toEqual(registeredPlace());
    expect(servers.fields(register)['device-id']).toBe('d-1');
  });

  it('ends if the gateway does not say where to', async () => {
    for (const fields of [{}, { node: 'n' }, { secret: 's' }, { node: '', secret: 's' }]) {
      servers.answers.set(register, registered({ jid: gateway, ...fields }));
      const enabling = enableAt(options, { key, gateway }, subscription(endpoint), undefined);
      await expect(enabling).rejects.toEqual(refused('refused'));
    }
    expect(servers.order).not.toContain(': enable');
  });

  it('leaves nothing at a gateway that the server does not publish to, but does not end what went well before', async () => {
    servers.answers.set(': enable', error('service-unavailable'));
    const enabling = (before: Place | undefined) =>
      enableAt(options, { key, gateway }, subscription(endpoint), before);
    const complaint = refused('refused', { condition: 'service-unavailable' });
    await expect(enabling(undefined)).rejects.toEqual(complaint);
    expect(servers.order).toEqual([register, ': enable', unregister]);
    expect(servers.fields(unregister)).toEqual({ 'device-id': servers.fields(register)['device-id'] });
    servers.asked.length = 0;
    await expect(enabling(registeredPlace())).rejects.toEqual(complaint);
    expect(servers.order).toEqual([register, ': enable']);
  });
});

describe('disabling', () => {
  beforeEach(allWell);

  it('in band names the endpoint', async () => {
    await disableAt(options, { endpoint });
    expect(servers.asked[0]?.iq.children[0]?.namespaceURI).toBe('urn:xmpp:webpush:0');
    expect(servers.asked[0]?.iq.textContent).toBe(endpoint);
  });

  it('by a gateway ends the publishes, and the registration', async () => {
    await disableAt(options, registeredPlace());
    expect(servers.order).toEqual([': disable', unregister]);
    const disable = servers.asked[0]?.iq.children[0];
    expect(disable?.namespaceURI).toBe('urn:xmpp:push:0');
    expect([disable?.getAttribute('jid'), disable?.getAttribute('node')]).toEqual([gateway, node]);
    expect(servers.fields(unregister)).toEqual({ 'device-id': 'd-1' });
  });

  it.each([': disable', unregister])(
    'does not mind if %s is of something that is not there',
    async (what) => {
      servers.answers.set(what, error('item-not-found'));
      await disableAt(options, registeredPlace());
      expect(servers.order).toEqual([': disable', unregister]);
    },
  );

  it.each([': disable', unregister])('says so if %s fails, and tries the other', async (what) => {
    servers.answers.set(what, error('remote-server-timeout'));
    const failure: unknown = await disableAt(options, registeredPlace()).catch((thrown: unknown) => thrown);
    expect((failure as PushError).condition).toBe('remote-server-timeout');
    expect(servers.order).toEqual([': disable', unregister]);
  });
});

describe('what pushes that go elsewhere leave behind', () => {
  beforeEach(allWell);
  const other = 'https://wp.example.net/send/2';
  const both = [': disable', unregister];

  it.each([
    ['nothing, in band', { endpoint }, { endpoint }, []],
    ['the endpoint before, in band', { endpoint }, { endpoint: other }, [': disable']],
    ['what was in band', { endpoint }, registeredPlace(), [': disable']],
    ['what was by a gateway', registeredPlace(), { endpoint }, both],
    ['nothing, by a gateway', registeredPlace(), { ...registeredPlace(), endpoint: other }, []],
    ['a node that the gateway had lost', registeredPlace(), registeredPlace({ node: 'n2' }), [': disable']],
    ['another gateway', registeredPlace(), registeredPlace({ jid: 'push.example.net' }), both],
  ] satisfies [string, Place, Place, string[]][])('is ended: %s', async (_, before, now, asked) => {
    await leave(options, before, now);
    expect(servers.order).toEqual(asked);
    if (asked.length > 0 && before.gateway !== undefined)
      expect(servers.asked[0]?.iq.children[0]?.getAttribute('node')).toBe(before.gateway.node);
  });
});
