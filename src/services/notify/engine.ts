import type { AccountHost, AccountSession } from '../../hosts/host.js';
import type { Element } from '../../xmpp/element.js';
import { callSignalIn } from '../../xmpp/importance.js';
import type { Jid } from '../../xmpp/jid.js';
import type { Source } from './decision/decide.js';
import type { Batches } from './delivery/batching.js';
import type { Healths } from './delivery/healths.js';
import type { Extensions } from './hibernation.js';
import { isResting, type Registration } from './registrations/registration.js';
import type { Registrations } from './registrations/registrations.js';
import type { Teller } from './teller.js';

export interface EngineOptions {
  readonly host: AccountHost;
  readonly registrations: Pick<Registrations, 'keepsQueue' | 'of' | 'removeAccount'>;
  readonly teller: Pick<Teller, 'tell'>;
  readonly batches: Pick<Batches, 'back' | 'dropAccount' | 'hasten' | 'isEmpty'>;
  readonly healths: Pick<Healths, 'of'>;
  readonly extensions: Extensions;
}

/** Hears of what happens to accounts and their sessions, and has devices told. */
export function startEngine(options: EngineOptions): void {
  hearOfStanzas(options);
  hearOfSessions(options);
  const { host, batches, registrations } = options;
  host.accountRemoved.on((account) => {
    batches.dropAccount(account);
    return registrations.removeAccount(account);
  });
}

function hearOfStanzas({ host, teller }: EngineOptions): void {
  host.received.on((account, message) =>
    callSignalIn(message) === undefined ? undefined : teller.tell('call', account, message),
  );
  host.archived.on((account, { direction, stanza }) =>
    direction === 'incoming' ? teller.tell('archive', account, stanza) : undefined,
  );
  host.offlineMessage.on((account, message) => teller.tell('offline', account, message));
  host.roomMessage.on((to, message) => teller.tell('room', to.bare(), message, to.resource || undefined));
  host.subscriptionRequested.on((account, presence) => teller.tell('subscription', account, presence));
}

function hearOfSessions(options: EngineOptions): void {
  const { host, teller, extensions } = options;
  host.ackDelayed.on((session, unacknowledged) =>
    tellAll(options, 'acknowledgement', session, unacknowledged),
  );
  host.hibernationStart.on((session, unacknowledged) =>
    withDevices(options, session.jid, (devices) => sleep(options, session, devices, unacknowledged)),
  );
  host.hibernationQueued.on((session, stanza) => {
    const source = host.isHibernating(session) ? 'hibernation' : 'acknowledgement';
    return teller.tell(source, session.jid.bare(), stanza, session.jid.resource);
  });
  host.hibernationEnd.on((session, how) => {
    extensions.forget(session);
    return how === 'resumed' ? wake(options, session, 'resumed') : undefined;
  });
  host.sessionBegun.on((session) => wake(options, session, 'begun'));
}

/** What the client has not acknowledged is one burst, which is over: it is told of that at once. */
function sleep(
  options: EngineOptions,
  session: AccountSession,
  devices: readonly Registration[],
  unacknowledged: readonly Element[],
): void | Promise<void> {
  const { healths, extensions, batches } = options;
  if (!devices.every((device) => isResting(healths.of(device)))) extensions.begin(session);
  const hasten = () => {
    for (const device of devices) batches.hasten(device);
  };
  const deciding = tellAll(options, 'hibernation', session, unacknowledged);
  return deciding === undefined ? hasten() : deciding.then(hasten);
}

/** What waits need not be told any more. */
function wake(options: EngineOptions, { jid }: AccountSession, how: 'resumed' | 'begun') {
  const { batches, registrations } = options;
  if (batches.isEmpty && !registrations.keepsQueue) return undefined;
  return withDevices(options, jid, (devices) => {
    for (const device of devices) batches.back(device, how);
  });
}

/** The registrations of a client; `use` is not called if there are none. */
function withDevices(
  { registrations }: EngineOptions,
  client: Jid,
  use: (devices: readonly Registration[]) => void | Promise<void>,
): void | Promise<void> {
  const pick = (all: readonly Registration[]) => {
    const devices = all.filter((device) => device.client === client.resource);
    return devices.length === 0 ? undefined : use(devices);
  };
  const all = registrations.of(client.bare());
  if (all instanceof Promise) return all.then(pick);
  return all.length === 0 ? undefined : pick(all);
}

/** Undefined if all is decided. */
function tellAll(
  { teller }: EngineOptions,
  source: Source,
  { jid }: AccountSession,
  stanzas: readonly Element[],
): Promise<void> | undefined {
  const account = jid.bare();
  const deciding = stanzas.map((stanza) => teller.tell(source, account, stanza, jid.resource));
  return deciding.some((each) => each !== undefined) ? Promise.all(deciding).then(() => {}) : undefined;
}
