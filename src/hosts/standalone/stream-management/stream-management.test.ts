import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CoreClient, EmbeddedCore } from '../../../../tests/harness/embedded-core.js';
import { ManagedClient, sm } from '../../../../tests/harness/managed-client.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { offline } from '../modules/offline.js';
import { createPresence } from '../presence/presence.js';

const message = (id: string, to = 'ana@example.org/phone') =>
  el('message', ns.client, { to, type: 'chat', id }, el('body', ns.client, {}, id));
const ping = (id: string) => el('iq', ns.client, { type: 'get', id }, el('ping', ns.ping));
const available = el('presence', ns.client);
const turn = () => new Promise(setImmediate);
const seconds = (n: number) => n * 1_000;

describe('stream management', () => {
  let now: number;
  let server: EmbeddedCore;
  let ana: ManagedClient;
  let ben: CoreClient;
  /** What the hooks told. */
  let told: string[];

  const create = async (settings: ConstructorParameters<typeof EmbeddedCore>[0] = {}) => {
    server = new EmbeddedCore(settings, { now: () => now });
    const { core } = server;
    core.setPresenceRules(createPresence(core.server));
    offline.setup(core.server);
    const { hooks } = core.server;
    told = [];
    hooks.ackDelayed.on((_session, unacknowledged) => void told.push(`late ${unacknowledged.length}`));
    hooks.hibernationStart.on(
      (_session, unacknowledged) => void told.push(`asleep ${unacknowledged.length}`),
    );
    hooks.hibernationQueued.on((_session, stanza) => void told.push(`queued ${stanza.attr('id')}`));
    hooks.hibernationEnd.on((_session, how) => void told.push(how));
    ana = await clientOf('ana@example.org');
    await ana.bind('phone');
    ben = await server.connect('ben@example.org/pc');
  };
  const clientOf = async (jid: string) => {
    await server.addAccount(jid);
    return new ManagedClient(server.core, await server.account(jid));
  };
  const names = (name: string) => server.recorded.filter((event) => event.name === name);
  const isThere = () => server.core.server.accounts.loaded('ana@example.org')?.sessions.has('phone') ?? false;
  /** Ana is managed and available. */
  const begin = async () => {
    await ana.enable();
    await ana.say(available);
    await turn();
    ana.take();
  };
  /** What was kept for Ana until she comes back. */
  const kept = async () => {
    const { id } = await server.account('ana@example.org');
    const page = await server.stores.offline.list(id, 1_000);
    return page.map(({ message: text }) => / id='([^']*)'/.exec(text)?.[1]);
  };

  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    await create();
  });

  // What is logged names accounts, and not the devices of people.
  afterEach(() => {
    const named = server.recorded.flatMap((event) => ('jid' in event ? [event.jid] : []));
    expect(named.filter((jid) => jid.includes('/'))).toEqual([]);
  });

  describe('begins', () => {
    it('for a session that can be resumed, by an id that nobody guesses', async () => {
      const enabled = await ana.enable();
      expect(enabled.attrs).toEqual({ id: enabled.attr('id'), resume: 'true', max: '600' });
      expect(enabled.attr('id')).toMatch(/^[\w-]{24}$/);
    });

    it.each([
      [
        { resume: '1', max: '60' },
        { resume: 'true', max: '60' },
      ],
      [
        { resume: 'true', max: '601' },
        { resume: 'true', max: '600' },
      ],
      [{ resume: 'false' }, {}],
      [{}, {}],
    ])('as the client wishes: %j', async (attrs: Record<string, string>, expected) => {
      const enabled = await ana.enable(attrs);
      expect(enabled.name).toBe('enabled');
      expect(enabled.attrs).toMatchObject(expected);
      expect(Object.hasOwn(enabled.attrs, 'id')).toBe('resume' in expected);
    });

    it.each([{ resume: 'yes' }, { resume: 'true', max: '-1' }, { max: '0' }, { max: 'long' }])(
      'not with %j',
      async (attrs: Record<string, string>) => {
        expect(conditionOf(await ana.enable(attrs))).toBe('bad-request');
        expect((await ana.enable()).name).toBe('enabled');
      },
    );

    it('once', async () => {
      await ana.enable();
      expect(conditionOf(await ana.enable())).toBe('unexpected-request');
      await ben.say(message('1'));
      expect(ana.takeIds()).toEqual(['1']);
    });

    it.each(['r', 'a', 'resume'])('before %s', async (name) => {
      await ana.say(sm(name, { h: '0' }));
      expect(conditionOf(ana.takeNonza())).toBe('unexpected-request');
    });

    it('and knows no other elements', async () => {
      await begin();
      await expect(ana.say(sm('b'))).rejects.toMatchObject({ condition: 'unsupported-stanza-type' });
      await ana.say(sm('resume'));
      expect(conditionOf(ana.takeNonza())).toBe('unexpected-request');
    });
  });

  describe('tells the client how much was handled', () => {
    const ask = async () => {
      await ana.say(sm('r'));
      return ana.takeNonza().attr('h');
    };

    it('counting every stanza, and nothing else', async () => {
      await ana.say(ping('before'));
      await ana.enable();
      expect(await ask()).toBe('0');
      await ana.say(available);
      await ana.say(ping('1'));
      await ana.say(message('2', 'ben@example.org/pc'));
      await ana.say(message('3', 'not a jid@'));
      await ana.say(sm('a', { h: '0' }));
      expect(await ask()).toBe('4');
    });

    it('when it is on disk, and reads on meanwhile', async () => {
      const disk = slowDisk(server);
      await ana.enable();
      await ana.say(message('1', 'ben@example.org/pc'));
      await ana.say(sm('r'));
      await ana.say(message('2', 'ben@example.org/pc'));
      await ana.say(sm('r'));
      await ana.say(sm('r'));
      expect(ben.got()).toEqual(['message:chat:1', 'message:chat:2']);
      disk.write(1);
      await turn();
      expect(ana.nonzas).toEqual([]);
      disk.write(1);
      await turn();
      expect(ana.nonzas.map((one) => one.attr('h'))).toEqual(['1']);
      disk.write(2);
      await turn();
      expect(ana.nonzas.map((one) => [one.name, one.attr('h')])).toEqual([
        ['a', '1'],
        ['a', '2'],
      ]);
    });

    it('and lets it have no more than a bound under way', async () => {
      const disk = slowDisk(server);
      await ana.enable();
      for (let n = 0; n < 100; n++) await ana.say(message(`${n}`, 'ben@example.org/pc'));
      let isTaken = false;
      const taking = ana.say(message('more', 'ben@example.org/pc')).then(() => {
        isTaken = true;
      });
      await turn();
      expect(isTaken).toBe(false);
      disk.write(1_000);
      await taking;
    });

    it('after the messages before a request', async () => {
      const disk = slowDisk(server);
      await ana.enable();
      await ana.say(message('1', 'ben@example.org/pc'));
      const asked = ana.say(ping('2'));
      await turn();
      expect(ana.take()).toEqual([]);
      disk.write(10);
      await asked;
      await turn();
      expect(ana.takeIds()).toEqual(['2']);
    });
  });

  describe('asks the client what it has handled', () => {
    const requests = () => ana.link.take().filter(({ name }) => name === 'r').length;

    beforeEach(async () => {
      ana.isAttentive = false;
      await begin();
      await ana.say(sm('a', { h: `${ana.handled}` }));
      ana.link.take();
    });

    it('once for all that was sent in a turn of the event loop', async () => {
      for (let n = 0; n < 3; n++) await ben.say(message(`${n}`));
      await turn();
      expect(ana.link.take().map(({ name }) => name)).toEqual(['message', 'message', 'message', 'r']);
    });

    it('not again before it has said, and then about what came meanwhile', async () => {
      await ben.say(message('1'));
      await turn();
      await ben.say(message('2'));
      await turn();
      expect(requests()).toBe(1);
      await ana.say(sm('a', { h: `${ana.handled - 1}` }));
      await turn();
      expect(requests()).toBe(1);
      await ana.say(sm('a', { h: `${ana.handled}` }));
      await turn();
      expect(requests()).toBe(0);
    });

    it('not again and again if it repeats itself', async () => {
      const before = ana.handled;
      await ben.say(message('1'));
      await turn();
      for (let n = 0; n < 3; n++) {
        await ana.say(sm('a', { h: `${before}` }));
        await turn();
      }
      expect(requests()).toBe(1);
      await ben.say(message('2'));
      await turn();
      expect(requests()).toBe(1);
    });

    it('and forgets what it says it has handled', async () => {
      await ben.say(message('1'));
      await ben.say(message('2'));
      await ana.say(sm('a', { h: `${ana.handled - 1}` }));
      await ana.lose();
      expect(told).toEqual(['asleep 1']);
    });

    it('and believes nothing that cannot be', async () => {
      await ben.say(message('1'));
      const said = ana.say(sm('a', { h: `${ana.handled + 1}` }));
      await expect(said).rejects.toMatchObject({ condition: 'undefined-condition' });
      const error = await said.catch((cause) => cause.toElement());
      expect(error.child('handled-count-too-high', ns.streamManagement)?.attrs).toEqual({
        h: `${ana.handled + 1}`,
        'send-count': `${ana.handled}`,
      });
    });

    it.each(['', '-1', '1.5', 'x', '4294967296', '99999999999999999999'])('in numbers, not %j', async (h) => {
      await expect(ana.say(sm('a', { h }))).rejects.toMatchObject({ condition: 'bad-format' });
    });

    it('and says to modules, once, if it does not answer', async () => {
      await ben.say(message('1'));
      await turn();
      server.clock.advance(seconds(29));
      expect(told).toEqual([]);
      server.clock.advance(seconds(2));
      expect(told).toEqual(['late 1']);
      await ben.say(message('2'));
      server.clock.advance(seconds(60));
      expect(told).toEqual(['late 1', 'queued 2']);
      expect(names('acknowledgementDelayed')).toHaveLength(1);
      await ana.say(sm('a', { h: `${ana.handled}` }));
      await ben.say(message('3'));
      await turn();
      expect(told).toEqual(['late 1', 'queued 2']);
      server.clock.advance(seconds(31));
      expect(told).toEqual(['late 1', 'queued 2', 'late 1']);
    });

    it('and lets go of one that reads and never says anything', async () => {
      for (let n = 0; n <= 5_000; n++) await ben.say(message(`${n}`));
      await turn();
      expect(ana.error?.condition).toBe('resource-constraint');
      expect(isThere()).toBe(false);
      expect(await kept()).toHaveLength(100);
    });

    it('before more of what was kept is handed over', async () => {
      const { link } = ana.session;
      expect(await link.written()).toBe(true);
      for (let n = 0; n <= 250; n++) await ben.say(message(`${n}`));
      let isWritten: boolean | undefined;
      void link.written().then((is) => {
        isWritten = is;
      });
      await turn();
      expect(isWritten).toBeUndefined();
      await ana.say(sm('a', { h: `${ana.handled - 250}` }));
      await turn();
      expect(isWritten).toBe(true);
      await ben.say(message('last'));
      const atLast = link.written();
      await ana.lose(true);
      expect(await atLast).toBe(false);
    });
  });

  it('says when all that was sent has arrived, on whatever connection', async () => {
    await begin();
    ana.isAttentive = false;
    await ana.say(sm('a', { h: `${ana.handled}` }));
    const { link } = ana.session;
    expect(await link.arrived?.()).toBe(true);
    await ben.say(message('1'));
    const heard: string[] = [];
    void link.arrived?.().then((is) => heard.push(`first ${is}`));
    await ben.say(message('2'));
    void link.arrived?.().then((is) => heard.push(`second ${is}`));
    await ana.lose();
    ana.handled--;
    await ana.resume();
    await turn();
    expect(heard).toEqual(['first true']);
    await ana.lose(true);
    expect(heard).toEqual(['first true', 'second false']);
    expect(await link.arrived?.()).toBe(false);
  });

  describe('lets a client resume', () => {
    beforeEach(begin);

    it('and tells it only the last of what its contacts were meanwhile', async () => {
      const { session } = ana;
      const from = (id: string, more: Record<string, string> = {}) =>
        el('presence', ns.client, { from: 'ben@example.org/pc', to: session.jid.toString(), id, ...more });
      ana.isAttentive = false;
      session.send(from('sent'));
      await turn();
      await ana.lose();
      ana.handled--;
      for (let n = 0; n < 1_000; n++) session.send(from(`${n}`, n % 2 === 0 ? {} : { type: 'unavailable' }));
      await ben.say(message('between'));
      const hasArrived = session.link.arrived?.();
      session.send(from('last'));
      session.send(from('subscription', { type: 'subscribe' }));
      ana.log = [];
      ana.isAttentive = true;
      await ana.resume();
      await turn();
      expect(ana.log).toEqual(['sent', 'between', 'last', 'subscription']);
      expect(await hasArrived).toBe(true);
      expect(isThere()).toBe(true);
    });

    it('and sends what it missed, with the times at which it was sent', async () => {
      ana.isAttentive = false;
      await ben.say(message('1'));
      await ana.lose();
      ana.handled--;
      ana.take();
      now += seconds(5);
      await ben.say(message('2'));
      const resumed = await ana.resume();
      expect(resumed?.attrs).toEqual({ previd: ana.id, h: '1' });
      await ben.say(message('3'));
      const got = ana.take();
      expect(got.map((stanza) => [stanza.attr('id'), stampOf(stanza)])).toEqual([
        ['1', '2026-01-01T00:00:00.000Z'],
        ['2', '2026-01-01T00:00:05.000Z'],
        ['3', undefined],
      ]);
      expect(told).toEqual(['asleep 1', 'queued 2', 'resumed']);
      expect(names('sessionResumed')).toMatchObject([{ replayed: 2, transport: 'starttls' }]);
    });

    it('whose presence was there all the time', async () => {
      const watcher = await clientOf('ana@example.org').then((client) => client.bind('desk'));
      await watcher.say(available);
      watcher.take();
      await ana.lose();
      expect(ana.session.isAvailable).toBe(true);
      await ana.resume();
      expect(watcher.take()).toEqual([]);
    });

    it('again and again', async () => {
      for (let n = 0; n < 5; n++) {
        await ana.lose();
        await ben.say(message(`${n}`));
        expect((await ana.resume())?.name).toBe('resumed');
        await turn();
      }
      expect(ana.takeIds()).toEqual(['0', '1', '2', '3', '4']);
      expect(names('sessionStarted')).toHaveLength(2);
      expect(names('sessionEnded')).toHaveLength(0);
    });

    it('a large backlog, part by part', async () => {
      const long = 'x'.repeat(200_000);
      await ana.lose();
      for (let n = 0; n < 10; n++)
        await ben.say(message(`${n}`).withChildren([el('body', ns.client, {}, long)]));
      let go = () => {};
      ana.isAttentive = false;
      const resuming = ana.resume();
      ana.link.written = () =>
        new Promise((resolve) => {
          go = () => resolve(true);
        });
      await resuming;
      expect(ana.received.length).toBe(3);
      await ben.say(message('new'));
      for (let n = 0; n < 3; n++) {
        go();
        await turn();
      }
      expect(ana.takeIds()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'new']);
      expect(ana.link.ended).toBeUndefined();
    });

    it('only what it knows the name of', async () => {
      await ana.lose();
      const answers = [
        await ana.resume({ previd: 'nonsense' }),
        await ana.resume({ previd: '' }),
        await ana.resume({ h: 'x' }),
      ];
      expect(answers.map((answer) => answer && conditionOf(answer))).toEqual([
        'item-not-found',
        'item-not-found',
        'item-not-found',
      ]);
      expect(isThere()).toBe(true);
      expect(names('resumptionFailed')).toHaveLength(3);
    });

    it('only its own sessions', async () => {
      await ana.lose();
      const thief = await clientOf('eve@example.org');
      expect((await thief.resume({ previd: ana.id }))?.attrs).toEqual({});
      expect(conditionOf(thief.takeNonza())).toBe('item-not-found');
      await ben.say(message('1'));
      expect(thief.take()).toEqual([]);
      await ana.resume();
      expect(ana.takeIds()).toEqual(['1']);
    });

    it('only as the account that it was, not as a later one of its name', async () => {
      await ana.lose();
      await server.core.removeAccount(Jid.parse('ana@example.org'), 'operator');
      const later = await clientOf('ana@example.org');
      const answer = await later.resume({ previd: ana.id });
      expect(answer && conditionOf(answer)).toBe('item-not-found');
    });

    it('only with a count that can be, and leaves the session alone otherwise', async () => {
      await ana.lose();
      await expect(ana.resume({ h: `${ana.handled + 1}` })).rejects.toMatchObject({
        condition: 'undefined-condition',
      });
      await ben.say(message('1'));
      expect((await ana.resume())?.name).toBe('resumed');
      expect(ana.takeIds()).toEqual(['1']);
    });

    it('and does not count what was never sent', async () => {
      await ana.lose();
      await ben.say(message('1'));
      await expect(ana.resume({ h: `${ana.handled + 1}` })).rejects.toMatchObject({ name: 'StreamError' });
    });

    it('although the old connection lives, which ends', async () => {
      const { link } = ana;
      await ana.resume();
      expect(link.ended?.error?.condition).toBe('conflict');
      await ana.lose(true, link);
      expect(isThere()).toBe(true);
      await ben.say(message('1'));
      expect(ana.takeIds()).toEqual(['1']);
      expect(names('sessionHibernated')).toHaveLength(1);
      expect(names('sessionResumed')).toHaveLength(1);
      expect(told).toEqual(['resumed']);
    });

    it('when what it sent before is on disk', async () => {
      const disk = slowDisk(server);
      await ana.say(message('1', 'ben@example.org/pc'));
      const resuming = ana.resume();
      await turn();
      const saying = ben.say(message('2'));
      expect(ana.nonzas).toEqual([]);
      expect(ana.take()).toEqual([]);
      disk.write(10);
      await saying;
      expect((await resuming)?.attr('h')).toBe('2');
      expect(ana.takeIds()).toEqual(['2']);
    });

    it('twice at once: the later takes over', async () => {
      const disk = slowDisk(server);
      await ana.say(message('1', 'ben@example.org/pc'));
      const first = ana.resume();
      const { link } = ana;
      const second = ana.resume();
      disk.write(10);
      await Promise.all([first, second]);
      expect(link.ended?.error?.condition).toBe('conflict');
      expect(link.take()).toEqual([]);
      expect(names('sessionResumed')).toHaveLength(1);
      void ben.say(message('2'));
      expect(ana.takeIds()).toEqual(['2']);
    });

    it('not when the session ends while it waits', async () => {
      const disk = slowDisk(server);
      await ana.say(message('1', 'ben@example.org/pc'));
      const resuming = ana.resume();
      const other = await clientOf('ana@example.org').then((client) => client.bind('phone'));
      disk.write(10);
      expect(await resuming).toBeUndefined();
      expect(ana.error?.condition).toBe('conflict');
      expect(other.session).not.toBe(ana.session);
      expect(names('hibernationEnded')).toMatchObject([{ how: 'ended' }]);
    });

    it('not what was not to be resumed', async () => {
      const desk = await clientOf('ana@example.org').then((client) => client.bind('desk'));
      desk.isAttentive = false;
      await desk.enable({});
      await ben.say(message('1', 'ana@example.org/desk'));
      await desk.lose();
      // It goes to the account's other session.
      expect(ana.takeIds()).toEqual(['1']);
      expect(names('sessionHibernated')).toHaveLength(0);
    });

    it.each([true, false])('after it has closed its stream: %j', async (isFinal) => {
      await ana.lose(isFinal);
      expect(isThere()).toBe(!isFinal);
      expect((await ana.resume())?.name).toBe(isFinal ? 'failed' : 'resumed');
    });
  });

  describe('ends the wait', () => {
    beforeEach(begin);

    it('when the time is up: what was not taken is kept, and the client may ask what was handled', async () => {
      await ana.say(message('mine', 'ben@example.org/pc'));
      await ana.lose();
      await ben.say(message('1'));
      await ben.say(message('2', 'ana@example.org'));
      server.clock.advance(seconds(599));
      expect(isThere()).toBe(true);
      server.clock.advance(seconds(2));
      await turn();
      expect(isThere()).toBe(false);
      expect(ana.session.isAvailable).toBe(false);
      expect(await kept()).toEqual(['1', '2']);
      expect(told).toEqual(['asleep 0', 'queued 1', 'queued 2', 'expired']);
      expect(names('hibernationEnded')).toMatchObject([{ how: 'expired', lost: 2 }]);
      const answer = await ana.resume();
      expect(answer?.attrs).toEqual({ h: '2' });
      expect(answer && conditionOf(answer)).toBe('item-not-found');
      const thief = await clientOf('eve@example.org');
      expect((await thief.resume({ previd: ana.id }))?.attrs).toEqual({});
    });

    it('later if somebody says so, and never sooner', async () => {
      const { server: inner } = server.core;
      expect(inner.extendHibernation(ana.session, 1_000)).toBe(false);
      await ana.lose();
      expect(inner.extendHibernation(ana.session, 10)).toBe(true);
      server.clock.advance(seconds(300));
      expect(inner.extendHibernation(ana.session, 1_000)).toBe(true);
      server.clock.advance(seconds(999));
      expect(isThere()).toBe(true);
      server.clock.advance(seconds(2));
      expect(isThere()).toBe(false);
      expect(inner.extendHibernation(ana.session, 1_000)).toBe(false);
    });

    it('as early as without that if somebody says so, from then on', async () => {
      const { server: inner } = server.core;
      expect(inner.endExtension(ana.session)).toBe(false);
      await ana.lose();
      inner.extendHibernation(ana.session, 10_000);
      server.clock.advance(seconds(5_000));
      expect(inner.endExtension(ana.session)).toBe(true);
      server.clock.advance(seconds(599));
      expect(isThere()).toBe(true);
      server.clock.advance(seconds(2));
      expect(isThere()).toBe(false);
      expect(inner.endExtension(ana.session)).toBe(false);
      expect(inner.endExtension(ben.session)).toBe(false);
    });

    it('as early as the client wished', async () => {
      const desk = await clientOf('ana@example.org').then((client) => client.bind('desk'));
      await desk.enable({ resume: 'true', max: '5' });
      await desk.lose();
      server.clock.advance(seconds(6));
      expect((await desk.resume())?.name).toBe('failed');
    });

    it('when too much is queued', async () => {
      await create({ smacks: { hibernationTime: 600, maxAckDelay: 30, maxQueueSize: 3 } });
      await begin();
      await ana.lose();
      for (let n = 0; n < 5; n++) await ben.say(message(`${n}`));
      await turn();
      expect(isThere()).toBe(false);
      expect(await kept()).toEqual(['0', '1', '2', '3', '4']);
      expect(told.at(-1)).toBe('overflow');
    });

    it('when too many bytes are queued', async () => {
      await ana.lose();
      const long = 'x'.repeat(200_000);
      for (let n = 0; n < 25; n++)
        await ben.say(message(`${n}`).withChildren([el('body', ns.client, {}, long)]));
      await turn();
      expect(isThere()).toBe(false);
      expect(await kept()).toHaveLength(25);
    });

    it('when its resource is bound anew, by which what it missed comes', async () => {
      await ana.lose();
      await ben.say(message('1'));
      const again = await clientOf('ana@example.org').then((client) => client.bind('phone'));
      await turn();
      expect(again.takeIds()).toEqual(['1']);
      expect(told.at(-1)).toBe('ended');
      expect((await ana.resume())?.name).toBe('failed');
    });

    it('when the account needs room for another session: of those who wait longest', async () => {
      await create({ maxSessionsPerAccount: 2 });
      await begin();
      const desk = await clientOf('ana@example.org').then((client) => client.bind('desk'));
      await desk.enable();
      await desk.lose();
      server.clock.advance(seconds(1));
      await ana.lose();
      const third = await clientOf('ana@example.org').then((client) => client.bind('third'));
      expect((await desk.resume())?.name).toBe('failed');
      expect((await ana.resume())?.name).toBe('resumed');
      await expect(third.bind('fourth')).rejects.toMatchObject({ condition: 'resource-constraint' });
    });

    it('when the account is removed', async () => {
      await ana.lose();
      await ben.say(message('1'));
      await server.core.removeAccount(Jid.parse('ana@example.org'), 'operator');
      server.clock.advance(1);
      await turn();
      expect(told.at(-1)).toBe('ended');
      expect(names('sessionEnded')).toMatchObject([{ lost: 1 }]);
    });

    it('when the server stops, which keeps what was not taken', async () => {
      const desk = await clientOf('ana@example.org').then((client) => client.bind('desk'));
      await desk.enable();
      await ana.lose();
      for (let n = 0; n < 50; n++) await ben.say(message(`${n}`));
      const stopping = server.core.stop();
      expect(desk.error?.condition).toBe('system-shutdown');
      expect(desk.link.sent.at(-1)?.name).toBe('a');
      await server.core.entrance.unbind(ben.session, ben.link, [], true);
      await stopping;
      expect(await kept()).toHaveLength(50);
      expect(names('sessionEnded')).toHaveLength(3);
      expect(server.clock.pending).toEqual([]);
    });

    it('and what was sent before management began goes the same way, unless the client came back', async () => {
      const early = message('early').withAttrs({ from: 'ben@example.org/pc' });
      await server.core.entrance.unbind(ana.session, ana.link, [early], false);
      await ana.resume();
      await ana.lose(true);
      await turn();
      expect(await kept()).toEqual([]);
      await ana.bind('phone');
      await begin();
      await server.core.entrance.unbind(ana.session, ana.link, [early], false);
      await ben.say(message('1'));
      server.clock.advance(seconds(601));
      await turn();
      expect(await kept()).toEqual(['early', '1']);
    });

    it('and says how much was handled when all of it is done', async () => {
      const disk = slowDisk(server);
      await ana.say(message('1', 'ben@example.org/pc'));
      await ana.lose(true);
      const asking = ana.resume();
      await turn();
      expect(ana.nonzas).toEqual([]);
      disk.write(10);
      expect((await asking)?.attr('h')).toBe('2');
    });

    it('when too much is queued, and what others got too is done with', async () => {
      await create({ smacks: { hibernationTime: 600, maxAckDelay: 30, maxQueueSize: 1 } });
      await begin();
      const desk = await server.connect('ana@example.org/desk');
      desk.available();
      await ana.lose();
      await ben.say(message('1', 'ana@example.org'));
      await ben.say(message('2', 'ana@example.org'));
      await turn();
      expect(isThere()).toBe(false);
      expect(desk.got().filter((one) => one.startsWith('message'))).toEqual([
        'message:chat:1',
        'message:chat:2',
      ]);
      expect(await kept()).toEqual([]);
    });

    it('and what an inactive client was spared goes the same way', async () => {
      const held = message('held').withAttrs({ from: 'ben@example.org/pc' });
      ana.session.filter = { send: () => true, takeHeld: () => [held] };
      await ana.lose(true);
      await turn();
      expect(await kept()).toEqual(['held']);
    });
  });

  it('goes on although a listener fails', async () => {
    const { hooks } = server.core.server;
    hooks.hibernationStart.on(() => {
      throw new Error('flaw');
    });
    hooks.hibernationQueued.on(() => Promise.reject(new Error('flaw')));
    await begin();
    await ana.lose();
    await ben.say(message('1'));
    await ana.resume();
    expect(ana.takeIds()).toEqual(['1']);
    expect(server.failures).toEqual(['hibernationStart', 'hibernationQueued']);
  });
});

function conditionOf(element: Element): string | undefined {
  return element.name === 'failed' ? element.firstElement()?.name : undefined;
}

function stampOf(stanza: Element): string | undefined {
  return stanza.child('delay', ns.delay)?.attr('stamp');
}

/** An archive that writes when it is told to. */
function slowDisk(server: EmbeddedCore): { write(count: number): void } {
  const waiting: (() => void)[] = [];
  server.core.setArchiving({
    record: (_account, stanza) => ({
      stanza,
      written: new Promise((resolve) => void waiting.push(() => resolve(true))),
    }),
  });
  return {
    write(count) {
      for (const write of waiting.splice(0, count)) write();
    },
  };
}
