/** A registration of a device for notifications, as it is kept. Times are Unix milliseconds. */
export interface StoredRegistration {
  /** The account's bare JID. */
  readonly account: string;
  /** The name of the channel. */
  readonly channel: string;
  /** Which client of the account: the id of its user agent, or its resource. */
  readonly client: string;
  /** What the channel reaches the device by: a bearer secret, never logged. At most 4,096 bytes. */
  readonly address: string;
  /** What else the channel has to know, as text: never logged. At most 64 KiB. */
  readonly details: string;
  readonly enabledAt: number;
  /** Deliveries in a row that were rejected. */
  readonly failures: number;
  /** Since when it rests, because too many were; undefined while it does not. */
  readonly restsSince: number | undefined;
}

/** How deliveries to a registration went. */
export type Health = Pick<StoredRegistration, 'failures' | 'restsSince'>;

/** What tells a registration from all others. */
export type RegistrationKey = Pick<StoredRegistration, 'account' | 'channel' | 'address'>;

/**
 * Where registrations of devices are kept; they go with their accounts, at once. All promises reject with the database's error
 * when it fails; what has resolved is on disk.
 */
export interface NotifyStore {
  /** Those of an account, the oldest (`enabledAt`) first. */
  list(account: string): Promise<readonly StoredRegistration[]>;
  /**
   * Adds the registration. One of the same account and channel with its address, or with its client, goes: the former is
   * replaced, the latter is the same device with a new address. Both happen, or nothing. Rejects if there is no such account.
   */
  save(registration: StoredRegistration): Promise<void>;
  /** Keeps how deliveries went; nothing if there is no such registration. */
  setHealth(key: RegistrationKey, health: Health): Promise<void>;
  /** Answers whether there was one. */
  remove(key: RegistrationKey): Promise<boolean>;
  /** Removes all registrations of an account; answers how many went. */
  removeAccount(account: string): Promise<number>;
}
