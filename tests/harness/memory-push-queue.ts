import type {
  PushQueueStore,
  QueueBounds,
  StoredPush,
  WaitingPush,
} from '../../src/services/web-push/store.js';
import type { PushSender } from '../../src/services/web-push/web-push.js';

type Method = keyof PushQueueStore;

interface Row extends StoredPush {
  readonly isClaimed: boolean;
}

/** Messages that wait, without a database. */
export class MemoryPushQueue implements PushQueueStore {
  /** While it is set, every call rejects with it. */
  failure: Error | undefined;
  /** Each call, by the name of its method, in order. */
  readonly calls: Method[] = [];
  /** By their ids, as they were added. */
  rows: ReadonlyMap<number, Row> = new Map();
  #lastId = 0;

  /** Adds many that replace nothing, without bounds. */
  fill(pushes: readonly WaitingPush[]): void {
    const added = pushes.map((push) => ({ ...push, id: ++this.#lastId, isClaimed: false }));
    this.rows = new Map([...this.rows, ...added.map((row) => [row.id, row] as const)]);
  }

  add(push: WaitingPush, bounds: QueueBounds) {
    return this.#run('add', () => {
      if (this.rows.size >= bounds.inAll) return { kind: 'full' } as const;
      const superseded = this.#drop((row) => isOf(row, push.endpoint, push.topic));
      this.#lastId++;
      this.rows = new Map([...this.rows, [this.#lastId, { ...push, id: this.#lastId, isClaimed: false }]]);
      const kept = [...this.rows.values()].filter(({ endpoint }) => endpoint === push.endpoint);
      const tooMany = new Set(kept.slice(0, Math.max(0, kept.length - bounds.perEndpoint)));
      return { kind: 'added', superseded, dropped: this.#drop((row) => tooMany.has(row)) } as const;
    });
  }

  claim(
    now: number,
    until: number,
    limit: number,
    except: readonly string[] = [],
    upTo = 0,
  ): Promise<readonly StoredPush[]> {
    return this.#run('claim', () => {
      const isDue = ({ dueAt, origin }: Row) => dueAt > upTo && dueAt <= now && !except.includes(origin);
      const due = [...this.rows.values()].filter(isDue);
      const first = new Set(
        due
          .sort((a, b) => a.dueAt - b.dueAt)
          .slice(0, limit)
          .map(({ id }) => id),
      );
      this.#change((row) => (first.has(row.id) ? { ...row, dueAt: until, isClaimed: true } : row));
      return [...this.rows.values()].filter(({ id }) => first.has(id)).map(withoutClaim);
    });
  }

  remove(ids: readonly number[]): Promise<void> {
    return this.#run('remove', () => void this.#drop(({ id }) => ids.includes(id)));
  }

  postpone(changes: Parameters<PushQueueStore['postpone']>[0]): Promise<void> {
    return this.#run('postpone', () => {
      const byId = new Map(changes.map((change) => [change.id, change]));
      this.#change((row) => {
        const change = byId.get(row.id);
        if (change === undefined || row.dueAt !== change.claimedUntil) return row;
        const { dueAt, attempts } = change;
        return { ...row, dueAt, attempts, isClaimed: false };
      });
    });
  }

  newest(endpoint: string, topic: string): Promise<number | undefined> {
    return this.#run('newest', () => {
      const found = [...this.rows.values()].filter((row) => isOf(row, endpoint, topic));
      return found.at(-1)?.id;
    });
  }

  supersede(endpoint: string, topic: string, upTo: number): Promise<number> {
    return this.#run('supersede', () => this.#drop((row) => row.id <= upTo && isOf(row, endpoint, topic)));
  }

  withdraw(endpoint: string | undefined, { service, reference }: PushSender): Promise<number> {
    return this.#run('withdraw', () =>
      this.#drop(
        (row) =>
          row.service === service &&
          row.reference === reference &&
          (endpoint === undefined || row.endpoint === endpoint),
      ),
    );
  }

  expire(now: number): Promise<number> {
    return this.#run('expire', () => this.#drop(({ expiresAt }) => expiresAt <= now));
  }

  nextDue(except: readonly string[] = [], upTo = 0): Promise<number | undefined> {
    return this.#run('nextDue', () => {
      const rows = [...this.rows.values()].filter(({ origin }) => !except.includes(origin));
      const times = rows.map(({ dueAt }) => dueAt).filter((dueAt) => dueAt > upTo);
      return times.length === 0 ? undefined : Math.min(...times);
    });
  }

  count(): Promise<number> {
    return this.#run('count', () => this.rows.size);
  }

  release(now: number): Promise<void> {
    return this.#run('release', () =>
      this.#change((row) => (row.isClaimed ? { ...row, dueAt: now, isClaimed: false } : row)),
    );
  }

  #change(change: (row: Row) => Row): void {
    this.rows = new Map([...this.rows].map(([id, row]) => [id, change(row)]));
  }

  /** Answers how many went. */
  #drop(isDropped: (row: Row) => boolean): number {
    const before = this.rows.size;
    this.rows = new Map([...this.rows].filter(([, row]) => !isDropped(row)));
    return before - this.rows.size;
  }

  async #run<T>(method: Method, action: () => T): Promise<T> {
    this.calls.push(method);
    if (this.failure !== undefined) throw this.failure;
    return action();
  }
}

function isOf(row: WaitingPush, endpoint: string, topic: string | undefined): boolean {
  return topic !== undefined && row.topic === topic && row.endpoint === endpoint;
}

function withoutClaim({ isClaimed: _, ...push }: Row): StoredPush {
  return push;
}
