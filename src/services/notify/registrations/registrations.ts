import type { Events } from '../../../observability/events.js';
import type { Jid } from '../../../xmpp/jid.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { ChangeLimit } from '../../change-limit.js';
import type { Channel } from '../channel.js';
import type { Health, NotifyStore, StoredRegistration } from '../store.js';
import { compare, excessOf, unitsOf, type Wish, withEnabled } from './device-list.js';
import { OrderedCache } from './ordered-cache.js';
import { describe, isWell, Registration, type Removal, well } from './registration.js';

/** Milliseconds after which a registration that is enabled again is written though nothing has changed. */
const refreshAfter = 24 * 60 * 60 * 1000;
/** Changes of an account's registrations that may wait for the store. */
const maxWaiting = 100;

const tooManyChanges = 'Too many changes at once. Try again later.';

export interface RegistrationsOptions {
  readonly store: NotifyStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: Pick<Events, 'deviceEnabled' | 'deviceRemoved' | 'deviceActiveAgain' | 'storageFailed'>;
  /** Accounts whose registrations are kept in memory; one with much to remember counts for several. */
  readonly maxAccounts?: number;
}

/**
 * The registrations of accounts, in memory what is on disk. What is asked for an account is done in the order in which it was
 * asked, reading from the store too; so nothing that was read before a change is remembered after it. What is removed and
 * enabled is reported here, and nowhere else.
 */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #limit = new ChangeLimit();
  #keepsQueue = false;
  readonly #lists: OrderedCache<readonly Registration[]>;
  readonly #listeners: ((registration: Registration, why: Removal) => void)[] = [];
  readonly #moveListeners: ((registration: Registration, former: string) => void)[] = [];

  constructor(options: RegistrationsOptions) {
    this.#options = options;
    this.#lists = new OrderedCache(options.maxAccounts ?? 50_000, unitsOf);
  }

  /**
   * Before anything is asked for.
   * @throws {Error} if there is one of that name
   */
  addChannel(channel: Channel): void {
    if (this.#channels.has(channel.name)) throw new Error(`there is a channel ${channel.name} already`);
    this.#channels.set(channel.name, channel);
    this.#keepsQueue ||= channel.keepsQueue === true;
  }

  /** Whether a channel may have kept something for a registration that nothing is known of here. */
  get keepsQueue(): boolean {
    return this.#keepsQueue;
  }

  /**
   * Called when a registration has gone from the store; must not throw. Of an account that is removed only those are told that
   * are in memory: whoever remembers more than that has to listen to `AccountHost.accountRemoved` too.
   */
  onRemoved(listener: (registration: Registration, why: Removal) => void): void {
    this.#listeners.push(listener);
  }

  /** Called when a registration has become another client's than that of this name (its resource); must not throw. */
  onMoved(listener: (registration: Registration, former: string) => void): void {
    this.#moveListeners.push(listener);
  }

  /**
   * Those of an account, given by its bare JID, that their channels can read, the oldest first; at once if they are in memory.
   * Never rejects: when the store fails, that is reported, and there are none.
   */
  of(account: Jid): readonly Registration[] | Promise<readonly Registration[]> {
    const name = account.toString();
    return this.#lists.get(name) ?? this.#lists.read(name, () => this.#loadQuietly(account));
  }

  /** Whether an account has one with that address, when all that was asked for before is done. Rejects with the store's error. */
  has(account: Jid, channel: string, address: string): Promise<boolean> {
    return this.#change(account, async (list) =>
      list.some((one) => one.channel === channel && one.address === address),
    );
  }

  /**
   * Adds a registration, or replaces the one with its address (`changed`), ends its rest and forgets its failures. Another one
   * of the same client goes, and so do those that are too many, first those that rest, then the oldest. If there is nothing
   * new about it, nothing is written, except once a day and when it was not well.
   * Rejects with the store's error, a `StanzaError` if too much waits for it or it is changed too often, or an `Error` if the
   * channel cannot read it.
   */
  enable(account: Jid, wish: Wish): Promise<'added' | 'changed' | 'unchanged'> {
    return this.#changeInTime(account, async (before) => {
      const known = before.find(
        ({ channel, address }) => channel === wish.channel && address === wish.address,
      );
      const result = compare(known, wish);
      const isWritten = result !== 'unchanged' || known === undefined || this.#isDue(known);
      const [list, enabled] = isWritten ? await this.#save(account, before, known, wish) : [before, known];
      this.#options.events.deviceEnabled({ ...describe(enabled), result });
      await this.#trim(account, list, enabled);
      return result;
    });
  }

  /**
   * Removes those of a channel that `which` picks; answers how many. Rejects with the store's error, or a `StanzaError` if too
   * much waits for it.
   */
  disable(
    account: Jid,
    channel: string,
    which: (registration: Registration) => boolean,
    why: Removal,
  ): Promise<number> {
    return this.#changeInTime(account, async (list) => {
      const going = list.filter((registration) => registration.channel === channel && which(registration));
      await this.#drop(account, list, going, why);
      return going.length;
    });
  }

  /** Keeps how deliveries went, unless it was enabled anew meanwhile. Never rejects: a store that fails is reported. */
  setHealth(registration: Registration, { failures, restsSince }: Health): Promise<void> {
    return this.#changeQuietly(registration, async (current) => {
      if (current.failures === failures && current.restsSince === restsSince) return;
      await this.#options.store.setHealth(rowKeyOf(current), { failures, restsSince });
      // Two objects if it fell out of memory since it was handed out.
      for (const each of [current, registration]) Object.assign(each, { failures, restsSince });
    });
  }

  /** Removes it, unless it was enabled anew meanwhile. Never rejects: a store that fails is reported. */
  remove(registration: Registration, why: Removal): Promise<void> {
    return this.#changeQuietly(registration, (current, list) =>
      this.#drop(registration.account, list, [current], why),
    );
  }

  /** Forgets an account that is no more. Never rejects: a store that fails is reported. */
  async removeAccount(account: Jid): Promise<void> {
    const { store, events } = this.#options;
    const name = account.toString();
    try {
      await this.#lists.end(name, async (known = []) => {
        for (const registration of known) this.#tellRemoved(registration, 'account');
        await store.removeAccount(name);
      });
    } catch (error) {
      events.storageFailed({ what: 'devices of a removed account', error });
    }
  }

  async #loadQuietly(account: Jid): Promise<readonly Registration[]> {
    try {
      return await this.#load(account);
    } catch (error) {
      this.#options.events.storageFailed({ what: 'devices of an account', error });
      return [];
    }
  }

  /** In the account's turn only. */
  async #load(account: Jid): Promise<readonly Registration[]> {
    const name = account.toString();
    const known = this.#lists.get(name);
    if (known !== undefined) return known;
    const rows = await this.#options.store.list(name);
    const readable = rows.filter(({ channel }) => this.#channels.has(channel));
    const list = readable.flatMap((row) => this.#open(account, row) ?? []);
    if (list.length < readable.length) this.#reportUnread(readable.length - list.length);
    this.#lists.set(name, list);
    return list;
  }

  #reportUnread(count: number): void {
    const error = new Error(`${count} registrations of an account cannot be read by their channels`);
    this.#options.events.storageFailed({ what: 'devices of an account', error });
  }

  #open(account: Jid, stored: StoredRegistration): Registration | undefined {
    const target = this.#channels.get(stored.channel)?.open(stored);
    return target && new Registration(account, stored, target);
  }

  #change<T>(account: Jid, work: (list: readonly Registration[]) => Promise<T>): Promise<T> {
    return this.#lists.change(account.toString(), async () => work(await this.#load(account)));
  }

  async #changeInTime<T>(account: Jid, work: (list: readonly Registration[]) => Promise<T>): Promise<T> {
    if (this.#lists.waiting(account.toString()) < maxWaiting) return this.#change(account, work);
    throw new StanzaError('resource-constraint', tooManyChanges);
  }

  async #changeQuietly(
    registration: Registration,
    work: (current: Registration, list: readonly Registration[]) => Promise<void>,
  ): Promise<void> {
    const isSame = ({ key, enabledAt }: Registration) =>
      key === registration.key && enabledAt === registration.enabledAt;
    try {
      await this.#change(registration.account, async (list) => {
        const current = list.find(isSame);
        if (current !== undefined) await work(current, list);
      });
    } catch (error) {
      this.#options.events.storageFailed({ what: 'a device', error });
    }
  }

  #isDue(known: Registration): boolean {
    // Also one of the future, from a clock that was wrong.
    const isOld = Math.abs(this.#options.now() - known.enabledAt) > refreshAfter;
    return isOld || !isWell(known);
  }

  async #save(
    account: Jid,
    before: readonly Registration[],
    known: Registration | undefined,
    wish: Wish,
  ): Promise<readonly [list: readonly Registration[], enabled: Registration]> {
    const name = account.toString();
    const now = this.#options.now();
    if (!this.#limit.take(name, now)) throw new StanzaError('resource-constraint', tooManyChanges);
    const enabledAt = now === known?.enabledAt ? now + 1 : now;
    const stored = { ...wish, account: name, enabledAt, ...well };
    const fresh = this.#open(account, stored);
    if (fresh === undefined) throw new Error(`the channel ${wish.channel} cannot read what it wants to keep`);
    await this.#options.store.save(stored);
    if (known?.restsSince !== undefined) this.#options.events.deviceActiveAgain(describe(fresh));
    const former = known?.client;
    // The object stays: deliveries under way hold it.
    const enabled = known === undefined ? fresh : Object.assign(known, fresh);
    const { list, replaced } = withEnabled(before, enabled);
    this.#lists.set(name, list);
    for (const one of replaced) this.#tellRemoved(one, 'replaced');
    if (former !== undefined && former !== enabled.client) this.#tellMoved(enabled, former);
    return [list, enabled];
  }

  /** What was enabled is on disk, whatever becomes of those that are too many: they go the next time. */
  async #trim(account: Jid, list: readonly Registration[], enabled: Registration): Promise<void> {
    const maxDevices = this.#channels.get(enabled.channel)?.maxDevices() ?? list.length;
    const excess = excessOf(list, enabled, maxDevices);
    try {
      await this.#drop(account, list, excess, 'too-many');
    } catch (error) {
      this.#lists.forget(account.toString());
      this.#options.events.storageFailed({ what: 'devices that are too many', error });
    }
  }

  async #drop(
    account: Jid,
    list: readonly Registration[],
    going: readonly Registration[],
    why: Removal,
  ): Promise<void> {
    let left = list;
    for (const registration of going) {
      await this.#options.store.remove(rowKeyOf(registration));
      left = left.filter((one) => one !== registration);
      this.#lists.set(account.toString(), left);
      this.#tellRemoved(registration, why);
    }
  }

  #tellMoved(registration: Registration, former: string): void {
    for (const listener of this.#moveListeners) listener(registration, former);
  }

  #tellRemoved(registration: Registration, why: Removal): void {
    this.#options.events.deviceRemoved({ ...describe(registration), why });
    for (const listener of this.#listeners) listener(registration, why);
  }
}

function rowKeyOf({ account, channel, address }: Registration) {
  return { account: account.toString(), channel, address };
}
