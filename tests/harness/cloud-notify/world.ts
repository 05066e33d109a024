import { AppServer } from '../app-server.js';
import { type StandaloneServer, startStandalone } from '../belfry-standalone.js';
import { FederatedWorld, password } from '../federated.js';
import { startProsody } from '../prosody.js';
import type { XmppServer } from '../xmpp-server.js';

/** What the server under test is told; the rest is as it is without a word. */
export interface PushSettings {
  /** Seconds that a session waits for its client. */
  readonly hibernationTime?: number;
  readonly withBody?: boolean;
  readonly withSender?: boolean;
  readonly importantBody?: string;
  /** Further keys of Belfry's configuration. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A server that is to push, and the app server that it is to push to. */
export interface PushWorld {
  readonly kind: 'belfry' | 'prosody';
  readonly server: XmppServer & { readonly configFile?: string };
  readonly domain: string;
  readonly appServer: AppServer;
  /** The JID of a service for rooms (XEP-0045), if there is one. */
  readonly rooms: string | undefined;
  /** Whether the server knows that a client of an account has lost its connection, which was after `since` (Unix milliseconds). */
  knowsAsleep(bare: string, since: number): boolean;
  close(): Promise<void>;
}

/** A Belfry that the app server is attached to. */
export interface AttachedWorld extends PushWorld {
  readonly server: StandaloneServer;
}

/** In every name, text and address that no publish is to have, and in nothing else. */
export const mark = 'marked';

/** Errors in a row that a server takes of an app server. */
export const maxErrors = 3;
/** Seconds that a client may take to acknowledge: more than one that does so needs, also where everything is slow. */
const maxAckDelay = 5;

const domain = 'belfry.example';
const elsewhere = 'elsewhere.example';
const secret = 'secret-of-push';
const users = Array.from({ length: 400 }, (_, index) => `${mark}-${index}`);

/** Belfry, with the app server as a component of its own. */
export async function startAttachedWorld(settings: PushSettings): Promise<AttachedWorld> {
  const jid = `push.${domain}`;
  const server = await startStandalone({
    accounts: accountsAt(domain),
    components: { [jid]: secret },
    env: { BELFRY_LOG_LEVEL: 'debug' },
    standalone: { registration: 'open' },
    more: belfryKeys(settings),
  });
  const world = await begin({
    kind: 'belfry',
    server,
    port: server.componentPort,
    jid,
    rooms: undefined,
    close: () => server.stop(),
  });
  return { ...world, server };
}

/** Belfry, with the app server and rooms at a Prosody that it talks with. */
export async function startFederatedWorld(settings: PushSettings): Promise<PushWorld> {
  const [jid, rooms] = [`push.${elsewhere}`, `rooms.${elsewhere}`];
  const world = await FederatedWorld.create('certificate', [domain, elsewhere], {
    [elsewhere]: [jid, rooms],
  });
  try {
    const { server } = await world.belfry(
      domain,
      users,
      { registration: 'open' },
      { more: belfryKeys(settings) },
    );
    const other = await world.prosody(elsewhere, ['nobody'], [], { components: { [jid]: secret }, rooms });
    const port = other.server.componentPort;
    return await begin({ kind: 'belfry', server, port, jid, rooms, close: () => world.close() });
  } catch (error) {
    await world.close();
    throw error;
  }
}

/** Prosody with mod_cloud_notify, and with the app server as a component of its own. */
export async function startProsodyWorld(settings: PushSettings): Promise<PushWorld> {
  const [jid, rooms] = [`push.${domain}`, `rooms.${domain}`];
  const server = await startProsody({
    accounts: accountsAt(domain),
    components: { [jid]: secret },
    modules: ['smacks', 'mam', 'carbons', 'csi_simple', 'cloud_notify', 'register'],
    rooms,
    settings: prosodySettings(settings),
  });
  return begin({
    kind: 'prosody',
    server,
    port: server.componentPort,
    jid,
    rooms,
    close: () => server.stop(),
  });
}

/** The accounts that are there from the start, and their passwords. */
const accountsAt = (name: string) => Object.fromEntries(users.map((user) => [`${user}@${name}`, password]));

interface Start extends Omit<PushWorld, 'appServer' | 'domain' | 'knowsAsleep'> {
  readonly jid: string;
  /** Where the app server attaches. */
  readonly port: number;
}

async function begin({ jid, port, close, ...rest }: Start): Promise<PushWorld> {
  const appServer = new AppServer({ jid, secret, port });
  const closeAll = async () => {
    await appServer.stop();
    await close();
  };
  try {
    await appServer.start();
  } catch (error) {
    await closeAll();
    throw error;
  }
  // Prosody closes a connection when it has done what there is to do for its end.
  const knowsAsleep = (bare: string, since: number) =>
    rest.kind === 'prosody' || hasLoggedSleep(rest.server.log(), bare, since);
  return { ...rest, domain, appServer, knowsAsleep, close: closeAll };
}

function hasLoggedSleep(log: string, bare: string, since: number): boolean {
  const at = log.lastIndexOf(`"jid":"${bare}","msg":"session hibernates"`);
  const line = log.slice(log.lastIndexOf('\n', at) + 1, at);
  const time = at < 0 ? undefined : /"time":"([^"]+)"/.exec(line)?.[1];
  return time !== undefined && Date.parse(time) >= since;
}

function belfryKeys({ hibernationTime, withBody, withSender, importantBody, more }: PushSettings) {
  return {
    smacks: {
      max_ack_delay: maxAckDelay,
      ...(hibernationTime !== undefined && { hibernation_time: hibernationTime }),
    },
    cloud_notify: {
      max_errors: maxErrors,
      ...(withBody !== undefined && { with_body: withBody }),
      ...(withSender !== undefined && { with_sender: withSender }),
      ...(importantBody !== undefined && { important_body: importantBody }),
    },
    ...more,
  };
}

function prosodySettings({ hibernationTime, withBody, withSender, importantBody }: PushSettings): string {
  const options = {
    allow_registration: true,
    push_max_errors: maxErrors,
    smacks_max_ack_delay: maxAckDelay,
    smacks_hibernation_time: hibernationTime,
    push_notification_with_body: withBody,
    push_notification_with_sender: withSender,
    push_notification_important_body: importantBody,
  };
  const lines = Object.entries(options).filter(([, value]) => value !== undefined);
  return lines.map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join('\n');
}
