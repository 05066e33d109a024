/** A browser, or an application, that publishes for an account go to. */
export interface GatewayRegistration {
  /** By which servers name it; see `credentials.ts`. */
  readonly node: string;
  /** Whose it is: a bare JID. */
  readonly account: string;
  /** What its client calls the device: there is one registration for each device of an account. */
  readonly device: string;
  /** Its endpoint: a bearer secret, never logged. */
  readonly endpoint: string;
  /** Keys of its subscription (RFC 8291): 65 and 16 bytes. */
  readonly p256dh: Uint8Array;
  readonly auth: Uint8Array;
  /** Whether it is not told of what is worth no more than a look. */
  readonly onlyImportant: boolean;
  /** When it was registered last, in Unix milliseconds. */
  readonly renewedAt: number;
  /** How often in a row its push service has refused a message. */
  readonly failures: number;
}

/** Where what waits for a registration is sent. */
export type Place = Pick<GatewayRegistration, 'node' | 'endpoint'>;

/**
 * Where registrations of the gateway are kept; several processes may work on it. All promises reject with the database's error
 * when it fails; what has resolved is on disk.
 */
export interface GatewayStore {
  /**
   * Keeps a registration, without failures. A device that is known keeps the node that it has, and the answer has that one. Another
   * device of the account with the same endpoint goes; so do those of the account that were not renewed for longest, if it has more
   * than `most`. `gone`: they, and the place that the device itself had before, if that was another.
   */
  save(
    registration: Omit<GatewayRegistration, 'failures'>,
    most: number,
  ): Promise<{ readonly node: string; readonly gone: readonly Place[] }>;
  find(node: string): Promise<GatewayRegistration | undefined>;
  /**
   * Those with that endpoint of one account, which is a bare JID, or of all accounts of a domain: the one that was renewed last
   * first, and no more than `most`.
   */
  findByEndpoint(endpoint: string, owner: string, most: number): Promise<readonly GatewayRegistration[]>;
  /** Those of an account, the one that was renewed last first. */
  list(account: string): Promise<readonly GatewayRegistration[]>;
  /** Nothing for a registration that has another endpoint meanwhile, or is gone. */
  setFailures(place: Place, failures: number): Promise<void>;
  /** Removes a registration, but not one that has another endpoint meanwhile. Answers whether it went. */
  remove(place: Place): Promise<boolean>;
  /** Answers the one that went; undefined if there was none. */
  removeDevice(account: string, device: string): Promise<Place | undefined>;
  /** Removes all registrations of an account; answers how many went. */
  removeAccount(account: string): Promise<number>;
}
