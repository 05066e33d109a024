import { beforeEach, describe, expect, it } from 'vitest';
import { createArchive } from '../../src/hosts/standalone/archive/archive.js';
import { carbons } from '../../src/hosts/standalone/modules/carbons.js';
import { offline } from '../../src/hosts/standalone/modules/offline.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { parseStored } from '../../src/xmpp/stored-xml.js';
import { type Actor, CoreStage } from '../harness/core-stage.js';

const ana = 'ana@example.org';
const ben = 'ben@example.org';
const body = el('body', ns.client, {}, 'hi');

const message = (to: string | undefined, attrs: Record<string, string> = {}, ...more: Element[]) =>
  el('message', ns.client, { type: 'chat', id: 'm', to, ...attrs }, body, ...more);
const presence = (priority: number) =>
  el('presence', ns.client, {}, el('priority', ns.client, {}, String(priority)));
const enableCarbons = el('iq', ns.client, { type: 'set', id: 'c' }, el('enable', ns.carbons));
const enableManagement = el('enable', ns.streamManagement, { resume: 'true' });
const settled = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** What is inside a copy. */
function forwardedIn(stanza: Element): Element | undefined {
  const copy = stanza.child('received', ns.carbons) ?? stanza.child('sent', ns.carbons);
  return copy?.child('forwarded', ns.forward)?.firstElement();
}

/** A message in a word and its id: `original:m`, `received:m`, `sent:m`, `error:m`, with `+late` if it came late. */
function inAWord(stanza: Element): string {
  const inner = forwardedIn(stanza);
  const kind = stanza.child('received', ns.carbons) ?? stanza.child('sent', ns.carbons);
  const plain = stanza.attr('type') === 'error' ? 'error' : 'original';
  const late = stanza.child('delay', ns.delay) === undefined ? '' : '+late';
  return `${kind?.name ?? plain}:${(inner ?? stanza).attr('id')}${late}`;
}

/** Ana's devices: its priority, none if it is not available; whether it wants carbons; whether it can be resumed. */
interface Device {
  readonly priority?: number;
  readonly carbons?: boolean;
  readonly resumes?: boolean;
}

