import { describe, expect, it } from 'vitest';
import { offline } from '../../src/hosts/standalone/modules/offline.js';
import { createPresence } from '../../src/hosts/standalone/presence/presence.js';
import type { SessionLink } from '../../src/hosts/standalone/session.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { EmbeddedCore } from '../harness/embedded-core.js';
import { ManagedClient, sm } from '../harness/managed-client.js';

/**
 * Two clients of the real core that write to each other while their connections break at random, sessions expire, queues
 * run over and the disk takes its time. Each message arrives once and in order, but for what a client has handled without
 * the server knowing it when its session was over. A round is known by its seed.
 */

const rounds = 1_000;
const steps = 60;
const resource = 'phone';
const turn = () => new Promise(setImmediate);

describe('random breaks', () => {
  it.each(Array.from({ length: 20 }, (_, group) => group))('lose nothing: group %d', async (group) => {
    const each = rounds / 20;
    for (let seed = group * each; seed < (group + 1) * each; seed++) {
      await play(seed).catch((cause) => {
        throw new Error(`seed ${seed}: ${cause.message}`, { cause });
      });
    }
  });
});

/** Numbers from 0 up to 1 that the seed determines. */
function randomNumbers(seed: number): () => number {
  let state = (seed + 1) * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A client, and the person who uses it: what is sent is sent until the server says that it has it. */
class Person {
  readonly client: ManagedClient;
  readonly jid: string;
  /** Sent, and not known to be handled: the first ones are in the session, the others wait for one. */
  #outbox: Element[] = [];
  #given = 0;
  #handledByServer = 0;
  #sent = 0;
  isOnline = false;
  readonly #old: SessionLink[] = [];
  readonly got: string[] = [];
  /** What it handled in a session that ended before the server heard of that. */
  readonly untold = new Set<string>();

  constructor(client: ManagedClient, jid: string) {
    this.client = client;
    this.jid = jid;
  }

  get sent(): number {
    return this.#sent;
  }

  write(to: string): void {
    const id = `${++this.#sent}`;
    this.#outbox.push(
      el('message', ns.client, { to, type: 'chat', id }, el('body', ns.client, {}, `text ${id}`)),
    );
    this.give();
  }

  /** Gives its session what it has not given it yet. */
  give(): void {
    if (this.client.link.ended !== undefined) this.isOnline = false;
    if (!this.isOnline) return;
    for (const stanza of this.#outbox.slice(this.#given)) void this.client.say(stanza);
    this.#given = this.#outbox.length;
  }

  /** What the server says it has handled; what it was told before stays with the session. */
  settle(): void {
    const h = this.client.acknowledged;
    const messages = Math.max(0, h - Math.max(this.#handledByServer, this.#own));
    this.#handledByServer = h;
    this.#outbox.splice(0, messages);
    this.#given = Math.max(0, this.#given - messages);
  }

  /** Stanzas of the session that are no messages: its presence is the first. */
  readonly #own = 1;

  async logIn(): Promise<void> {
    for (const id of this.client.log.slice(this.client.told)) this.untold.add(id);
    await this.client.bind(resource);
    await this.client.enable();
    this.client.acknowledged = 0;
    this.#handledByServer = 0;
    this.#given = 0;
    this.isOnline = true;
    await this.client.say(el('presence', ns.client));
    this.give();
  }

  async lose(isFinal: boolean): Promise<void> {
    this.isOnline = false;
    this.client.isFar = false;
    await this.client.lose(isFinal);
  }

  /** The connections that it has left for another one end, at last. */
  async dropOld(): Promise<void> {
    for (const link of this.#old.splice(0)) await this.client.lose(true, link);
  }

  /** Resumes or, if it cannot, begins anew. */
  async comeBack(): Promise<void> {
    this.client.nonzas.splice(0);
    this.client.isFar = false;
    if (this.isOnline) this.#old.push(this.client.link);
    const answer = await this.client.resume();
    const h = answer?.attr('h');
    if (h !== undefined) this.client.acknowledged = Number(h);
    this.settle();
    if (answer?.name !== 'resumed') return this.logIn();
    this.isOnline = true;
    this.#given = 0;
    this.give();
  }

  read(): void {
    for (const stanza of this.client.take()) {
      if (stanza.name === 'message') this.got.push(stanza.attr('id') ?? '');
    }
  }
}

async function play(seed: number): Promise<void> {
  const random = randomNumbers(seed);
  const below = (n: number) => Math.floor(random() * n);
  const server = new EmbeddedCore(
    {
      maxOfflineMessages: 1_000,
      smacks: { hibernationTime: 60, maxAckDelay: 5, maxQueueSize: 5 + below(30) },
    },
    { now: () => server.clock.now() },
  );
  server.core.setPresenceRules(createPresence(server.core.server));
  offline.setup(server.core.server);
  server.core.setArchiving({
    record: (_account, stanza) => ({ stanza, written: later(below(3)) }),
  });
  const create = async (jid: string) => {
    await server.addAccount(jid);
    return new Person(new ManagedClient(server.core, await server.account(jid)), jid);
  };
  const people = [await create('ana@example.org'), await create('ben@example.org')] as const;
  for (const person of people) await person.logIn();

  for (let step = 0; step < steps; step++) {
    const at = below(2);
    const [me, other] = at === 0 ? people : ([people[1], people[0]] as const);
    await act(me, other.jid, server, below);
    if (below(3) === 0) await turn();
  }
  await calmDown(people, server);
  for (const [me, other] of [people, [people[1], people[0]] as const]) {
    const expected = Array.from({ length: other.sent }, (_, n) => `${n + 1}`);
    expect([...new Set(me.got)]).toEqual(expected);
    const repeated = me.got.filter((id, at) => me.got.indexOf(id) !== at);
    expect([...me.untold]).toEqual(expect.arrayContaining(repeated));
  }
  expect(server.failures).toEqual([]);
}

async function later(turns: number): Promise<boolean> {
  for (let n = 0; n < turns; n++) await turn();
  return true;
}

async function act(
  me: Person,
  to: string,
  { clock }: EmbeddedCore,
  below: (n: number) => number,
): Promise<void> {
  const dice = below(100);
  if (dice < 45) me.write(below(2) === 0 ? to : `${to}/${resource}`);
  else if (dice < 55 && me.isOnline) await me.client.say(sm('r'));
  else if (dice < 65 && me.isOnline) await me.client.say(sm('a', { h: `${me.client.handled}` }));
  else if (dice < 67) me.client.isAttentive = !me.client.isAttentive;
  else if (dice < 70 && me.isOnline) me.client.isFar = true;
  else if (dice < 72) me.client.hear(below(4));
  else if (dice < 73) await me.dropOld();
  else if (dice < 80 && me.isOnline) await me.lose(false);
  else if (dice < 82 && me.isOnline) await closeProperly(me);
  else if (dice < 94) await me.comeBack();
  else if (dice < 97) clock.advance(below(20) * 1_000);
  else if (!me.isOnline) await expireHonestly(clock);
  me.settle();
  me.read();
}

/** Says what it has handled before, as clients should. */
async function closeProperly(me: Person): Promise<void> {
  await me.client.say(sm('a', { h: `${me.client.handled}` }));
  await me.lose(true);
}

async function expireHonestly(clock: EmbeddedCore['clock']): Promise<void> {
  clock.advance(61_000);
  await turn();
}

async function calmDown(people: readonly Person[], server: EmbeddedCore): Promise<void> {
  for (let n = 0; n < 3; n++) {
    for (const person of people) {
      person.client.isAttentive = true;
      await person.comeBack();
    }
    for (let turns = 0; turns < 12; turns++) await turn();
    for (const person of people) person.read();
  }
  server.clock.advance(1);
}
