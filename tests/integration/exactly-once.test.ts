import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { carbons } from '../../src/hosts/standalone/modules/carbons.js';
import { offline } from '../../src/hosts/standalone/modules/offline.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { parseStored } from '../../src/xmpp/stored-xml.js';
import { type Actor, CoreStage } from '../harness/core-stage.js';

const ana = 'ana@example.org';
const resources = ['phone', 'tablet', 'watch'] as const;
type Resource = (typeof resources)[number];

/** What happens to one of Ana's devices, or to a message for her. */
type Step =
  | { readonly does: 'come'; readonly device: Resource; readonly wantsCarbons: boolean }
  | { readonly does: 'send'; readonly to: Resource | 'bare' | 'nowhere' }
  | { readonly does: 'answer'; readonly device: Resource }
  | { readonly does: 'read'; readonly device: Resource; readonly count: number }
  | { readonly does: 'lose'; readonly device: Resource };

const device = fc.constantFrom(...resources);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constant('come' as const), device, wantsCarbons: fc.boolean() }),
  fc.record({ does: fc.constant('send' as const), to: fc.constantFrom(...resources, 'bare', 'nowhere') }),
  fc.record({ does: fc.constant('answer' as const), device }),
  fc.record({ does: fc.constant('read' as const), device, count: fc.nat(4) }),
  fc.record({ does: fc.constant('lose' as const), device }),
);

/** What is inside, if a stanza is a copy. */
function copiedIn(stanza: Element): Element | undefined {
  const copy = stanza.child('received', ns.carbons) ?? stanza.child('sent', ns.carbons);
  return copy?.child('forwarded', ns.forward)?.firstElement();
}

/** The message that a stanza is or is a copy of. */
const idOf = (stanza: Element): string => (copiedIn(stanza) ?? stanza).attr('id') ?? '';

/** A session of Ana's, and what its client has read of what it was sent. */
interface Device {
  readonly actor: Actor;
  readonly unread: Element[];
  readonly read: string[];
}

class Play {
  readonly #stage = new CoreStage([carbons, offline]);
  readonly #present = new Map<Resource, Device>();
  readonly #all: Device[] = [];
  readonly #sentToAna: string[] = [];
  #number = 0;
  #ben: Actor | undefined;

  async begin(): Promise<void> {
    await this.#stage.addAccounts(ana);
    this.#ben = await this.#stage.connect('ben@example.org/pc');
  }

  async take(step: Step): Promise<void> {
    if (step.does === 'come') await this.#come(step.device, step.wantsCarbons);
    else if (step.does === 'send') await this.#send(step.to);
    else if (step.does === 'answer') await this.#answer(step.device);
    else if (step.does === 'read') this.#read(step.device, step.count);
    else await this.#lose(step.device);
    await new Promise<void>((resolve) => void setImmediate(resolve));
    for (const { actor, unread } of this.#present.values()) {
      const fresh = actor.take().filter(({ name }) => name === 'message');
      const copies = fresh.filter((stanza) => copiedIn(stanza) !== undefined);
      for (const copy of copies) expect(copy.attr('to')).toBe(actor.session.jid.toString());
      unread.push(...fresh);
    }
  }

  /** No device has anything twice; what nobody has or will have is in the store, once, and nothing else is. */
  async check(): Promise<void> {
    const reached = this.#all.map(({ unread, read }) => [...read, ...unread.map(idOf)]);
    for (const ids of reached) expect(ids).toEqual([...new Set(ids)]);
    const account = await this.#stage.stores.accounts.find(ana);
    const stored = await this.#stage.stores.offline.list(account?.id ?? 0, 1_000);
    const kept = stored.map(({ message }) => parseStored(message).attr('id'));
    const everywhere = new Set(reached.flat());
    const missing = this.#sentToAna.filter((id) => !everywhere.has(id));
    expect(kept.toSorted()).toEqual(missing.toSorted());
    expect(this.#ben?.take().filter((stanza) => stanza.attr('type') === 'error')).toEqual([]);
  }

  async #come(name: Resource, wantsCarbons: boolean): Promise<void> {
    if (this.#present.has(name)) return;
    const actor = await this.#stage.connect(`${ana}/${name}`);
    if (wantsCarbons)
      await actor.send(el('iq', ns.client, { type: 'set', id: 'c' }, el('enable', ns.carbons)));
    await actor.send(el('presence', ns.client));
    const arrived = { actor, unread: [], read: [] };
    this.#present.set(name, arrived);
    this.#all.push(arrived);
  }

  async #send(to: Resource | 'bare' | 'nowhere'): Promise<void> {
    const id = this.#nextId();
    this.#sentToAna.push(id);
    await this.#ben?.send(chat(to === 'bare' ? ana : `${ana}/${to}`, id));
  }

  async #answer(name: Resource): Promise<void> {
    await this.#present.get(name)?.actor.send(chat('ben@example.org/pc', this.#nextId()));
  }

  #read(name: Resource, count: number): void {
    const reader = this.#present.get(name);
    reader?.read.push(...reader.unread.splice(0, count).map(idOf));
  }

  async #lose(name: Resource): Promise<void> {
    const lost = this.#present.get(name);
    this.#present.delete(name);
    await lost?.actor.vanish(...lost.unread.splice(0));
  }

  #nextId(): string {
    this.#number++;
    return String(this.#number);
  }
}

const chat = (to: string, id: string) =>
  el('message', ns.client, { type: 'chat', to, id }, el('body', ns.client, {}, id));

describe('messages to devices that come and go', () => {
  it('reach somebody or are kept, and reach nobody twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 60, size: 'max' }), async (steps) => {
        const play = new Play();
        await play.begin();
        for (const step of steps) await play.take(step);
        await play.check();
      }),
      { numRuns: 300 },
    );
  });
});
