import type {
  Health,
  NotifyStore,
  RegistrationKey,
  StoredRegistration,
} from '../../src/services/notify/store.js';

/** Registrations of devices without a database. */
export class MemoryNotifyStore implements NotifyStore {
  /** While it is set, every call rejects with it. */
  failure: Error | undefined;
  /** Each call, by the name of its method, in order. */
  readonly calls: (keyof NotifyStore)[] = [];
  rows: readonly StoredRegistration[] = [];
  readonly #isAccount: (bareJid: string) => boolean | Promise<boolean>;

  /** `isAccount`: which accounts there are, for whose registrations alone there is room. */
  constructor(isAccount: (bareJid: string) => boolean | Promise<boolean> = () => true) {
    this.#isAccount = isAccount;
  }

  list(account: string): Promise<readonly StoredRegistration[]> {
    return this.#run('list', () =>
      this.rows.filter((row) => row.account === account).sort((a, b) => a.enabledAt - b.enabledAt),
    );
  }

  save(registration: StoredRegistration): Promise<void> {
    return this.#run('save', async () => {
      const { account, channel, address, client } = registration;
      if (!(await this.#isAccount(account))) throw new Error('there is no such account');
      const isOther = (row: StoredRegistration) =>
        row.account !== account ||
        row.channel !== channel ||
        (row.address !== address && row.client !== client);
      this.rows = [...this.rows.filter(isOther), registration];
    });
  }

  setHealth(key: RegistrationKey, { failures, restsSince }: Health): Promise<void> {
    return this.#run('setHealth', () => {
      this.rows = this.rows.map((row) => (isOf(row, key) ? { ...row, failures, restsSince } : row));
    });
  }

  remove(key: RegistrationKey): Promise<boolean> {
    return this.#run('remove', () => this.#keep((row) => !isOf(row, key)) > 0);
  }

  removeAccount(account: string): Promise<number> {
    return this.#run('removeAccount', () => this.#keep((row) => row.account !== account));
  }

  /** Answers how many went. */
  #keep(isKept: (row: StoredRegistration) => boolean): number {
    const before = this.rows.length;
    this.rows = this.rows.filter(isKept);
    return before - this.rows.length;
  }

  async #run<T>(method: keyof NotifyStore, action: () => T | Promise<T>): Promise<T> {
    this.calls.push(method);
    if (this.failure !== undefined) throw this.failure;
    return action();
  }
}

function isOf(row: StoredRegistration, { account, channel, address }: RegistrationKey): boolean {
  return row.account === account && row.channel === channel && row.address === address;
}
