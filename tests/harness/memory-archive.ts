import type {
  ArchiveFilter,
  ArchivePreferences,
  ArchiveStore,
  StoredMessage,
} from '../../src/hosts/standalone/store.js';

/** An archive in memory; every call goes through `run`, which may fail it, and is about accounts that are there. */
export function memoryArchive(
  run: <T>(work: () => T) => Promise<T>,
  isThere: (accountId: number) => boolean,
): ArchiveStore {
  const messages = new Map<number, StoredMessage[]>();
  const preferences = new Map<number, ArchivePreferences>();
  const of = (accountId: number) => (isThere(accountId) ? (messages.get(accountId) ?? []) : []);
  const matching = (accountId: number, filter: ArchiveFilter) =>
    of(accountId).filter((one) => matches(one, filter));
  const requireAccount = (accountId: number) => {
    if (!isThere(accountId)) throw new Error(`no account has the id ${accountId}`);
  };
  return {
    add: (accountId, message) =>
      run(() => {
        requireAccount(accountId);
        const kept = of(accountId);
        if (kept.some(({ id }) => id === message.id)) throw new Error(`there is a message ${message.id}`);
        // They mostly come in order.
        kept.push(message);
        if ((kept.at(-2)?.id ?? 0) > message.id) kept.sort((a, b) => a.id - b.id);
        messages.set(accountId, kept);
      }),
    newestId: () => run(() => Math.max(0, ...[...messages.values()].flat().map(({ id }) => id))),
    page: (accountId, filter, limit, isBackwards) =>
      run(() => {
        const all = matching(accountId, filter);
        return isBackwards ? all.slice(Math.max(0, all.length - limit)) : all.slice(0, limit);
      }),
    find: (accountId, ids) => run(() => of(accountId).filter(({ id }) => ids.includes(id))),
    count: (accountId, filter) => run(() => matching(accountId, filter).length),
    ends: (accountId) =>
      run(() => {
        const [first] = of(accountId);
        const last = of(accountId).at(-1);
        return first && last && { first: first.id, last: last.id };
      }),
    expire: (beforeId, limit) =>
      run(() => {
        const old = [...messages.values()].flat().filter(({ id }) => id < beforeId);
        const gone = new Set(old.sort((a, b) => a.id - b.id).slice(0, limit));
        for (const [accountId, kept] of messages) {
          messages.set(
            accountId,
            kept.filter((one) => !gone.has(one)),
          );
        }
        return gone.size;
      }),
    loadPreferences: (accountId) => run(() => (isThere(accountId) ? preferences.get(accountId) : undefined)),
    putPreferences: (accountId, chosen) =>
      run(() => {
        requireAccount(accountId);
        preferences.set(accountId, chosen);
      }),
  };
}

function matches(message: StoredMessage, { withBare, withResource, after, before }: ArchiveFilter): boolean {
  return (
    (withBare === undefined || message.withBare === withBare) &&
    (withResource === undefined || message.withResource === withResource) &&
    (after === undefined || message.id > after) &&
    (before === undefined || message.id < before)
  );
}
