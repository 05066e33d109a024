import { type Element, el } from '../../../src/xmpp/element.js';
import { Jid } from '../../../src/xmpp/jid.js';
import { ns } from '../../../src/xmpp/ns.js';
import { message } from '../../../src/xmpp/stanza.js';
import type { Publish } from '../app-server.js';
import { password } from '../federated.js';
import { waitFor } from '../net.js';
import { connectPeer, type Peer } from '../xmpp-peer.js';
import { Phone } from './phone.js';
import { mark, type PushWorld } from './world.js';

type MessageType = 'chat' | 'error' | 'groupchat' | 'headline' | 'normal';

/** Gives accounts of a world, each once, and the one who writes to all of them. */
export class Cast {
  readonly world: PushWorld;
  #friend: Promise<Peer> | undefined;
  #accounts = 0;
  #devices = 0;

  constructor(world: PushWorld) {
    this.world = world;
  }

  /** The bare JID of an account that nobody has used. */
  account(): string {
    const bare = `${mark}-${this.#accounts++}@${this.world.domain}`;
    if (this.world.server.accounts[bare] === undefined) throw new Error('there are no more accounts');
    return bare;
  }

  /** A number for a client. */
  device(): number {
    return this.#devices++;
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
export const newNode = () => `node-${++nodes}`;
/** A text that no other message has. */
export const newText = () => `${mark} text ${++texts}`;

export const body = (text = newText()) => el('body', ns.client, {}, text);

/** Where one scenario plays, with accounts of its own. */
export class Stage {
  readonly #cast: Cast;
  #friend: Peer;
  readonly #guards: Phone[] = [];
  readonly #phones: Phone[] = [];

  private constructor(cast: Cast, friend: Peer) {
    this.#cast = cast;
    this.#friend = friend;
  }

  static async build(cast: Cast): Promise<Stage> {
    const stage = new Stage(cast, await cast.friend());
    await stage.#postGuards();
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
    await this.sleep(phone);
    return phone;
  }

  /** The same, logged out. */
  async absentee(bare?: string): Promise<Phone> {
    const phone = await this.phone(bare);
    await this.leave(phone);
    return phone;
  }

  /** A client without push. */
  async device(bare = this.#cast.account()): Promise<Phone> {
    const phone = await logIn(this.#cast, bare, `${mark}-${this.#cast.device()}`);
    this.#phones.push(phone);
    await phone.settle();
    return phone;
  }

  /** A client's connection breaks; resolves when the server knows it. */
  async sleep(phone: Phone): Promise<void> {
    const since = Date.now();
    await phone.disconnect();
    const isAsleep = () => this.world.knowsAsleep(phone.bare, since);
    await waitFor(`the server to know that ${phone.jid} sleeps`, isAsleep, { timeout: 60_000 });
  }

  /** Clients log out; resolves when their sessions are over. */
  async leave(...phones: readonly Phone[]): Promise<void> {
    await Promise.all(phones.map((phone) => phone.logOut()));
    for (const phone of phones) await waitFor(`the end of ${phone.jid}`, () => this.#isGone(phone));
  }

  /** Who asks for it is told so by the server. */
  async #isGone({ jid }: Phone): Promise<boolean> {
    const payload = el('ping', ns.ping);
    const answer = await this.#friend.client.request({ type: 'get', to: Jid.parse(jid), payload });
    return answer.kind === 'error';
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
   * The levels of all publishes to phones, when everything has come that anything until now has led to. Clients of other
   * accounts are written to, one that sleeps and one that is not there: what the server keeps, and collects before it pushes,
   * it keeps and collects for those as for others, so that their pushes are behind all that were begun before.
   */
  async heard(...phones: readonly Phone[]): Promise<string[][]> {
    await Promise.all(this.#guards.map((guard) => this.wake(guard)));
    return phones.map((phone) => this.publishes(phone).map(({ level }) => level));
  }

  async heardBy(phone: Phone): Promise<string[]> {
    const [levels = []] = await this.heard(phone);
    return levels;
  }

  /** Whether a phone is told more than `count` times before guards have been told of five later messages, one after another. */
  async hears(phone: Phone, count: number): Promise<boolean> {
    for (let time = 0; time < 5 && this.publishes(phone).length <= count; time++) await this.heard();
    return this.publishes(phone).length > count;
  }

  /** The server has worked on all that the app server has said. */
  settleAnswers(): Promise<void> {
    return this.world.appServer.settle(this.world.domain);
  }

  /** The levels of publishes to a node. */
  levels(node: string): string[] {
    return this.world.appServer.to(node).map(({ level }) => level);
  }

  /** The server is started anew, and nobody is logged in. */
  async restart(): Promise<void> {
    await this.world.server.restart();
    this.close();
    await this.#cast.leave();
    await this.world.appServer.attached();
    this.#friend = await this.#cast.friend();
    await this.#postGuards();
  }

  async #postGuards(): Promise<void> {
    this.#guards.splice(0);
    this.#guards.push(await this.sleeper(), await this.absentee());
  }

  close(): void {
    for (const phone of this.#phones) phone.close();
  }
}

const logIn = (cast: Cast, bare: string, resource: string) =>
  Phone.logIn({ port: cast.world.server.c2sPort, jid: `${bare}/${resource}`, password });
