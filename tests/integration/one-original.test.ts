import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountHost } from '../../src/hosts/host.js';
import { createAccountHost } from '../../src/hosts/standalone/account-host.js';
import { createArchive } from '../../src/hosts/standalone/archive/archive.js';
import { carbons } from '../../src/hosts/standalone/modules/carbons.js';
import { clientState } from '../../src/hosts/standalone/modules/client-state.js';
import { offline } from '../../src/hosts/standalone/modules/offline.js';
import { createPresence } from '../../src/hosts/standalone/presence/presence.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { EmbeddedCore } from '../harness/embedded-core.js';
import { ManagedClient, sm } from '../harness/managed-client.js';

const ana = 'ana@example.org';
const eve = 'eve@example.com/x';
const hibernationTime = 60;
const resources = ['phone', 'tablet', 'watch'] as const;
type Resource = (typeof resources)[number];

const events = [
  'received',
  'offlineMessage',
  'archived',
  'roomMessage',
  'ackDelayed',
  'hibernationStart',
  'hibernationQueued',
] as const;
type Event = (typeof events)[number];

/** What happens to one of Ana's devices, or to a message. */
type Step =
  | { readonly does: 'come'; readonly device: Resource; readonly how: 'managed' | 'simple' }
  | { readonly does: 'send'; readonly to: Resource | 'bare' | 'gone'; readonly type: string }
  | { readonly does: 'write'; readonly device: Resource; readonly to: string }
  | { readonly does: 'acknowledge' | 'resume' | 'lose' | 'leave' | 'rest'; readonly device: Resource }
  | { readonly does: 'wait'; readonly seconds: number };

const device = fc.constantFrom(...resources);
const does = <T extends string>(what: T) => fc.constant(what);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({ does: does('come'), device, how: fc.constantFrom('managed', 'simple') }),
    weight: 2,
  },
  {
    arbitrary: fc.record({
      does: does('send'),
      to: fc.constantFrom(...resources, 'bare', 'gone'),
      type: fc.constantFrom('chat', 'chat', 'normal', 'groupchat', 'headline'),
    }),
    weight: 4,
  },
  fc.record({ does: does('write'), device, to: fc.constantFrom(eve, ana, `${ana}/tablet`, `${ana}/gone`) }),
  {
    arbitrary: fc.record({
      does: fc.constantFrom('acknowledge', 'resume', 'lose', 'leave', 'rest'),
      device,
    }),
    weight: 3,
  },
  fc.record({ does: does('wait'), seconds: fc.constantFrom(1, 6, hibernationTime + 2) }),
);

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

class Play {
  readonly #server = new EmbeddedCore(
    { smacks: { hibernationTime, maxAckDelay: 5, maxQueueSize: 6 } },
    { now: () => this.#server.clock.now(), routeRemote: () => undefined },
  );
  readonly #host: AccountHost;
  readonly #devices = new Map<Resource, ManagedClient>();
  /** By the ids of messages, and which events told of them. */
  readonly #originals = new Map<string, { readonly original: Element; readonly events: Set<Event> }>();
  readonly #received: string[] = [];
  #number = 0;

  constructor() {
    const { core } = this.#server;
    core.setPresenceRules(createPresence(core.server));
    core.setArchiving(createArchive(core.server));
    for (const module of [carbons, clientState, offline]) module.setup(core.server);
    this.#host = createAccountHost(core.server, core.entity(core.server.domain));
    this.#listen();
  }

  async begin(): Promise<void> {
    await this.#server.addAccount(ana);
  }

  async take(step: Step): Promise<void> {
    if (step.does === 'come') await this.#come(step.device, step.how);
    else if (step.does === 'send') await this.#send(step.to, step.type);
    else if (step.does === 'write') await this.#write(step.device, step.to);
    else if (step.does === 'wait') this.#server.clock.advance(step.seconds * 1_000);
    else await this.#change(step.does, step.device);
    for (let n = 0; n < 3; n++) await turn();
  }

