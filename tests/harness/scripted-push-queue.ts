import type { PushQueueStore } from '../../src/services/web-push/store.js';

type Method = keyof PushQueueStore;

/** A store that is as slow as a test wants, and fails before or after it has done what it was asked. */
export function scriptedPushQueue(
  store: PushQueueStore,
  {
    before = async () => undefined,
    after = async () => undefined,
  }: {
    /** What it rejects with, the call rejects with, and nothing is done. */
    before?: (method: Method) => Promise<unknown>;
    /** What it rejects with, the call rejects with, though it is done. */
    after?: (method: Method) => Promise<unknown>;
  },
): PushQueueStore {
  const around = async <T>(method: Method, action: () => Promise<T>): Promise<T> => {
    await before(method);
    const result = await action();
    await after(method);
    return result;
  };
  return {
    add: (push, bounds) => around('add', () => store.add(push, bounds)),
    claim: (...args) => around('claim', () => store.claim(...args)),
    remove: (ids) => around('remove', () => store.remove(ids)),
    postpone: (changes) => around('postpone', () => store.postpone(changes)),
    newest: (endpoint, topic) => around('newest', () => store.newest(endpoint, topic)),
    supersede: (endpoint, topic, upTo) => around('supersede', () => store.supersede(endpoint, topic, upTo)),
    withdraw: (endpoint, sender) => around('withdraw', () => store.withdraw(endpoint, sender)),
    expire: (now) => around('expire', () => store.expire(now)),
    nextDue: (...args) => around('nextDue', () => store.nextDue(...args)),
    count: () => around('count', () => store.count()),
    release: (now) => around('release', () => store.release(now)),
  };
}
