import type { NotifyStore } from '../../src/services/notify/store.js';
import { MemoryNotifyStore } from './memory-notify-store.js';

type Method = keyof NotifyStore;

/** A store that is as slow as a test wants, and fails before or after it has done what it was asked. */
export function scriptedNotifyStore({
  before = async () => undefined,
  after = async () => undefined,
}: {
  /** What it rejects with, the call rejects with, and nothing is done. */
  before?: (method: Method) => Promise<unknown>;
  /** What it rejects with, the call rejects with, though it is done. */
  after?: (method: Method) => Promise<unknown>;
}) {
  const memory = new MemoryNotifyStore();
  const around = async <T>(method: Method, action: () => Promise<T>): Promise<T> => {
    await before(method);
    const result = await action();
    await after(method);
    return result;
  };
  const store: NotifyStore = {
    list: (account) => around('list', () => memory.list(account)),
    save: (registration) => around('save', () => memory.save(registration)),
    setHealth: (key, health) => around('setHealth', () => memory.setHealth(key, health)),
    remove: (key) => around('remove', () => memory.remove(key)),
    removeAccount: (account) => around('removeAccount', () => memory.removeAccount(account)),
  };
  return { store, memory };
}
