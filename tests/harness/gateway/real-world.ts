import type { Authority } from '../authority.js';
import { type Belfry, startBelfry } from '../belfry.js';
import { waitFor } from '../net.js';
import type { PushService, TestSubscription } from '../push-service.js';
import type { WebSubscription } from '../web-push/browser.js';
import { createPushServices, type PushServices } from '../web-push/world.js';
import type { XmppServer } from '../xmpp-server.js';
import { type Told, toldBy } from './payload.js';
import type { PushingOptions } from './pushing-servers.js';
import type { Credentials } from './requests.js';
import { Subscriber } from './subscriber.js';

const domain = 'example.test';
const jid = `push.${domain}`;
const secret = 'the-components-secret';
const password = 'a-password';

/** How a client goes: its connection is lost and its session waits (XEP-0198), or the session is over. */
export const farewells = ['asleep', 'offline'] as const;
export type Farewell = (typeof farewells)[number];

/** A user who has gone, and the browser that is told instead. */
export interface Absent extends Credentials {
  readonly bare: string;
  readonly subscription: TestSubscription;
  /** What the browser was told, in order, whether or not the push service has taken it. */
  readonly told: () => readonly Told[];
}

export interface RealWorldOptions {
  readonly start: (options: PushingOptions) => Promise<XmppServer>;
  readonly isTalkative?: boolean;
  /** Names of users; others are there to write to them. */
  readonly users: readonly string[];
  /** Where Belfry says that its own endpoints are; whoever is there may have a certificate by the authority of the push services. */
  readonly publicUrl?: (authority: Authority) => Promise<string>;
}

/** A real server with users and a Belfry as its component, at which clients register, and the push services of browsers. */
export class RealWorld {
  readonly jid = jid;
  readonly server: XmppServer;
  readonly belfry: Belfry;
  readonly pushServices: PushServices;
  /** The one that browsers use if nothing else is said. */
  readonly pushService: PushService;
  readonly #guards: Absent[] = [];
  readonly #clients: Subscriber[] = [];
  #writer: Subscriber | undefined;

  private constructor(
    server: XmppServer,
    belfry: Belfry,
    pushServices: PushServices,
    pushService: PushService,
  ) {
    this.server = server;
    this.belfry = belfry;
    this.pushServices = pushServices;
    this.pushService = pushService;
  }

  static async create({ start, isTalkative, users, publicUrl }: RealWorldOptions): Promise<RealWorld> {
    const closers: (() => Promise<void>)[] = [];
    const opened = <T>(what: T, close: (what: T) => Promise<void>): T => {
      closers.unshift(() => close(what));
      return what;
    };
    try {
      const services = opened(await createPushServices(), (all) => all.close());
      const service = await services.start();
      const accounts = [...users, 'writer', ...farewells].map((name) => [`${name}@${domain}`, password]);
      const options = {
        accounts: Object.fromEntries(accounts),
        components: { [jid]: secret },
        ...(isTalkative !== undefined && { isTalkative }),
      };
      const url = await publicUrl?.(service.authority);
      const server = opened(await start(options), (one) => one.stop());
      const belfry = await startBelfry({
        component: { jid, secret, port: server.componentPort },
        backend: 'storage',
        more: { web_push: services.keys },
        ...(url !== undefined && { publicUrl: () => url }),
      });
      opened(belfry, (one) => one.stop());
      return new RealWorld(server, belfry, services, service);
    } catch (error) {
      for (const close of closers) await close();
      throw error;
    }
  }

  async logIn(user: string, resource = 'browser'): Promise<Subscriber> {
    const full = `${user}@${domain}/${resource}`;
    const client = await Subscriber.logIn({ port: this.server.c2sPort, jid: full, password });
    this.#clients.push(client);
    return client;
  }

  /** A client registers a subscription, has its server push there, and goes. */
  async leave(user: string, how: Farewell, subscription: WebSubscription): Promise<Credentials> {
    const client = await this.logIn(user);
    const given = await client.register(jid, 'd-1', subscription);
    await client.enable(given);
    await (how === 'asleep' ? client.vanish() : client.leave());
    return given;
  }

  /** The same for a browser of the push service. */
  async absent(user: string, how: Farewell): Promise<Absent> {
    const subscription = this.pushService.subscribe();
    const given = await this.leave(user, how, subscription);
    const told = () => subscription.received.map(toldBy);
    return { ...given, bare: `${user}@${domain}`, subscription, told };
  }

  /** Somebody writes to them, or is only about to; resolves when the server has worked on it. */
  async write(to: { readonly bare: string }, body?: string): Promise<void> {
    this.#writer ??= await this.logIn('writer', 'pc');
    await this.#writer.say(to.bare, body);
  }

  /** Who writes, in full. */
  readonly writer = `writer@${domain}/pc`;

  /** The browser has been told so many times. */
  async heard({ subscription, bare }: Absent, count: number): Promise<void> {
    const isThere = () => subscription.received.length >= count;
    await waitFor(`push ${count} for ${bare}`, isThere, { timeout: 60_000 });
  }

  /**
   * Everything has come that anything until now has led to: users of another account, one asleep and one that is offline, are
   * written to after that, and their browsers told.
   */
  async settle(): Promise<void> {
    if (this.#guards.length === 0)
      for (const how of farewells) this.#guards.push(await this.absent(how, how));
    for (const guard of this.#guards) {
      const before = guard.subscription.received.length;
      await this.write(guard, 'Is anybody there?');
      await this.heard(guard, before + 1);
    }
  }

  /** The gateway has removed what it had for an account. */
  async removed({ bare }: { readonly bare: string }, why: 'client' | 'gone' | 'rejected'): Promise<void> {
    const line = `"jid":"${bare}","why":"${why}"`;
    await waitFor(`${bare} to be removed`, () => this.belfry.log().includes(line), { timeout: 60_000 });
  }

  /** The server is started anew, and everybody has to log in again. */
  async restartServer(): Promise<void> {
    await this.server.kill();
    await this.#closeClients();
    await this.server.restart();
    await waitFor('belfry to be attached again', () => this.belfry.isReady(), { timeout: 60_000 });
  }

  async close(): Promise<void> {
    await this.#closeClients();
    await this.belfry.stop();
    await this.server.stop();
    await this.pushServices.close();
  }

  async #closeClients(): Promise<void> {
    this.#writer = undefined;
    await Promise.all(this.#clients.splice(0).map((client) => client.close()));
  }
}
