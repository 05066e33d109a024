import { describe } from 'vitest';
import { memoryStores } from '../harness/memory-stores.js';
import { unifiedPushStoresContract } from './unified-push-stores.contract.js';

/** The stores that unit tests use instead of a database behave like it. */
describe('stores in memory', () => {
  unifiedPushStoresContract(async () => {
    const stores = memoryStores();
    return { open: async () => stores, dispose: async () => undefined };
  });
});
