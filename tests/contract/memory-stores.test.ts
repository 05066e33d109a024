import { describe } from 'vitest';
import { MemoryGatewayStore } from '../harness/memory-gateway-store.js';
import { MemoryNotifyStore } from '../harness/memory-notify-store.js';
import { MemoryPushQueue } from '../harness/memory-push-queue.js';
import { memoryServerStores } from '../harness/memory-server-stores.js';
import { memoryStores } from '../harness/memory-stores.js';
import { gatewayStoreContract } from './gateway-store.contract.js';
import { notifyStoreContract } from './notify-store.contract.js';
import { pushQueueContract } from './push-queue.contract.js';
import { standaloneStoresContract } from './standalone-stores.contract.js';
import { unifiedPushStoresContract } from './unified-push-stores.contract.js';

/** The stores that unit tests use instead of a database behave like it. */
describe('stores in memory', () => {
  unifiedPushStoresContract(async () => {
    const stores = memoryStores();
    return { open: async () => stores, dispose: async () => undefined };
  });
  standaloneStoresContract(async () => {
    const stores = memoryServerStores();
    return { open: async () => stores, dispose: async () => undefined };
  });
  pushQueueContract(async () => {
    const queue = new MemoryPushQueue();
    return { open: async () => queue, dispose: async () => undefined };
  });
  gatewayStoreContract(async () => {
    const store = new MemoryGatewayStore();
    return { open: async () => store, dispose: async () => undefined };
  });
  notifyStoreContract(async () => {
    const { accounts } = memoryServerStores();
    const notify = new MemoryNotifyStore(async (jid) => (await accounts.find(jid)) !== undefined);
    const remove = async (jid: string) => {
      await notify.removeAccount(jid);
      return accounts.remove(jid);
    };
    return {
      open: async () => ({ notify, accounts: { ...accounts, remove } }),
      dispose: async () => undefined,
    };
  });
});
