import type { GatewayRegistration, GatewayStore, Place } from '../../src/services/gateway/store.js';

/** Registrations of the gateway without a database. */
export class MemoryGatewayStore implements GatewayStore {
  /** While it is set, every call rejects with it. */
  failure: Error | undefined;
  /** Each call, by the name of its method, in order. */
  readonly calls: (keyof GatewayStore)[] = [];
  rows: readonly GatewayRegistration[] = [];

  save(
    registration: Omit<GatewayRegistration, 'failures'>,
    most: number,
  ): Promise<{ node: string; gone: readonly Place[] }> {
    return this.#run('save', () => {
      const { account, device, endpoint } = registration;
      const own = this.#of(account);
      const before = own.find((row) => row.device === device);
      const { node } = before ?? registration;
      const others = own.filter((row) => row.device !== device && row.endpoint !== endpoint);
      const kept = others.sort(latestFirst).slice(0, most - 1);
      const gone = own.filter((row) => !kept.includes(row) && !(row === before && row.endpoint === endpoint));
      const saved = { ...registration, node, failures: 0 };
      this.rows = [...this.rows.filter((row) => row.account !== account), ...kept, saved];
      return { node, gone: gone.map(placeOf) };
    });
  }

  find(node: string): Promise<GatewayRegistration | undefined> {
    return this.#run('find', () => this.rows.find((row) => row.node === node));
  }

  findByEndpoint(endpoint: string, owner: string, most: number): Promise<readonly GatewayRegistration[]> {
    return this.#run('findByEndpoint', () =>
      this.rows
        .filter((row) => row.endpoint === endpoint)
        .filter(({ account }) => account === owner || account.endsWith(`@${owner}`))
        .sort(latestFirst)
        .slice(0, most),
    );
  }

  list(account: string): Promise<readonly GatewayRegistration[]> {
    return this.#run('list', () => this.#of(account).sort(latestFirst));
  }

  setFailures(place: Place, failures: number): Promise<void> {
    return this.#run('setFailures', () => {
      this.rows = this.rows.map((row) => (isAt(row, place) ? { ...row, failures } : row));
    });
  }

  remove(place: Place): Promise<boolean> {
    return this.#run('remove', () => this.#take((row) => isAt(row, place)).length > 0);
  }

  removeDevice(account: string, device: string): Promise<Place | undefined> {
    return this.#run(
      'removeDevice',
      () => this.#take((row) => row.account === account && row.device === device)[0],
    );
  }

  removeAccount(account: string): Promise<number> {
    return this.#run('removeAccount', () => this.#take((row) => row.account === account).length);
  }

  #of(account: string): GatewayRegistration[] {
    return this.rows.filter((row) => row.account === account);
  }

  #take(isTaken: (row: GatewayRegistration) => boolean): readonly Place[] {
    const taken = this.rows.filter(isTaken);
    this.rows = this.rows.filter((row) => !isTaken(row));
    return taken.map(placeOf);
  }

  async #run<T>(method: keyof GatewayStore, action: () => T): Promise<T> {
    this.calls.push(method);
    if (this.failure !== undefined) throw this.failure;
    return action();
  }
}

function latestFirst(a: GatewayRegistration, b: GatewayRegistration): number {
  return b.renewedAt - a.renewedAt || (a.node < b.node ? -1 : 1);
}

function placeOf({ node, endpoint }: GatewayRegistration): Place {
  return { node, endpoint };
}

function isAt(row: GatewayRegistration, { node, endpoint }: Place): boolean {
  return row.node === node && row.endpoint === endpoint;
}
