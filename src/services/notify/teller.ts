import type { AccountHost, AccountSession } from '../../hosts/host.js';
import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import { type Importance, importance } from '../../xmpp/importance.js';
import type { Jid } from '../../xmpp/jid.js';
import { decide, type Facts, type Occasion, type Source, type Verdict } from './decision/decide.js';
import { strangerOf } from './decision/stranger.js';
import type { Batches } from './delivery/batching.js';
import { isToBeTried } from './delivery/error-policy.js';
import type { Healths } from './delivery/healths.js';
import type { Notice } from './delivery/notice.js';
import { describe, type Registration } from './registrations/registration.js';
import type { Registrations } from './registrations/registrations.js';
import type { Told } from './told.js';

export interface TellerOptions {
  readonly host: Pick<
    AccountHost,
    'isContact' | 'isHibernating' | 'isOccupant' | 'originalOf' | 'sessionsOf'
  >;
  readonly registrations: Pick<Registrations, 'of'>;
  readonly batches: Pick<Batches, 'add' | 'again'>;
  readonly healths: Pick<Healths, 'of'>;
  readonly told: Told<Notice>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: Pick<Events, 'notificationDecided'>;
}

/** What has come up for an account. */
interface Arrival {
  readonly source: Source;
  readonly account: Jid;
  readonly stanza: Element;
  /** Which client it concerns alone; undefined: all of the account. */
  readonly client: string | undefined;
}

/** Worth showing, but no messages; a call that was missed was counted when it rang. */
const uncounted: ReadonlySet<Importance['kind']> = new Set(['subscription', 'missed-call']);

const noSessions: readonly AccountSession[] = [];

/** Has those of an account's devices told of a stanza that are to be told. */
export class Teller {
  readonly #options: TellerOptions;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /**
   * Decides at once, unless a store has to be asked first. Stanzas come to accounts all the time: where there is no device, this
   * is all that is done.
   */
  tell(source: Source, account: Jid, stanza: Element, client?: string): void | Promise<void> {
    const devices = this.#options.registrations.of(account);
    if (devices instanceof Promise) {
      return devices.then((loaded) => this.#tellAll(loaded, { source, account, stanza, client }));
    }
    if (devices.length > 0) return this.#tellAll(devices, { source, account, stanza, client });
  }

  #tellAll(devices: readonly Registration[], arrival: Arrival): void | Promise<void> {
    const { account, client } = arrival;
    const concerned = client === undefined ? devices : devices.filter((device) => device.client === client);
    if (concerned.length === 0) return;
    const isOwnOccupant = (occupant: string) => this.#options.host.isOccupant(account, occupant);
    const occasion = this.#occasionOf(arrival, isOwnOccupant);
    const isContact = this.#isFromContact(concerned, account, occasion.stanza);
    if (typeof isContact === 'boolean') {
      return this.#judge(concerned, occasion, { account, isContact, isOwnOccupant });
    }
    return isContact.then((known) =>
      this.#judge(concerned, occasion, { account, isContact: known, isOwnOccupant }),
    );
  }

  #occasionOf({ source, stanza, client }: Arrival, isOwnOccupant: (occupant: string) => boolean): Occasion {
    return {
      source,
      stanza: this.#options.host.originalOf(stanza),
      importance: importance(stanza, isOwnOccupant),
      client,
    };
  }

  /** Asked only if a device cares. */
  #isFromContact(
    devices: readonly Registration[],
    account: Jid,
    stanza: Element,
  ): boolean | Promise<boolean> {
    if (!devices.some(({ target }) => target.rules.ignoresUnknown)) return true;
    const stranger = strangerOf(stanza, account);
    return stranger === undefined || this.#options.host.isContact(account, stranger);
  }

  #judge(devices: readonly Registration[], occasion: Occasion, facts: Facts): void {
    // What concerns one client alone does so wherever that is.
    const sessions =
      occasion.client === undefined ? this.#options.host.sessionsOf(facts.account) : noSessions;
    const isNobodyThere = devices.some(({ target }) => target.rules.whileAway) && areAllAway(sessions);
    for (const device of devices) this.#judgeOne(device, occasion, facts, sessions, isNobodyThere);
  }

  #judgeOne(
    device: Registration,
    occasion: Occasion,
    facts: Facts,
    sessions: readonly AccountSession[],
    isNobodyThere: boolean,
  ): void {
    const { client, key, target } = device;
    const session = this.#stateOf(client, sessions);
    const notice = this.#options.told.by(occasion.stanza, key);
    const recipient = { client, session, isNobodyThere, rules: target.rules, wasTold: notice !== undefined };
    const verdict = this.#unlessItRests(device, decide(occasion, recipient, facts));
    if (verdict.told !== 'no') this.#add(device, occasion, verdict.told, verdict.isUrgent);
    else if (notice !== undefined && occasion.client === client) this.#options.batches.again(device, notice);
    this.#options.events.notificationDecided({
      ...describe(device),
      source: occasion.source,
      told: verdict.told,
      why: verdict.why,
    });
  }

  #stateOf(client: string, sessions: readonly AccountSession[]): 'live' | 'hibernating' | 'none' {
    for (const session of sessions) {
      if (session.jid.resource !== client) continue;
      return this.#options.host.isHibernating(session) ? 'hibernating' : 'live';
    }
    return 'none';
  }

  #unlessItRests(device: Registration, verdict: Verdict): Verdict {
    if (verdict.told === 'no') return verdict;
    if (isToBeTried(this.#options.healths.of(device), this.#options.now())) return verdict;
    return { told: 'no', isUrgent: false, why: 'the registration rests' };
  }

  #add(
    device: Registration,
    { importance: { kind }, stanza }: Occasion,
    level: 'important' | 'unimportant',
    isUrgent: boolean,
  ): void {
    const isCounted = level === 'important' && !uncounted.has(kind);
    const topic = device.target.topicOf?.(stanza) ?? '';
    const notice = this.#options.batches.add(device, { level, kind, stanza, topic, isUrgent, isCounted });
    if (notice !== undefined) this.#options.told.add(stanza, device.key, notice);
  }
}

/** All that are available, and at least one. */
function areAllAway(sessions: readonly AccountSession[]): boolean {
  let isOneAway = false;
  for (const { presence } of sessions) {
    if (presence === undefined) continue;
    const show = presence.child('show')?.text();
    if (show !== 'away' && show !== 'xa') return false;
    isOneAway = true;
  }
  return isOneAway;
}
