import type {
  ArchiveFilter,
  ArchivePreferences,
  ArchiveStore,
  StoredMessage,
} from '../../src/hosts/standalone/store.js';

/** An archive in memory; every call goes through `run`, which may fail it. */
export function memoryArchive(run: <T>(work: () => T) => Promise<T>): ArchiveStore {
  const messages = new Map<number, StoredMessage[]>();
  const preferences = new Map<number, ArchivePreferences>();
  const of = (accountId: number) => messages.get(accountId) ?? [];
  const matching = (accountId: number, filter: ArchiveFilter) =>
    of(accountId).filter((one) => matches(one, filter));
  return {
    add: (accountId, message) => run(() => void messages.set(accountId, [...of(accountId), message])),
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
        let left = limit;
        for (const [accountId, kept] of messages) {
          const old = kept.filter(({ id }) => id < beforeId).slice(0, left);
          left -= old.length;
          messages.set(
            accountId,
            kept.filter((one) => !old.includes(one)),
          );
        }
        return limit - left;
      }),
    loadPreferences: (accountId) => run(() => preferences.get(accountId)),
    putPreferences: (accountId, chosen) => run(() => void preferences.set(accountId, chosen)),
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
