import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { domain, password } from '../harness/hostile.js';
import { available, connectPeer, type Peer } from '../harness/xmpp-peer.js';

const ana = `ana@${domain}`;
const bob = `bob@${domain}`;
const eve = `eve@${domain}`;

let server: StandaloneServer;
const logIn = (fullJid: string) =>
  connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, fullJid, password);

beforeAll(async () => {
  server = await startStandalone({
    accounts: { [ana]: password, [bob]: password, [eve]: password },
  });
});
afterAll(() => server?.stop());

const field = (name: string, value: string) =>
  el('field', ns.dataForms, { var: name }, el('value', ns.dataForms, {}, value));
const form = (fields: Readonly<Record<string, string>>) =>
  el(
    'x',
    ns.dataForms,
    { type: 'submit' },
    field('FORM_TYPE', ns.archive),
    ...Object.entries(fields).map(([name, value]) => field(name, value)),
  );
const set = (items: Readonly<Record<string, string | number>>) =>
  el(
    'set',
    ns.resultSets,
    {},
    ...Object.entries(items).map(([name, value]) => el(name, ns.resultSets, {}, String(value))),
  );

interface Page {
  /** What the messages say, in the order in which they came. */
  readonly bodies: readonly (string | undefined)[];
  readonly ids: readonly (string | undefined)[];
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly isComplete: boolean;
}

async function ask(peer: Peer, ...children: Element[]): Promise<Page> {
  peer.take();
  const payload = el('query', ns.archive, { queryid: 'q' }, ...children);
  const answer = await peer.client.request({ type: 'set', payload });
  if (answer.kind !== 'result') throw new Error(`the archive answered ${JSON.stringify(answer)}`);
  // Of what else comes to it in the meantime nothing is part of the page.
  const results = peer.take().flatMap((stanza) => stanza.child('result', ns.archive) ?? []);
  const fin = answer.payload;
  const answered = fin?.child('set', ns.resultSets);
  return {
    bodies: results.map((result) =>
      result.child('forwarded', ns.forward)?.child('message', ns.client)?.child('body')?.text(),
    ),
    ids: results.map((result) => result.attr('id')),
    first: answered?.child('first')?.text(),
    last: answered?.child('last')?.text(),
    isComplete: fin?.attr('complete') === 'true',
  };
}

/** Pages as XEP-0059 has them: from the beginning, each after the last one. */
async function readForwards(peer: Peer, max: number, fields = {}): Promise<(string | undefined)[]> {
  const all: (string | undefined)[] = [];
  let page = await ask(peer, form(fields), set({ max }));
  for (;;) {
    all.push(...page.bodies);
    if (page.isComplete) return all;
    page = await ask(peer, form(fields), set({ max, after: page.last ?? '' }));
  }
}

/** From the end, each before the first one of the page that came before. */
async function readBackwards(peer: Peer, max: number, fields = {}): Promise<(string | undefined)[]> {
  const all: (string | undefined)[] = [];
  let page = await ask(peer, form(fields), set({ max, before: '' }));
  for (;;) {
    all.unshift(...page.bodies);
    if (page.isComplete) return all;
    page = await ask(peer, form(fields), set({ max, before: page.first ?? '' }));
  }
}

const say = (to: string, text: string) =>
  message({ to, type: 'chat', id: text }, el('body', ns.client, {}, text));

describe('an archive', () => {
  const texts: string[] = [];
  let device: Peer;
  let talker: Peer;

  beforeAll(async () => {
    device = await logIn(`${ana}/phone`);
    talker = await logIn(`${bob}/desk`);
    const stranger = await logIn(`${eve}/x`);
    for (const peer of [device, talker, stranger]) peer.send(available());
    for (let number = 0; number < 230; number++) {
      const text = `m${number}`;
      texts.push(text);
      if (number % 10 === 9) device.send(say(bob, text));
      else if (number % 10 === 4) stranger.send(say(ana, text));
      else talker.send(say(ana, text));
      // Whoever spoke is heard before somebody else speaks.
      if (number % 10 === 9) await device.settle();
      if (number % 10 === 4) await stranger.settle();
      else if (number % 10 === 3 || number % 10 === 8) await talker.settle();
    }
    await stranger.close();
  });
  afterAll(async () => {
    await device?.close();
    await talker?.close();
  });

  it.each([1_000, 50, 17])(
    'gives every message once and in order, in pages of %i, both ways',
    async (max) => {
      expect(await readForwards(device, max)).toEqual(texts);
      expect(await readBackwards(device, max)).toEqual(texts);
    },
  );

  it('gives what was exchanged with somebody', async () => {
    const withEve = texts.filter((_, number) => number % 10 === 4);
    const withBob = texts.filter((_, number) => number % 10 !== 4);
    expect(await readForwards(device, 10, { with: eve })).toEqual(withEve);
    expect(await readBackwards(device, 10, { with: `${eve}/x` })).toEqual(withEve);
    expect(await readForwards(device, 50, { with: bob })).toEqual(withBob);
    expect(await readForwards(talker, 50, { with: ana })).toEqual(withBob);
  });

  it('gives the last messages, and those before, as a client that is scrolled back asks', async () => {
    const latest = await ask(device, form({ with: bob }), set({ before: '', max: 50 }));
    expect(latest.bodies).toHaveLength(50);
    expect(latest.bodies.at(-1)).toBe('m229');
    const older = await ask(device, form({ with: bob }), set({ before: latest.first ?? '', max: 50 }));
    const known = texts.filter((_, number) => number % 10 !== 4);
    expect([...older.bodies, ...latest.bodies]).toEqual(known.slice(-100));
  });

  it('gives what came since a moment, as a client that comes back asks', async () => {
    const begin = await ask(device, set({ max: 1 }));
    const start = new Date(Number(begin.first) / 1_000).toISOString();
    expect(await readForwards(device, 50, { start })).toEqual(texts);
    expect(await readForwards(device, 50, { start: new Date(Date.now() + 1_000).toISOString() })).toEqual([]);
    expect(await readForwards(device, 50, { end: new Date(Date.now() + 1_000).toISOString() })).toEqual(
      texts,
    );
    const since = await ask(device, form({ 'after-id': begin.first ?? '' }), set({ max: 2 }));
    expect(since.bodies).toEqual(['m1', 'm2']);
  });

  it('has the message of an id that a device was told when it came', async () => {
    device.take();
    talker.send(say(ana, 'told'));
    await device.settleFrom(talker);
    const told = device.take().find((stanza) => stanza.attr('id') === 'told');
    const id = told?.child('stanza-id', ns.stanzaIds);
    expect(id?.attr('by')).toBe(ana);
    const found = await ask(device, form({ ids: id?.attr('id') ?? '' }));
    expect(found).toMatchObject({ bodies: ['told'], ids: [id?.attr('id')], isComplete: true });
    texts.push('told');
  });

  it('is nobody else’s', async () => {
    for (const to of [ana, `nobody@${domain}`]) {
      const answer = await talker.client.request({
        type: 'set',
        to: Jid.parse(to),
        payload: el('query', ns.archive),
      });
      expect(answer).toMatchObject({ kind: 'error', error: { condition: 'service-unavailable' } });
    }
    expect(talker.take()).toEqual([]);
  });

  it('is there after a restart, and goes on', async () => {
    await device.close();
    await talker.close();
    await server.kill('SIGTERM');
    await server.restart();
    device = await logIn(`${ana}/phone`);
    talker = await logIn(`${bob}/desk`);
    device.send(available());
    talker.send(say(ana, 'after'));
    await talker.settle();
    expect(await readForwards(device, 50)).toEqual([...texts, 'after']);
  });
});
