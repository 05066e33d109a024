import { startStandalone } from '../../tests/harness/belfry-standalone.js';
import { hasEjabberd, startEjabberd } from '../../tests/harness/ejabberd.js';
import { hasProsody, startProsody } from '../../tests/harness/prosody.js';
import type { XmppServer, XmppServerOptions } from '../../tests/harness/xmpp-server.js';
import { accountsOf, ejabberdModulesFor, prosodyArchive, prosodyModules } from './contestants.js';
import type { Telling } from './phone.js';

/** The app server, a component of each server. */
export const appServer = { jid: 'push.bench.test', secret: 'a-secret-of-the-bench' };

type Started = Pick<XmppServer, 'pid' | 'c2sPort' | 'componentPort' | 'stop'>;

/** A server that tells app servers (XEP-0357) of messages to sessions that hibernate. */
export interface Notifier {
  readonly name: string;
  readonly hasArchive: boolean;
  readonly isInstalled: boolean;
  /** Milliseconds that it collects before it tells. */
  readonly collection: number;
  readonly telling: Telling;
  /** How many messages in a row to one client keep it busy. */
  readonly burst: number;
  start(options: XmppServerOptions): Promise<Started>;
}

/** Sessions last this long without a client (seconds), and keep so many stanzas: more than the benchmark takes. */
const kept = { seconds: 3_600, stanzas: 5_000 };

export function notifiers(hasArchive: boolean): readonly Notifier[] {
  const service = hasArchive ? 'lasting' : 'managed';
  return [
    {
      ...{ name: 'prosody', hasArchive, isInstalled: hasProsody, collection: 1_000, telling: 'collected' },
      burst: 4,
      start: (options) =>
        startProsody({
          ...options,
          modules: [...prosodyModules[service], 'cloud_notify'],
          settings: prosodyArchive + prosodySessions,
        }),
    },
    {
      ...{ name: 'ejabberd', hasArchive, isInstalled: hasEjabberd, collection: 0, telling: 'each' },
      burst: 10,
      start: (options) =>
        startEjabberd({
          ...options,
          modules: { ...ejabberdModulesFor(service), mod_stream_mgmt: ejabberdSessions, mod_push: {} },
        }),
    },
    belfry('belfry', hasArchive, 1_000),
    belfry('belfry, at once', hasArchive, 0),
  ];
}

const prosodySessions = `
smacks_hibernation_time = ${kept.seconds}
smacks_max_queue_size = ${kept.stanzas}`;

const ejabberdSessions = {
  ...{ resume_timeout: kept.seconds, max_resume_timeout: kept.seconds },
  max_ack_queue: kept.stanzas,
};

function belfry(name: string, hasArchive: boolean, collection: number): Notifier {
  return {
    ...{ name, hasArchive, isInstalled: true, collection, telling: 'counted' },
    burst: 30,
    start: (options) =>
      startStandalone({
        ...options,
        env: {
          BELFRY_ARCHIVE_DEFAULT_POLICY: hasArchive ? 'always' : 'never',
          BELFRY_CLOUD_NOTIFY_COLLECTION_TIME: String(collection / 1000),
          BELFRY_SMACKS_HIBERNATION_TIME: String(kept.seconds),
          BELFRY_SMACKS_MAX_QUEUE_SIZE: String(kept.stanzas),
        },
      }),
  };
}

/** Starts it with the app server as its component, and with so many accounts. */
export function startNotifier(notifier: Notifier, accounts: number): Promise<Started> {
  return notifier.start({
    ...{ accounts: accountsOf(accounts), hashedPasswords: true },
    components: { [appServer.jid]: appServer.secret },
  });
}
