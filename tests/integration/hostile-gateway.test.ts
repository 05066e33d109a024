import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { serialize } from '../../src/xmpp/serialize.js';
import { message } from '../../src/xmpp/stanza.js';
import { askAll, verdictOf } from '../harness/gateway/ask-all.js';
import { type Credentials, notification, publish } from '../harness/gateway/requests.js';
import { watchDatabase } from '../harness/gateway/watch-database.js';
import { type GatewayWorld, type Registered, startGatewayWorld } from '../harness/gateway/world.js';
import { metricsOf } from '../harness/metrics.js';
import { freePort, waitFor } from '../harness/net.js';
import { inspectable, measureMemory } from '../harness/process-memory.js';

const megabyte = 1024 * 1024;
/** As long as a node or a secret is. */
const forged = () => randomBytes(32).toString('base64url');
const text = (body: string) => notification({ 'message-count': '1', 'last-message-body': body });

describe('a gateway that others publish to', () => {
  let world: GatewayWorld;
  let inspectorPort: number;
  let ana: Registered;
  let bob: Registered;
  let eve: Registered;

  beforeAll(async () => {
    inspectorPort = await freePort();
    world = await startGatewayWorld({
      gateway: { acl: ['example.org', 'friends.example'] },
      env: inspectable(inspectorPort),
    });
    const browser = () => world.pushService.subscribe();
    ana = await world.register('ana@example.org', browser());
    bob = await world.register('bob@example.org', browser());
    eve = await world.register('eve@friends.example', browser());
  });
  afterAll(() => world?.stop());

  const ask = async (from: string, payload: Element) =>
    verdictOf(await world.server.current.ask('set', from, payload));
  const requests = () => world.pushService.requests.length;

  /** It works: what is published as it should be arrives. */
  async function works(registered = ana): Promise<void> {
    const body = forged();
    const domain = registered.account.replace(/^.*@/, '');
    expect(await ask(domain, publish(registered.node, registered.secret, text(body)))).toBe('result');
    expect(registered.subscription.received.at(-1)?.payload).toContain(body);
  }

  type Forgery = [
    what: string,
    verdict: string,
    from: string,
    forge: (own: {
      ana: Credentials;
      bob: Credentials;
    }) => readonly [node: string | undefined, secret?: string],
  ];
  const [own, forbidden, unknown] = ['example.org', 'auth forbidden', 'cancel item-not-found'];
  it.each<Forgery>([
    ["another one's node", forbidden, own, ({ ana, bob }) => [ana.node, bob.secret]],
    ['a wrong secret', forbidden, own, ({ ana }) => [ana.node, forged()]],
    ['its node as secret', forbidden, own, ({ ana }) => [ana.node, ana.node]],
    ['a secret that goes on', forbidden, own, ({ ana }) => [ana.node, `${ana.secret}A`]],
    ['a secret that ends too soon', forbidden, own, ({ ana }) => [ana.node, ana.secret.slice(0, -1)]],
    ['a secret between spaces', forbidden, own, ({ ana }) => [ana.node, ` ${ana.secret} `]],
    ['an empty secret', forbidden, own, ({ ana }) => [ana.node, '']],
    ['no secret', forbidden, own, ({ ana }) => [ana.node]],
    ['a node that nobody made', unknown, own, () => [forged(), forged()]],
    ['a node in other letters', unknown, own, ({ ana }) => [swapCase(ana.node), ana.secret]],
    ['a padded node', unknown, own, ({ ana }) => [`${ana.node}=`, ana.secret]],
    ['a node that goes on', unknown, own, ({ ana }) => [`${ana.node}A`, ana.secret]],
    ['a node of every object', unknown, own, () => ['__proto__', 'constructor']],
    ['an empty node', 'modify bad-request', own, ({ ana }) => ['', ana.secret]],
    ['no node', 'modify bad-request', own, ({ ana }) => [undefined, ana.secret]],
    ['the full JID of the account', forbidden, 'ana@example.org/browser', ({ ana }) => valid(ana)],
    ['the full JID of another account', forbidden, 'bob@example.org/x', ({ ana }) => valid(ana)],
    ['a resource of the domain', forbidden, 'example.org/x', ({ ana }) => valid(ana)],
    ['another account', forbidden, 'bob@example.org', ({ ana }) => valid(ana)],
    ['the same account elsewhere', forbidden, 'ana@friends.example', ({ ana }) => valid(ana)],
    ['a foreign domain', forbidden, 'friends.example', ({ ana }) => valid(ana)],
    ['a domain above', forbidden, 'org', ({ ana }) => valid(ana)],
    ['a domain below', forbidden, 'pubsub.example.org', ({ ana }) => valid(ana)],
    ['a domain that ends alike', forbidden, 'notexample.org', ({ ana }) => valid(ana)],
  ])('refuses a publish with or from %s', async (_, verdict, from, forge) => {
    const before = requests();
    const [node, secret] = forge({ ana, bob });
    expect(await ask(from, publish(node, secret))).toBe(verdict);
    await works();
    expect(requests()).toBe(before + 1);
  });

  it('takes those of the account itself, as of its domain', async () => {
    const before = requests();
    expect(await ask('ana@example.org', publish(ana.node, ana.secret))).toBe('result');
    await works(eve);
    expect(requests()).toBe(before + 2);
  });

  it('refuses whose account is no longer permitted, and takes it again when it is', async () => {
    const keysOf = (acl: readonly string[]) => ({
      more: { web_push: world.pushServices.keys, gateway: { acl } },
    });
    await world.belfry.reload(keysOf(['example.org']));
    expect(await ask('friends.example', publish(eve.node, eve.secret))).toBe(forbidden);
    await world.belfry.reload(keysOf(['example.org', 'friends.example']));
    await works(eve);
  });

  const pubsub = (...children: readonly Element[]) => el('pubsub', ns.pubsub, {}, ...children);
  const item = (...children: readonly Element[]) => el('item', ns.pubsub, {}, ...children);
  it.each<[string, () => Element]>([
    ['nothing in it', () => pubsub()],
    ['something else to do', () => pubsub(el('create', ns.pubsub, { node: ana.node }))],
    ['no item', () => pubsub(el('publish', ns.pubsub, { node: ana.node }))],
    ['an item without anything', () => pubsub(el('publish', ns.pubsub, { node: ana.node }, item()))],
    [
      'something else in its item',
      () => publish(ana.node, ana.secret, el('entry', 'http://www.w3.org/2005/Atom')),
    ],
  ])('refuses a publish with %s', async (_, forge) => {
    const before = requests();
    expect(await ask('example.org', forge())).toBe('modify bad-request');
    expect(requests()).toBe(before);
  });

  it.each<[string, () => Element]>([
    ['a subscription', () => pubsub(el('subscribe', ns.pubsub, { node: ana.node, jid: 'eve@example.org' }))],
    [
      'another namespace',
      () => el('pubsub', `${ns.pubsub}#owner`, {}, el('delete', ns.pubsub, { node: ana.node })),
    ],
  ])('does nothing for %s', async (_, forge) => {
    expect(await ask('example.org', forge())).not.toBe('result');
    await works();
  });

  it('sends no more than push services take of what somebody else has sealed', async () => {
    const sealed = (bytes: number) =>
      notification(
        undefined,
        el(
          'encrypted',
          ns.sealedEnvelope,
          {},
          el('payload', ns.sealedEnvelope, {}, randomBytes(bytes).toString('base64')),
        ),
      );
    const before = requests();
    expect(await ask('example.org', publish(ana.node, ana.secret, sealed(4_097)))).toMatch(/^modify /);
    expect(await ask('example.org', publish(ana.node, ana.secret, sealed(0)))).toMatch(/^modify /);
    expect(requests()).toBe(before);
    expect(await ask('example.org', publish(ana.node, ana.secret, sealed(4_096)))).toBe('result');
    expect(world.pushService.requests.at(-1)?.body).toHaveLength(4_096);
  });

  it('survives publishes as large as its server lets pass', async () => {
    const before = requests();
    const large = 'x'.repeat(200_000);
    const from = 'example.org';
    const verdicts = await askAll(world.server.current, [
      { from, payload: publish(large, ana.secret) },
      { from, payload: publish(ana.node, large) },
      { from, payload: publish(ana.node, forged(), text(large)) },
      { from, payload: publish(ana.node, forged(), notification(undefined, ...fields(2_000))) },
    ]);
    for (const verdict of verdicts.map(verdictOf)) expect(verdict).not.toBe('result');
    expect(requests()).toBe(before);
    expect(await ask(from, publish(ana.node, ana.secret, text(large)))).toBe('result');
    expect(world.pushService.requests.at(-1)?.body.length).toBeLessThanOrEqual(4_096);
    await works();
  });

  it('survives a stanza that ends with its connection, and one that has no end', async () => {
    const { server } = world;
    const whole = serialize(publish(ana.node, ana.secret, text('never whole')), ns.client);
    for (const part of [
      whole.slice(0, whole.length / 2),
      `<a>${'<b>'.repeat(5_000)}`,
      'x'.repeat(3 * megabyte),
    ]) {
      const count = server.connections.length;
      server.current.write(`<iq type='set' id='t' from='example.org' to='${server.domain}'>${part}`);
      server.current.socket.end();
      await server.connected(count + 1);
    }
    await works();
    expect(world.pushService.requests.some(({ payload }) => payload?.includes('never whole'))).toBe(false);
  });

  describe('by a message (Push 2.0)', () => {
    const notify = (client: string, ...children: readonly Element[]) =>
      el('notification', ns.push2, {}, el('client', ns.push2, {}, client), ...children);

    /** What it is answered; nothing if all is well. A ping behind it is answered later. */
    async function send(from: string, payload: Element): Promise<string | undefined> {
      const id = forged();
      const { current, domain } = world.server;
      current.send(message({ from, to: domain, id }, payload));
      const isIt = (stanza: Element) => stanza.name === 'message' && stanza.attr('id') === id;
      const { received } = ana.subscription;
      const { length } = received;
      await waitFor('what comes of it', () => current.stanzas.some(isIt) || received.length > length);
      const answer = current.stanzas.find(isIt);
      return answer && verdictOf(answer);
    }

    it.each([
      ['a foreign domain', 'friends.example', unknown],
      ['a full JID', 'ana@example.org/browser', forbidden],
      ['another account', 'bob@example.org', unknown],
    ])('refuses those of %s', async (_, from, verdict) => {
      const before = requests();
      expect(await send(from, notify(ana.subscription.endpoint))).toBe(verdict);
      expect(requests()).toBe(before);
    });

    it.each([
      ['an endpoint that nobody has registered', () => `${ana.subscription.endpoint}x`, unknown],
      ['an endpoint inside', () => 'https://169.254.169.254/latest', unknown],
      ['no URL', () => 'x'.repeat(50_000), unknown],
      ['nobody', () => '', 'modify bad-request'],
    ])('refuses those for %s', async (_, client, verdict) => {
      const before = requests();
      expect(await send('example.org', notify(client()))).toBe(verdict);
      expect(requests()).toBe(before);
    });

    it('takes those of its domain', async () => {
      const before = requests();
      const priority = el('priority', ns.push2, {}, 'high');
      expect(await send('example.org', notify(ana.subscription.endpoint, priority))).toBeUndefined();
      expect(requests()).toBe(before + 1);
      expect(world.pushService.requests.at(-1)?.headers).toMatchObject({ urgency: 'high', ttl: '60' });
    });
  });

  it('answers ten thousand forged publishes from what it has in its head', async () => {
    const database = watchDatabase(world.belfry);
    await works();
    const [version, before, memory] = [database.version(), requests(), await measureMemory(inspectorPort)];
    const logged = world.belfry.log().length;
    const forgeries = Array.from({ length: 10_000 }, (_, at) => ({
      from: 'example.org',
      payload: at % 2 === 0 ? publish(forged(), forged()) : publish(ana.node, forged()),
    }));
    const verdicts = new Set((await askAll(world.server.current, forgeries)).map(verdictOf));
    expect([...verdicts].sort()).toEqual([forbidden, unknown]);
    expect(database.version()).toBe(version);
    expect(requests()).toBe(before);
    expect(world.belfry.log().length - logged).toBeLessThan(20_000);
    expect((await measureMemory(inspectorPort)) - memory).toBeLessThan(10 * megabyte);
    database.close();
    await works();
  });

  it('sends a flood of publishes of one node no more than the first and the last of it', async () => {
    const flooded = await world.register('flood@example.org', world.pushService.subscribe());
    const flood = Array.from({ length: 1_000 }, (_, at) => ({
      from: 'example.org',
      payload: publish(flooded.node, flooded.secret, text(`wave ${at}`)),
    }));
    const verdicts = (await askAll(world.server.current, flood)).map(verdictOf);
    expect(new Set(verdicts)).toEqual(new Set(['result']));
    const { received } = flooded.subscription;
    const hasLast = () => received.some(({ payload }) => payload?.includes('"wave 999"') === true);
    await works();
    await waitFor('the last of them', hasLast, { timeout: 90_000 });
    expect(received.length).toBeLessThanOrEqual(62);
  });

  it('tells its log and its metrics nothing of all that which is secret', async () => {
    const known = world.belfry.log() + (await metricsOf(world.belfry.httpBase));
    expect(known).toContain('ana@example.org');
    const secrets = [ana, bob, eve].flatMap(({ node, secret, subscription }) => [
      node,
      secret,
      subscription.endpoint.slice(world.pushService.origin.length),
      subscription.auth,
      subscription.p256dh,
    ]);
    for (const secret of [...secrets, 'wave ', 'never whole', 'marked device'])
      expect(known).not.toContain(secret);
  });
});

const valid = ({ node, secret }: Credentials) => [node, secret] as const;

const swapCase = (letters: string) =>
  letters.replace(/[a-z]/gi, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  );

const fields = (count: number) => Array.from({ length: count }, (_, at) => el(`child${at}`, 'urn:example:x'));