  /** Which events told of messages that others told of too. */
  check(): readonly Event[] {
    expect(this.#received).toEqual([...new Set(this.#received)]);
    expect(this.#server.failures).toEqual([]);
    const all = [...this.#originals.values()].filter((one) => one.events.size > 1);
    return all.flatMap((one) => [...one.events]);
  }

  #listen(): void {
    const host = this.#host;
    host.received.on((_, message) => {
      if (message.attr('type') !== 'error') this.#received.push(message.attr('id') ?? '');
      this.#note('received', message);
    });
    host.offlineMessage.on((_, message) => this.#note('offlineMessage', message));
    host.archived.on((_, { stanza }) => this.#note('archived', stanza));
    host.roomMessage.on((_, message) => this.#note('roomMessage', message));
    host.hibernationQueued.on((_, stanza) => this.#note('hibernationQueued', stanza));
    for (const event of ['ackDelayed', 'hibernationStart'] as const) {
      host[event].on((_, stanzas) => {
        for (const stanza of stanzas) this.#note(event, stanza);
      });
    }
  }

  #note(event: Event, stanza: Element): void {
    const original = this.#host.originalOf(stanza);
    if (original.name !== 'message' || original.attr('type') === 'error') return;
    const id = original.attr('id') ?? '';
    const known = this.#originals.get(id) ?? { original, events: new Set() };
    expect(known.original).toBe(original);
    known.events.add(event);
    this.#originals.set(id, known);
  }

  async #come(name: Resource, how: 'managed' | 'simple'): Promise<void> {
    if (this.#devices.has(name)) return;
    const client = new ManagedClient(this.#server.core, await this.#server.account(ana));
    client.isAttentive = false;
    await client.bind(name);
    this.#devices.set(name, client);
    if (how === 'managed') await client.enable();
    await client.say(el('iq', ns.client, { type: 'set', id: 'c' }, el('enable', ns.carbons)));
    await client.say(el('presence', ns.client));
  }

  async #send(to: Resource | 'bare' | 'gone', type: string): Promise<void> {
    const message = this.#message(to === 'bare' ? ana : `${ana}/${to}`, type);
    await this.#server.core.server.route(message.withAttrs({ from: eve }));
  }

  async #write(name: Resource, to: string): Promise<void> {
    await this.#devices.get(name)?.say(this.#message(to, 'chat'));
  }

  /** Some matter more to an inactive client than others, and some bring a forged time and id. */
  #message(to: string, type: string): Element {
    const id = String(++this.#number);
    const forged = [
      el('stanza-id', ns.stanzaIds, { by: ana, id: 'x' }),
      el('delay', ns.delay, { from: 'example.org', stamp: '2001-01-01T00:00:00Z' }),
    ];
    const more = this.#number % 3 === 0 ? forged : [];
    const quiet = this.#number % 2 === 0 ? [el('replace', ns.correction, { id: 'before' })] : [];
    const body = el('body', ns.client, {}, id);
    return el('message', ns.client, { to, type, id }, body, ...quiet, ...more);
  }

  async #change(what: 'acknowledge' | 'resume' | 'lose' | 'leave' | 'rest', name: Resource): Promise<void> {
    const client = this.#devices.get(name);
    if (client === undefined) return;
    if (what === 'rest') await client.say(el('inactive', ns.clientState));
    else if (what === 'acknowledge' && client.isManaged)
      await client.say(sm('a', { h: `${client.handled}` }));
    else if (what === 'lose') await client.lose();
    else if (what === 'leave') await this.#leave(name, client);
    else if (what === 'resume' && client.isManaged) await this.#resume(name, client);
  }

  async #leave(name: Resource, client: ManagedClient): Promise<void> {
    this.#devices.delete(name);
    await client.lose(true);
  }

  async #resume(name: Resource, client: ManagedClient): Promise<void> {
    const answer = await client.resume();
    if (answer?.name !== 'resumed') this.#devices.delete(name);
    client.nonzas.splice(0);
  }
}

describe('all that services hear of one message', () => {
  it('leads to one object', async () => {
    const told: Event[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 60, size: 'max' }), async (steps) => {
        const play = new Play();
        await play.begin();
        for (const step of steps) await play.take(step);
        told.push(...play.check());
      }),
      { numRuns: 200 },
    );
    expect([...new Set(told)].toSorted()).toEqual(events.toSorted());
  });
});
