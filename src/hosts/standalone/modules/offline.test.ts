import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { CoreStage } from '../../../../tests/harness/core-stage.js';
import { type FakeClient, FakeServer } from '../../../../tests/harness/fake-server.js';
import { testSettings } from '../../../../tests/harness/settings.js';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import type { Account } from '../account.js';
import { accountLimits, type StandaloneSettings } from '../settings.js';
import { offline } from './offline.js';

const message = (id: string, ...more: Element[]) =>
  el(
    'message',
    ns.client,
    { type: 'chat', from: 'ben@example.com/pc', to: 'ana@example.org', id, 'xml:lang': 'de' },
    el('body', ns.client, {}, `text of ${id}`),
    ...more,
  );
const delay = (from: string, stamp = '2026-01-01T00:00:00.000Z') => el('delay', ns.delay, { from, stamp });

/** All that needs nothing from outside is done. */
const settled = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe('offline', () => {
  let server: FakeServer;
  let account: Account;

  const keep = (stanza: Element) => server.hooks.offlineMessage.ask(account, stanza);
  const stored = async () => (await server.stores.offline.list(account.id, 1_000)).length;
  const ids = ({ link }: FakeClient) => link.sent.map((stanza) => stanza.attr('id'));
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => String(at));

  async function begin(maxOfflineMessages = 1_000, more: Partial<StandaloneSettings> = {}): Promise<void> {
    server = new FakeServer('example.org', { maxOfflineMessages, ...more });
    offline.setup(server);
    account = await server.addAccount('ana@example.org');
  }

  async function isAvailable({ session }: FakeClient): Promise<void> {
    await server.hooks.sessionAvailable.run(session);
    await settled();
  }

  async function appear(resource: string, priority = 0): Promise<FakeClient> {
    const client = await server.connect(`ana@example.org/${resource}`);
    client.session.priority = priority;
    await isAvailable(client);
    return client;
  }

  beforeEach(() => begin());

  it('hands over what was kept, as it came and with the time of its arrival', async () => {
    server.clock.advance(1_500);
    expect(await keep(message('a'))).toBe('stored');
    server.clock.advance(60_000);
    const client = await appear('phone');
    expect(client.link.sent).toEqual([message('a', delay('example.org', '2026-01-01T00:00:01.500Z'))]);
    expect(await stored()).toBe(0);
    expect(server.recorded).toEqual([{ name: 'offlineMessage', jid: 'ana@example.org', result: 'stored' }]);
  });

  it('notes what it hands over, and nothing else', async () => {
    const before = message('a');
    await keep(before);
    const client = await appear('phone');
    expect(client.link.sent.map((stanza) => server.handedOut.has(stanza))).toEqual([true]);
    expect(server.handedOut.has(before)).toBe(false);
  });

  it('keeps nothing but messages worth it', async () => {
    const chatState = message('a').withChildren([el('active', ns.chatStates)]);
    expect(await keep(chatState)).toBe('dropped');
    expect(await keep(message('a').withAttrs({ type: 'groupchat' }))).toBe('refused');
    expect(await stored()).toBe(0);
    expect(server.recorded).toEqual([]);
  });

  it('answers for nobody as for somebody', async () => {
    const ask = (stanza: Element) => server.hooks.offlineMessage.ask(undefined, stanza);
    expect(await ask(message('a'))).toBe('stored');
    expect(await ask(message('a').withChildren([el('active', ns.chatStates)]))).toBe('dropped');
    await begin(0, { archive: { ...testSettings.archive, defaultPolicy: 'roster' } });
    expect(await ask(message('a'))).toBe('refused');
    expect(server.recorded).toEqual([]);
  });

  it('answers for nobody as for somebody whose archive keeps what it refuses', async () => {
    await begin(0, { archive: { ...testSettings.archive, defaultPolicy: 'always' } });
    expect(await server.hooks.offlineMessage.ask(undefined, message('a'))).toBe('stored');
    expect(await keep(message('a'))).toBe('refused');
  });

  it('hands over many in order, and each once', async () => {
    const all = numbers(120);
    for (const id of all) await keep(message(id));
    const [phone, laptop] = await Promise.all([appear('phone'), appear('laptop')]);
    expect(ids(phone)).toEqual(all);
    expect(ids(laptop)).toEqual([]);
    expect(await stored()).toBe(0);
  });

  it('hands over no more at once than the client has time to read', async () => {
    const all = numbers(5);
    const large = el('large', 'urn:example:large', {}, 'x'.repeat(200_000));
    for (const id of all) await keep(message(id, large));
    const client = await server.connect('ana@example.org/phone');
    const seen: number[] = [];
    client.link.written = async () => {
      seen.push(client.link.sent.length);
      return true;
    };
    await isAvailable(client);
    expect(ids(client)).toEqual(all);
    expect(seen).toEqual([3, 5]);
  });

  it('goes on with the next session if the one that reads is over before its end', async () => {
    const all = numbers(50);
    for (const id of all) await keep(message(id));
    const phone = await server.connect('ana@example.org/phone');
    let stop = (_isWritten: boolean) => {};
    phone.link.written = () =>
      new Promise<boolean>((resolve) => {
        stop = resolve;
      });
    await isAvailable(phone);
    expect(ids(phone)).toHaveLength(20);
    const laptop = await appear('laptop');
    expect(ids(laptop)).toEqual([]);
    stop(false);
    await settled();
    expect(ids(laptop)).toEqual(all.slice(20));
    await server.disconnect(phone);
    expect(await stored()).toBe(0);
  });

  it('hands over nothing to who wants no messages', async () => {
    await keep(message('a'));
    expect(ids(await appear('phone', -1))).toEqual([]);
    expect(ids(await appear('laptop', 5))).toEqual(['a']);
  });

  it('keeps what arrives meanwhile behind what is there', async () => {
    await keep(message('a'));
    const client = await server.connect('ana@example.org/phone');
    const delivered = server.hooks.sessionAvailable.run(client.session);
    const next = server.accounts.with(account.jid, () => client.session.send(message('b')));
    await Promise.all([delivered, next]);
    await settled();
    expect(ids(client)).toEqual(['a', 'b']);
  });

  it.each([0, 1, 60])('loses nothing if a session takes only %i', async (taken) => {
    const all = numbers(110);
    for (const id of all) await keep(message(id));
    const client = await server.connect('ana@example.org/phone');
    const send = client.link.send.bind(client.link);
    client.link.send = (stanza) => client.link.sent.length < taken && send(stanza);
    await isAvailable(client);
    expect(ids(client)).toEqual(all.slice(0, taken));
    expect(ids(await appear('laptop'))).toEqual(all.slice(taken));
  });

  it('keeps the time of what comes back undelivered', async () => {
    await keep(message('a'));
    const client = await appear('phone');
    const [lost] = client.link.take();
    server.clock.advance(60_000);
    if (lost !== undefined) expect(await keep(lost.withAttrs({ id: 'a' }))).toBe('stored');
    expect((await appear('laptop')).link.sent).toEqual([message('a', delay('example.org'))]);
  });

  it('believes no other delays in the name of the server', async () => {
    const old = '2001-01-01T00:00:00Z';
    await keep(message('a', delay('example.org', old), delay('room@muc.example.com', old)));
    const client = await appear('phone');
    expect(client.link.sent).toEqual([
      message('a', delay('room@muc.example.com', old), delay('example.org')),
    ]);
  });

  it('keeps no more than it may', async () => {
    await begin(2);
    expect(await keep(message('a'))).toBe('stored');
    expect(await keep(message('b'))).toBe('stored');
    expect(await keep(message('c'))).toBe('refused');
    expect(server.recorded.at(-1)).toEqual({
      name: 'offlineMessage',
      jid: 'ana@example.org',
      result: 'full',
    });
    expect(ids(await appear('phone'))).toEqual(['a', 'b']);
  });

  it('keeps nothing that is too large', async () => {
    const frame =
      Buffer.byteLength(serialize(message('a', el('x', 'x:x', {}, 'x'), delay('example.org')))) - 1;
    const large = (size: number) => message('a', el('x', 'x:x', {}, 'x'.repeat(size - frame)));
    expect(await keep(large(accountLimits.offlineMessageBytes))).toBe('stored');
    expect(await keep(large(accountLimits.offlineMessageBytes + 1))).toBe('refused');
  });

  it('advertises itself, unless it keeps nothing', async () => {
    expect(server.advertised).toEqual([{ features: ['msgoffline'] }]);
    await begin(0);
    expect(server.advertised).toEqual([]);
    expect(await keep(message('a'))).toBe('refused');
  });

  it('returns what could not be stored', async () => {
    server.stores.tables.failure = new Error('disk full');
    expect(await keep(message('a'))).toBe('refused');
    expect(server.recorded).toMatchObject([{ name: 'storageFailed', what: 'offline message' }]);
  });

  it('survives that nothing can be read', async () => {
    await keep(message('a'));
    server.stores.tables.failure = new Error('disk full');
    expect(ids(await appear('phone'))).toEqual([]);
    expect(server.recorded.at(-1)).toMatchObject({ name: 'storageFailed', what: 'offline messages' });
    server.stores.tables.failure = undefined;
    expect(ids(await appear('laptop'))).toEqual(['a']);
  });

  it('goes on after a message that cannot be read', async () => {
    await keep(message('a'));
    await server.stores.offline.add(account.id, '<message', 10);
    await keep(message('b'));
    expect(ids(await appear('phone'))).toEqual(['a', 'b']);
    expect(await stored()).toBe(0);
    expect(server.recorded).toContainEqual(
      expect.objectContaining({ name: 'handlerFailed', what: 'offline message' }),
    );
  });

  describe('to a client that acknowledges', () => {
    /** A link whose client acknowledges when the test says so, or is over. */
    async function connect(resource: string) {
      const client = await server.connect(`ana@example.org/${resource}`);
      const tells: ((hasArrived: boolean) => void)[] = [];
      const link = Object.assign(client.link, {
        arrived: () => new Promise<boolean>((resolve) => void tells.push(resolve)),
      });
      const acknowledge = async (hasArrived = true) => {
        for (const tell of tells.splice(0)) tell(hasArrived);
        await settled();
      };
      return { session: client.session, link, acknowledge };
    }

    it('stay until it does, and go to nobody else', async () => {
      for (const id of numbers(25)) await keep(message(id));
      const phone = await connect('phone');
      await isAvailable(phone);
      expect(ids(phone)).toEqual(numbers(25));
      expect(await stored()).toBe(25);
      expect(ids(await appear('laptop'))).toEqual([]);
      await phone.acknowledge();
      expect(await stored()).toBe(0);
    });

    it('are gone when it is over, behind what it gives back', async () => {
      await begin(3);
      for (const id of ['a', 'b']) await keep(message(id));
      const phone = await connect('phone');
      await isAvailable(phone);
      const lost = phone.link.take();
      expect(await keep(message('c'))).toBe('stored');
      for (const stanza of lost) expect(await keep(stanza)).toBe('stored');
      expect(await keep(message('d'))).toBe('refused');
      await server.disconnect(phone);
      expect(ids(await appear('laptop'))).toEqual(['c', 'a', 'b']);
    });

    it('are gone when it is over for everybody, however long that takes', async () => {
      for (const id of numbers(50)) await keep(message(id));
      const phone = await connect('phone');
      await isAvailable(phone);
      const { offline } = server.stores;
      const remove = offline.remove.bind(offline);
      const slowly = async (accountId: number, through: number) => {
        await settled();
        await remove(accountId, through);
      };
      server.stores.offline.remove = slowly;
      await phone.acknowledge(false);
      await server.disconnect(phone);
      expect(await stored()).toBe(0);
    });

    it('do not go before those that another one has not acknowledged', async () => {
      for (const id of numbers(40)) await keep(message(id));
      const phone = await connect('phone');
      const send = phone.link.send.bind(phone.link);
      phone.link.send = (stanza) => phone.link.sent.length < 20 && send(stanza);
      await isAvailable(phone);
      const laptop = await connect('laptop');
      await isAvailable(laptop);
      expect([ids(phone), ids(laptop)]).toEqual([numbers(20), numbers(40).slice(20)]);
      await laptop.acknowledge();
      expect(await stored()).toBe(40);
      await phone.acknowledge();
      expect(await stored()).toBe(0);
    });

    it('wait for it while it sleeps, and go on when it is back', async () => {
      const all = numbers(50);
      for (const id of all) await keep(message(id));
      const phone = await connect('phone');
      phone.link.written = () => new Promise<boolean>(() => {});
      await isAvailable(phone);
      expect(ids(phone)).toEqual(all.slice(0, 20));
      await server.hooks.hibernationStart.run(phone.session, []);
      await settled();
      expect([phone.session.isCatchingUp, await stored()]).toEqual([true, 50]);
      phone.link.written = () => Promise.resolve(true);
      await server.hooks.hibernationEnd.run(phone.session, 'resumed');
      await settled();
      expect(ids(phone)).toEqual(all);
      await phone.acknowledge();
      expect([phone.session.isCatchingUp, await stored()]).toEqual([false, 0]);
    });

    it('go to others while it sleeps', async () => {
      const all = numbers(50);
      for (const id of all) await keep(message(id));
      const phone = await connect('phone');
      phone.link.written = () => new Promise<boolean>(() => {});
      await isAvailable(phone);
      await server.hooks.hibernationStart.run(phone.session, []);
      expect(ids(await appear('laptop'))).toEqual(all.slice(20));
      expect(await stored()).toBe(50);
      await server.disconnect(phone);
      expect(await stored()).toBe(0);
    });
  });

  describe('that come all at once', () => {
    it('are kept in order, and nobody waits for one of them', async () => {
      const all = numbers(60);
      const answers = all.map((id) => keep(message(id)));
      const phone = await appear('phone');
      expect(await Promise.all(answers)).toEqual(all.map(() => 'stored'));
      await settled();
      expect(ids(phone)).toEqual(all);
    });
  });

  it('tells who wants to know what was kept, whatever they make of it', async () => {
    const heard: (string | undefined)[] = [];
    server.hooks.offlineStored.on((account, stanza) => {
      heard.push(`${account.jid}:${stanza.attr('id')}`);
      throw new Error('flaw');
    });
    server.hooks.offlineStored.on(() => new Promise<void>(() => {}));
    expect(await keep(message('a'))).toBe('stored');
    await keep(message('b').withChildren([el('active', ns.chatStates)]));
    server.stores.tables.failure = new Error('disk full');
    await keep(message('c'));
    expect(heard).toEqual(['ana@example.org:a']);
    expect(server.recorded).toContainEqual(
      expect.objectContaining({ name: 'handlerFailed', what: 'offline message' }),
    );
  });

  const name = fc.constantFrom('a', 'b-c', 'ö');
  const text = fc.string({
    unit: fc.constantFrom('x', 'ü', '😀', '<', '&', '"', "'", ']]>', '\n', '\t', ' '),
  });
  const { content } = fc.letrec<{ content: Element }>((tie) => ({
    content: fc
      .tuple(
        name,
        fc.constantFrom('x:y', 'z', ns.client),
        fc.dictionary(fc.constantFrom('k', 'xml:lang'), text),
        fc.array(
          fc.oneof(
            { maxDepth: 3 },
            text.filter((one) => one !== ''),
            tie('content'),
          ),
          { maxLength: 3 },
        ),
      )
      .filter(
        ([, , , children]) =>
          !children.some((child, at) => typeof child === 'string' && typeof children[at + 1] === 'string'),
      )
      .map(([tag, namespace, attrs, children]) => el(tag, namespace, attrs, ...children)),
  }));

  it('changes nothing of a message but the delay', async () => {
    await fc.assert(
      fc.asyncProperty(content, async (child) => {
        await begin();
        await keep(message('a', child));
        const [received] = (await appear('phone')).link.sent;
        expect(received).toEqual(message('a', child, delay('example.org')));
      }),
      { numRuns: 50 },
    );
  });
});