describe('messages to several devices', () => {
  let stage: CoreStage;
  let pc: Actor;
  let devices: Map<string, Actor>;

  beforeEach(async () => {
    stage = new CoreStage([carbons, offline]);
    stage.core.setArchiving(createArchive(stage.core.server));
    await stage.addAccounts(ana, ben);
    pc = await stage.connect(`${ben}/pc`);
    devices = new Map();
  });

  async function add(name: string, { priority, carbons: wants, resumes }: Device): Promise<Actor> {
    const actor = await stage.connect(`${ana}/${name}`);
    if (resumes === true) await actor.send(enableManagement);
    if (wants === true) await actor.send(enableCarbons);
    if (priority !== undefined) await actor.send(presence(priority));
    await settled();
    for (const one of [...devices.values(), actor]) one.take();
    devices.set(name, actor);
    return actor;
  }

  async function anaHas(all: Readonly<Record<string, Device>>): Promise<void> {
    for (const [name, device] of Object.entries(all)) await add(name, device);
  }

  function device(name: string): Actor {
    const actor = devices.get(name);
    if (actor === undefined) throw new Error(`ana has no ${name}`);
    return actor;
  }

  const messagesOf = (actor: Actor) => actor.take().filter(({ name }) => name === 'message');
  /** What everybody got, nothing left out. */
  const got = () =>
    Object.fromEntries(
      [...devices].flatMap(([name, actor]) => {
        const words = messagesOf(actor).map(inAWord);
        return words.length === 0 ? [] : [[name, words.join(' ')]];
      }),
    );
  const kept = async (jid = ana) => {
    const account = await stage.stores.accounts.find(jid);
    const listed = await stage.stores.offline.list(account?.id ?? 0, 100);
    return listed.map((one) => inAWord(parseStored(one.message)));
  };
  const archived = async (jid: string) => {
    const account = await stage.stores.accounts.find(jid);
    return (await stage.stores.archive.page(account?.id ?? 0, {}, 100, false)).map(
      (one) => `${one.withBare}:${parseStored(one.message).attr('id')}`,
    );
  };

  const copies: Device = { priority: 0, carbons: true };
  const many = {
    phone: copies,
    tablet: copies,
    radio: { priority: 0 },
    watch: { priority: -1, carbons: true },
    clock: { priority: -1 },
    hidden: { carbons: true },
  } satisfies Readonly<Record<string, Device>>;

  it.each([
    [
      'a full JID',
      `${ana}/phone`,
      { phone: 'original:m', tablet: 'received:m', watch: 'received:m', hidden: 'received:m' },
    ],
    [
      'the full JID of a device without carbons',
      `${ana}/clock`,
      {
        clock: 'original:m',
        phone: 'received:m',
        tablet: 'received:m',
        watch: 'received:m',
        hidden: 'received:m',
      },
    ],
    [
      'the bare JID',
      ana,
      {
        phone: 'original:m',
        tablet: 'original:m',
        radio: 'original:m',
        watch: 'received:m',
        hidden: 'received:m',
      },
    ],
    [
      'a resource that is not there',
      `${ana}/gone`,
      {
        phone: 'original:m',
        tablet: 'original:m',
        radio: 'original:m',
        watch: 'received:m',
        hidden: 'received:m',
      },
    ],
  ])('from others, to %s', async (_, to, expected) => {
    await anaHas(many);
    await pc.send(message(to));
    expect(got()).toEqual(expected);
    expect(await archived(ana)).toEqual([`${ben}:m`]);
    expect(await archived(ben)).toEqual([`${ana}:m`]);
    expect(await kept()).toEqual([]);
  });

  it('that nobody takes are copied, and kept', async () => {
    await anaHas({ watch: { priority: -1, carbons: true }, clock: { priority: -1 } });
    await pc.send(message(ana));
    expect(got()).toEqual({ watch: 'received:m' });
    expect(await kept()).toEqual(['original:m+late']);
    await device('watch').vanish(...device('watch').take());
    expect(await kept()).toEqual(['original:m+late']);
  });

  it('of the account itself are copied to the other devices', async () => {
    await anaHas(many);
    await device('clock').send(message(ben));
    const expected = { phone: 'sent:m', tablet: 'sent:m', watch: 'sent:m', hidden: 'sent:m' };
    expect(got()).toEqual(expected);
    await device('phone').send(message(`${ben}/pc`));
    expect(got()).toEqual({ tablet: 'sent:m', watch: 'sent:m', hidden: 'sent:m' });
    await device('phone').send(message('eve@example.com'));
    expect(got()).toEqual({ tablet: 'sent:m', watch: 'sent:m', hidden: 'sent:m' });
    expect(stage.abroad).toHaveLength(1);
  });

  it.each([
    [
      'its bare JID',
      ana,
      { phone: 'original:m', tablet: 'original:m', radio: 'original:m', watch: 'received:m' },
    ],
    [
      'nobody',
      undefined,
      { phone: 'original:m', tablet: 'original:m', radio: 'original:m', watch: 'received:m' },
    ],
    ['another device', `${ana}/clock`, { clock: 'original:m', tablet: 'received:m', watch: 'received:m' }],
    ['itself', `${ana}/phone`, { phone: 'original:m', tablet: 'received:m', watch: 'received:m' }],
  ])('from a device to %s reach each device once, and the archive once', async (_, to, expected) => {
    const { phone, tablet, radio, watch, clock } = many;
    await anaHas({ phone, tablet, radio, watch, clock });
    await device('phone').send(message(to));
    expect(got()).toEqual(expected);
    expect(await archived(ana)).toEqual([`${ana}:m`]);
  });

  const secret = el('private', ns.carbons);
  const copy = el('received', ns.carbons, {}, el('forwarded', ns.forward, {}, message(ana)));
  it.each([
    ['private', message(`${ana}/phone`, {}, secret)],
    ['not to be copied', message(`${ana}/phone`, {}, el('no-copy', ns.hints))],
    ['of a room', message(`${ana}/phone`, { type: 'groupchat' })],
    ['a headline', message(`${ana}/phone`, { type: 'headline' })],
    ['made to look like copies', message(`${ana}/phone`, {}, copy)],
  ])('are not copied if they are %s', async (_, stanza) => {
    await anaHas(many);
    await pc.send(stanza);
    const [only, ...more] = messagesOf(device('phone'));
    expect(more).toEqual([]);
    expect(only?.children.slice(0, stanza.children.length)).toEqual(stanza.children);
    expect(got()).toEqual({});
    await device('phone').send(stanza.withAttrs({ to: `${ben}/pc` }));
    expect(got()).toEqual({});
  });

  it('are not copied to who has had enough of it', async () => {
    await anaHas({ phone: copies, tablet: copies });
    const disable = el('iq', ns.client, { type: 'set', id: 'd' }, el('disable', ns.carbons));
    await device('tablet').send(disable);
    await pc.send(message(`${ana}/phone`));
    await device('phone').send(message(ben));
    expect(got()).toEqual({ phone: 'original:m' });
  });

  it('are wrapped as they were received or sent', async () => {
    await anaHas({ phone: copies, tablet: copies });
    await pc.send(message(`${ana}/phone`, { type: 'normal' }));
    const [original] = messagesOf(device('phone'));
    const [received] = messagesOf(device('tablet'));
    if (original === undefined) throw new Error('nothing came');
    const addressed = { type: 'normal', from: ana, to: `${ana}/tablet` };
    const wrapped = (name: string, inner: Element) =>
      el('message', ns.client, addressed, el(name, ns.carbons, {}, el('forwarded', ns.forward, {}, inner)));
    expect(received).toEqual(wrapped('received', original));
    expect(original.child('stanza-id', ns.stanzaIds)?.attr('by')).toBe(ana);

    await device('phone').send(message(`${ben}/pc`, { type: 'normal' }));
    const [sent] = messagesOf(device('tablet'));
    const [arrived] = messagesOf(pc);
    const inner = sent && forwardedIn(sent);
    if (inner === undefined) throw new Error('nothing was copied');
    expect(sent).toEqual(wrapped('sent', inner));
    expect(inner.attr('from')).toBe(`${ana}/phone`);
    expect(inner.child('stanza-id', ns.stanzaIds)?.attr('by')).toBe(ana);
    const ids = arrived?.elements().filter((child) => child.is('stanza-id', ns.stanzaIds));
    expect(ids?.map((id) => id.attr('by'))).toEqual([ben]);
  });

  it('carry no ids that somebody else gave in the name of an account', async () => {
    await anaHas({ phone: copies, tablet: copies });
    const forged = [ana, ben, 'room@muc.example.com'].map((by) =>
      el('stanza-id', ns.stanzaIds, { by, id: 'forged' }),
    );
    await pc.send(message(`${ana}/phone`, {}, el('no-store', ns.hints), ...forged));
    const [original] = messagesOf(device('phone'));
    const ids = original?.elements().filter((child) => child.is('stanza-id', ns.stanzaIds));
    expect(ids?.map((id) => id.attr('by'))).toEqual(['room@muc.example.com']);
  });

  describe('and errors that answer them', () => {
    const bounce = (id: string) =>
      el(
        'message',
        ns.client,
        { type: 'error', id, to: `${ana}/phone` },
        new StanzaError('not-acceptable').toElement(),
      );

    it('are copied as those were', async () => {
      await anaHas({ phone: copies, tablet: copies });
      await device('phone').send(message(`${ben}/pc`));
      await device('phone').send(message(`${ben}/pc`, { id: 'secret' }, secret));
      got();
      await pc.send(bounce('m'));
      await pc.send(bounce('secret'));
      await pc.send(bounce('never sent'));
      const all = messagesOf(device('tablet'));
      expect(all.map(inAWord)).toEqual(['received:m']);
      expect(all[0]?.attr('type')).toBe('error');
      expect(messagesOf(device('phone')).map(inAWord)).toEqual([
        'error:m',
        'error:secret',
        'error:never sent',
      ]);
    });

    it('are copied if the server gives them, and if their device has gone', async () => {
      await anaHas({ phone: copies, tablet: copies });
      await device('phone').send(message(`${ben}/gone`, { type: 'normal' }));
      expect(got()).toEqual({ phone: 'error:m', tablet: 'sent:m received:m' });
      await device('phone').send(message(`${ben}/pc`, { id: 'n' }));
      await device('phone').vanish();
      await pc.send(bounce('n'));
      expect(messagesOf(device('tablet')).map(inAWord)).toEqual(['sent:n', 'received:n']);
    });

    it('go nowhere if they answer a copy', async () => {
      await anaHas({ phone: copies, tablet: copies });
      await pc.send(message(`${ana}/phone`));
      got();
      await device('tablet').send(
        el(
          'message',
          ns.client,
          { type: 'error', id: 'm', to: ana },
          new StanzaError('not-allowed').toElement(),
        ),
      );
      expect(got()).toEqual({});
      expect(messagesOf(pc)).toEqual([]);
    });
  });

  describe('that are lost on the way', () => {
    /** Ends a session that got nothing of what it was sent. */
    async function lose(name: string): Promise<void> {
      const actor = device(name);
      await actor.vanish(...actor.take());
    }

    it.each([
      ['the original, and a copy is there', `${ana}/phone`, ['phone'], { tablet: 'received:m' }, []],
      ['a copy, and the original is there', `${ana}/phone`, ['tablet'], { phone: 'original:m' }, []],
      ['both, the copy last', `${ana}/phone`, ['phone', 'tablet'], {}, ['original:m+late']],
      ['both, the original last', `${ana}/phone`, ['tablet', 'phone'], {}, ['original:m+late']],
      ['one original of two', ana, ['phone'], { tablet: 'original:m' }, []],
      ['both originals', ana, ['phone', 'tablet'], {}, ['original:m+late']],
    ] as const)('reach each device once: %s', async (_, to, lost, left, inStore) => {
      await anaHas({ phone: copies, tablet: copies });
      await pc.send(message(to));
      for (const name of lost) await lose(name);
      expect(got()).toEqual(left);
      expect(await kept()).toEqual(inStore);
      expect(await archived(ana)).toEqual([`${ben}:m`]);
      expect(messagesOf(pc)).toEqual([]);
    });

    it('go as originals to devices that have come since', async () => {
      await anaHas({ phone: copies, tablet: copies });
      await pc.send(message(`${ana}/phone`));
      const [ofPhone, ofTablet] = [device('phone').take(), device('tablet').take()];
      await device('phone').vanish(...ofPhone);
      await add('laptop', copies);
      await device('tablet').vanish(...ofTablet);
      const all = messagesOf(device('laptop'));
      expect(all.map(inAWord)).toEqual(['original:m']);
      expect(all[0]?.attr('to')).toBe(`${ana}/phone`);
      await device('laptop').vanish(...all);
      expect(await kept()).toEqual(['original:m+late']);
    });

    it('wait for nobody if they are copies of what the account has sent', async () => {
      await anaHas({ phone: copies, tablet: copies });
      await device('phone').send(message(`${ben}/pc`));
      await lose('tablet');
      expect([got(), await kept(), messagesOf(device('phone'))]).toEqual([{}, [], []]);
      expect(messagesOf(pc).map(inAWord)).toEqual(['original:m']);
    });

    it('are not returned if the archive has them', async () => {
      await anaHas({ phone: copies });
      await pc.send(message(`${ana}/phone`, { type: 'normal' }));
      await lose('phone');
      expect(messagesOf(pc)).toEqual([]);
      await pc.send(message(`${ana}/phone`, { type: 'normal', id: 'n' }));
      expect(messagesOf(pc).map(inAWord)).toEqual(['error:n']);
      expect(await archived(ana)).toEqual([`${ben}:m`]);
    });

    describe('by devices that may come back', () => {
      const resumes: Device = { ...copies, resumes: true };
      const hibernate = (name: string) => device(name).vanish();
      const expire = async () => {
        stage.clock.advance(700_000);
        await settled();
      };

      it.each([
        ['one is there, one sleeps and never wakes', ['tablet'], { phone: 'original:m' }, []],
        ['the one that is meant sleeps and never wakes', ['phone'], { tablet: 'received:m' }, []],
        ['both sleep and never wake', ['phone', 'tablet'], {}, ['original:m+late']],
      ] as const)('reach each once: %s', async (_, sleepers, left, inStore) => {
        await anaHas({ phone: resumes, tablet: resumes });
        for (const name of sleepers) await hibernate(name);
        await pc.send(message(`${ana}/phone`));
        for (const name of sleepers) expect(messagesOf(device(name))).toEqual([]);
        expect(await kept()).toEqual([]);
        await expire();
        expect(got()).toEqual(left);
        expect(await kept()).toEqual(inStore);
      });

      it('keep the time at which they came', async () => {
        await anaHas({ phone: resumes, tablet: resumes });
        await hibernate('phone');
        await hibernate('tablet');
        await pc.send(message(`${ana}/phone`));
        await expire();
        const account = await stage.stores.accounts.find(ana);
        const [row] = await stage.stores.offline.list(account?.id ?? 0, 10);
        const delay = row && parseStored(row.message).child('delay', ns.delay);
        expect(delay?.attr('stamp')).toBe('1970-01-01T00:00:00.000Z');
      });
    });
  });
});
