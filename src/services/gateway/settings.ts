/** What of the gateway can change while it runs. */
export interface GatewaySettings {
  /** Registrations of an account. */
  readonly maxDevices: number;
  /** Publishes per minute and registration that are sent each by itself; of more, what comes last is sent; 0 for no limit. */
  readonly rateLimit: number;
  /** Seconds for which a message is of use. */
  readonly ttl: number;
}
