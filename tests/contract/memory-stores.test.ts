import { describe } from 'vitest';
import { memoryServerStores } from '../harness/memory-server-stores.js';
import { memoryStores } from '../harness/memory-stores.js';
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
});
