import { type Element, el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { message } from '../../../src/xmpp/stanza.js';
import type { Publish } from '../app-server.js';
import { password } from '../federated.js';
import { connectPeer, type Peer } from '../xmpp-peer.js';
import { Phone } from './phone.js';
import { mark, type PushWorld } from './world.js';

type MessageType = 'chat' | 'error' | 'groupchat' | 'headline' | 'normal';

/** Gives accounts of a world, each once, and the one who writes to all of them. */
export class Cast {
  readonly world: PushWorld;
  #friend: Promise<Peer> | undefined;
  #next = 0;

  constructor(world: PushWorld) {
    this.world = world;
  }

  /** The bare JID of an account that nobody has used. */
  account(): string {
    const bare = `${mark}-${this.#next++}@${this.world.domain}`;
    if (this.world.server.accounts[bare] === undefined) throw new Error('there are no more accounts');
    return bare;
  }

  /** A number that nobody else gets. */
  number(): number {
    return this.#next++;
  }

  friend(): Promise<Peer> {
    const connect = { host: '127.0.0.1', port: this.world.server.c2sPort };
    this.#friend ??= connectPeer({ connect }, `${this.account()}/${mark}-friend`, password);
    return this.#friend;
  }

  /** The server was started anew: who was logged in is so no longer. */
  async leave(): Promise<void> {
    const friend = await this.#friend;
    this.#friend = undefined;
    await friend?.close();
  }
}

let nodes = 0;
let texts = 0;

/** A node of an app server that no other registration has. */
const newNode = () => `node-${++nodes}`;
/** A text that no other message has. */
export const newText = () => `${mark} text ${++texts}`;

export const body = (text = newText()) => el('body', ns.client, {}, text);

/** Where one scenario plays, with accounts of its own. */
export class Stage {
  readonly #cast: Cast;
  readonly #friend: Peer;
  readonly #guard: Phone;
  readonly #phones: Phone[];

  private constructor(cast: Cast, friend: Peer, guard: Phone) {
    this.#cast = cast;
    this.#friend = friend;
    this.#guard = guard;
    this.#phones = [guard];
  }

  static async build(cast: Cast): Promise<Stage> {
    const guard = await logIn(cast, cast.account(), `${mark}-guard`);
    const stage = new Stage(cast, await cast.friend(), guard);
    await stage.enable(guard);
    await guard.fallAsleep();
    return stage;
  }

  get world(): PushWorld {
    return this.#cast.world;
  }

  get friend(): Peer {
    return this.#friend;
  }

  /** Publishes to a phone's node so far. */
  publishes(phone: Phone): readonly Publish[] {
    return this.world.appServer.to(phone.node);
  }

  /** A client with push; of an account of its own if it is not said. */
  async phone(bare = this.#cast.account(), ...children: readonly Element[]): Promise<Phone> {
    const phone = await this.device(bare);
    await this.enable(phone, ...children);
    return phone;
  }

  /** The same, asleep. */
  async sleeper(bare?: string): Promise<Phone> {
    const phone = await this.phone(bare);
    await phone.fallAsleep();
    return phone;
  }

  /** The same, logged out. */
  async absentee(bare?: string): Promise<Phone> {
    const phone = await this.phone(bare);
    await phone.logOut();
    return phone;
  }

  /** A client without push. */
  async device(bare = this.#cast.account()): Promise<Phone> {
    const phone = await logIn(this.#cast, bare, `${mark}-${this.#cast.number()}`);
    this.#phones.push(phone);
    return phone;
  }

  account(): string {
    return this.#cast.account();
  }

  /** Has pushes sent to a node that nobody had before. */
  async enable(phone: Phone, ...children: readonly Element[]): Promise<void> {
    await phone.enable(this.world.appServer.jid, newNode(), ...children);
  }

  /** A friend writes to somebody; answers what. */
  write(to: string, children: readonly Element[] = [body()], type: MessageType = 'chat'): void {
    this.#friend.send(message({ to, type, id: `id-${newText()}` }, ...children));
  }

  /** A friend writes so to somebody, and the push that comes of it is waited for. */
  async wake(phone: Phone, children?: readonly Element[]): Promise<Publish> {
    const before = this.publishes(phone).length;
    this.write(phone.bare, children);
    return this.world.appServer.next(phone.node, before);
  }

  /**
   * The levels of all publishes to a phone, when everything has come that anything until now has led to. A client that sleeps
   * is written to: what the server collects before it pushes, it collects for that one as long as for others, so that its push
   * is behind all that were begun before.
   */
  async heard(...phones: readonly Phone[]): Promise<string[][]> {
    await this.wake(this.#guard);
    return phones.map((phone) => this.publishes(phone).map(({ level }) => level));
  }

  async heardBy(phone: Phone): Promise<string[]> {
    const [levels = []] = await this.heard(phone);
    return levels;
  }

  close(): void {
    for (const phone of this.#phones) phone.close();
  }
}

const logIn = (cast: Cast, bare: string, resource: string) =>
  Phone.logIn({ port: cast.world.server.c2sPort, jid: `${bare}/${resource}`, password });
