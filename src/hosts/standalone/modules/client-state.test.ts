import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type FakeClient, FakeServer, RecordingLink } from '../../../../tests/harness/fake-server.js';
import { type Element, el } from '../../../xmpp/element.js';
import { importance } from '../../../xmpp/importance.js';
import { ns } from '../../../xmpp/ns.js';
import { message, presence } from '../../../xmpp/stanza.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import { stateKey } from '../latest-state.js';
import { clientState } from './client-state.js';
import { heldBackLimits } from './held-back.js';

let server: FakeServer;
let client: FakeClient;

beforeEach(async () => {
  ({ server, client } = await connected());
});

async function connected() {
  const made = new FakeServer();
  clientState.setup(made);
  await made.addAccount('ana@example.org');
  return { server: made, client: await made.connect('ana@example.org/phone') };
}

const to = 'ana@example.org/phone';
const from = (user: string) => `${user}@example.org/pc`;
const text = (id: string, user = 'ben') =>
  message({ from: from(user), to, type: 'chat', id }, el('body', ns.client, {}, 'hello'));
const receipt = (id: string) =>
  message({ from: from('ben'), to, type: 'chat', id }, el('received', ns.receipts, { id }));
const chatState = (id: string, name: string, user = 'ben') =>
  message({ from: from(user), to, type: 'chat', id }, el(name, ns.chatStates));
const available = (id: string, user = 'ben') => presence({ from: from(user), to, id });
const gone = (id: string, user = 'ben') => presence({ from: from(user), to, id, type: 'unavailable' });
const answer = (id: string) => el('iq', ns.client, { type: 'result', id, from: 'example.org', to });

const say = (name: string) => server.sendNonza(client, el(name, ns.clientState));
const send = (...stanzas: readonly Element[]) => stanzas.map((stanza) => client.session.send(stanza));
const idOf = (stanza: Element) => stanza.attr('id');
const hears = () => client.link.take().map(idOf);

/** A link that takes so many stanzas and then no more. */
class SlowLink extends RecordingLink {
  free: number;

  constructor(free: number) {
    super();
    this.free = free;
  }

  override send(stanza: Element): boolean {
    return this.free-- > 0 && super.send(stanza);
  }
}

describe('an active client', () => {
  it('is what every client is at first', () => {
    send(available('1'), receipt('2'), text('3'));
    expect(hears()).toEqual(['1', '2', '3']);
    expect(server.offered).toEqual([el('csi', ns.clientState)]);
  });

  it('gets at once what was held, and what comes', async () => {
    await say('inactive');
    send(available('1'), receipt('2'));
    await say('active');
    expect(hears()).toEqual(['1', '2']);
    send(receipt('3'));
    expect(hears()).toEqual(['3']);
    expect(client.session.filter).toBeUndefined();
  });

  it('may say so again', async () => {
    await say('active');
    await say('inactive');
    send(receipt('1'));
    await say('inactive');
    await say('active');
    await say('active');
    expect(hears()).toEqual(['1']);
  });

  it('says nothing else', async () => {
    await expect(say('asleep')).rejects.toThrow(StreamError);
  });
});

describe('an inactive client', () => {
  beforeEach(() => say('inactive'));

  it('does not hear of presence and signals', () => {
    expect(send(available('1'), receipt('2'), chatState('3', 'active'))).toEqual([true, true, true]);
    expect(hears()).toEqual([]);
  });

  it('hears of what matters at once, with all that came before it', () => {
    send(available('1'), receipt('2'), text('3'), receipt('4'));
    expect(hears()).toEqual(['1', '2', '3']);
    send(answer('5'));
    expect(hears()).toEqual(['4', '5']);
  });

  it('hears the last presence of each sender only, in its place', async () => {
    send(available('1'), available('2', 'eve'), gone('3'), receipt('4'), available('5'));
    await say('active');
    expect(hears()).toEqual(['2', '4', '5']);
  });

  it('hears the last chat state of each conversation only', async () => {
    send(chatState('1', 'composing'), chatState('2', 'active', 'eve'), chatState('3', 'paused'));
    await say('active');
    expect(hears()).toEqual(['2', '3']);
  });

  it('is told when what was held came, in the name of the server', async () => {
    send(receipt('1'));
    server.clock.advance(90_000);
    send(available('2'), text('3'));
    const times = client.link.take().map((stanza) => stanza.child('delay', ns.delay)?.attrs);
    expect(times).toEqual([
      { from: 'example.org', stamp: '2026-01-01T00:00:00.000Z' },
      { from: 'example.org', stamp: '2026-01-01T00:01:30.000Z' },
      undefined,
    ]);
  });

  it('knows its own reflections in rooms, which belong to what it said', () => {
    client.session.directed.add('tea@rooms.example/ana');
    const room = { to, type: 'groupchat' } as const;
    send(message({ ...room, from: 'tea@rooms.example/ben', id: '1' }, el('composing', ns.chatStates)));
    send(message({ ...room, from: 'tea@rooms.example/ana', id: '2' }, el('body', ns.client, {}, 'x')));
    expect(hears()).toEqual(['1', '2']);
  });

  it('gets all of it when there is more than is held back', () => {
    const receipts = Array.from({ length: heldBackLimits.stanzas + 1 }, (_, at) => receipt(String(at)));
    send(...receipts);
    expect(hears()).toEqual(receipts.slice(0, -1).map(idOf));
  });

  it('gets all of it when it is longer than what is held back', () => {
    const long = (id: string, length: number) => receipt(id).withChildren(['x'.repeat(length)]);
    send(long('1', heldBackLimits.bytes / 2), long('2', heldBackLimits.bytes / 2));
    expect(hears()).toEqual(['1']);
    send(long('3', heldBackLimits.bytes));
    expect(hears()).toEqual(['2', '3']);
  });

  it('is active when its stream is resumed', async () => {
    send(receipt('1'));
    await server.hooks.hibernationEnd.run(client.session, 'resumed');
    expect(hears()).toEqual(['1']);
    send(receipt('2'));
    expect(hears()).toEqual(['2']);
  });

  it('stays so while it is hibernating, and as long as nobody resumes it', async () => {
    await server.hooks.hibernationStart.run(client.session, []);
    send(receipt('1'));
    await server.hooks.hibernationEnd.run(client.session, 'expired');
    expect(hears()).toEqual([]);
    expect(client.session.filter?.takeHeld().map(idOf)).toEqual(['1']);
  });
});