describe('offline messages of an account with a session that catches up', () => {
  const to = 'ana@example.org';
  const chat = (id: string, ...more: Element[]) =>
    el('message', ns.client, { type: 'chat', to, id }, el('body', ns.client, {}, id), ...more);
  const idsOf = (stanzas: readonly Element[]) =>
    stanzas.filter(({ name }) => name === 'message').map((stanza) => stanza.attr('id'));

  async function play() {
    const stage = new CoreStage([offline]);
    await stage.addAccounts(to);
    const ben = await stage.connect('ben@example.org/pc');
    const old = Array.from({ length: 70 }, (_, at) => `old-${at}`);
    for (const id of old) await ben.send(chat(id));
    const ana = await stage.connect(`${to}/phone`);
    return { stage, ben, old, ana };
  }

  it('come before all that is newer', async () => {
    const { ben, old, ana } = await play();
    const isThere = ana.send(el('presence', ns.client));
    const fresh = Array.from({ length: 30 }, (_, at) => `new-${at}`);
    for (const id of fresh) await ben.send(chat(id));
    await isThere;
    await settled();
    await ben.send(chat('last'));
    expect(idsOf(ana.take())).toEqual([...old, ...fresh, 'last']);
  });

  it('are overtaken by what may not be kept, which is not lost', async () => {
    const { stage, ben, old, ana } = await play();
    const isThere = ana.send(el('presence', ns.client));
    await ben.send(chat('secret', el('no-store', ns.hints)));
    stage.stores.tables.failure = new Error('disk');
    await ben.send(chat('unlucky'));
    stage.stores.tables.failure = undefined;
    await isThere;
    await settled();
    const got = idsOf(ana.take());
    expect(got).toContain('secret');
    expect(got).toContain('unlucky');
    expect(new Set(got).size).toBe(got.length);
    expect(old).toEqual(expect.arrayContaining(got.filter((id) => id?.startsWith('old') === true)));
    expect(ben.hears()).toEqual([]);
  });

  it('stay in the store until the client has acknowledged them', async () => {
    const { stage, old, ana } = await play();
    const account = await stage.stores.accounts.find(to);
    const stored = async () => (await stage.stores.offline.list(account?.id ?? 0, 1_000)).length;
    await ana.send(el('enable', ns.streamManagement, { resume: 'true' }));
    await ana.send(el('presence', ns.client));
    await settled();
    expect(idsOf(ana.take())).toEqual(old);
    expect(await stored()).toBe(70);
    // The first of them is presence.
    await ana.send(el('a', ns.streamManagement, { h: '51' }));
    await settled();
    expect(await stored()).toBe(30);
    await ana.vanish();
    expect(await stored()).toBe(30);
    stage.clock.advance(700_000);
    await settled();
    expect(await stored()).toBe(20);
    const next = await stage.connect(`${to}/pc`);
    await next.send(el('presence', ns.client));
    expect(idsOf(next.take())).toEqual(old.slice(50));
  });

  it('do not keep newer ones from other sessions', async () => {
    const { stage, ben, ana } = await play();
    const other = await stage.connect(`${to}/pc`);
    await Promise.all([
      ana.send(el('presence', ns.client)),
      other.send(el('presence', ns.client)),
      ben.send(chat('new')),
    ]);
    expect(idsOf(other.take())).toEqual(['new']);
    expect(idsOf(ana.take())).toContain('new');
  });
});