describe('a connection that takes nothing more', () => {
  beforeEach(async () => {
    await say('inactive');
    send(receipt('1'), receipt('2'), receipt('3'));
    client.link.isFull = true;
  });
  const takeHeld = () => client.session.filter?.takeHeld().map(idOf);

  it('leaves what is held where it is, and takes nothing newer', async () => {
    expect(send(text('4'))).toEqual([false]);
    await say('active');
    expect(takeHeld()).toEqual(['1', '2', '3']);
  });

  it('does not make more be held than may be', () => {
    const taken = send(...Array.from({ length: heldBackLimits.stanzas }, (_, at) => receipt(`more ${at}`)));
    expect(taken.filter(Boolean)).toHaveLength(heldBackLimits.stanzas - 3);
    expect(takeHeld()).toHaveLength(heldBackLimits.stanzas);
  });

  it('gets the rest in order if it does take more', () => {
    const link = new SlowLink(2);
    client.session.link = link;
    expect(send(text('4'))).toEqual([false]);
    expect(link.take().map(idOf)).toEqual(['1', '2']);
    link.free = 9;
    expect(send(text('5'))).toEqual([true]);
    expect(link.take().map(idOf)).toEqual(['3', '5']);
  });

  it('gives back what is held once, and nothing is held any more', () => {
    const { filter } = client.session;
    expect(takeHeld()).toEqual(['1', '2', '3']);
    expect(takeHeld()).toEqual([]);
    client.link.isFull = false;
    expect(filter?.send(receipt('4'))).toBe(true);
    expect(hears()).toEqual(['4']);
  });
});

describe('whatever happens to an inactive client', () => {
  type Step = Element | 'active' | 'inactive';
  const user = fc.constantFrom('ben', 'eve');
  const stanza = fc.oneof(
    user.map((name) => (id: string) => text(id, name)),
    user.map((name) => (id: string) => chatState(id, 'composing', name)),
    user.map((name) => (id: string) => available(id, name)),
    user.map((name) => (id: string) => gone(id, name)),
    fc.constant(receipt),
    fc.constant(answer),
  );
  const steps = fc
    .array(
      fc.oneof({ weight: 9, arbitrary: stanza }, fc.constantFrom('active' as const, 'inactive' as const)),
    )
    .map((made) => made.map((step, at): Step => (typeof step === 'string' ? step : step(String(at)))));

  it('gets everything once and in order, but for states that a later one replaces', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (play) => {
        ({ server, client } = await connected());
        for (const step of play) {
          if (typeof step === 'string') await say(step);
          else {
            send(step);
            if (importance(step).level !== 'unimportant') expect(client.link.sent.at(-1)).toBe(step);
          }
        }
        await say('active');
        const sent = play.filter((step) => typeof step !== 'string');
        const heard = hears();
        expect(heard).toEqual(sent.map(idOf).filter((id) => heard.includes(id)));
        for (const missed of sent.filter((step) => !heard.includes(idOf(step)))) {
          const later = sent.slice(sent.indexOf(missed) + 1);
          expect(stateKey(missed)).toBeDefined();
          expect(later.map(stateKey)).toContain(stateKey(missed));
        }
      }),
    );
  });
});
