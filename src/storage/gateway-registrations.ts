import type { GatewayStore } from '../services/gateway/store.js';
import type { Database } from './database.js';

/** Registrations of the gateway. */
export function createGatewayStore(_database: Database): GatewayStore {
  const notYet = () => Promise.reject(new Error('not yet'));
  return {
    save: notYet,
    find: notYet,
    findByEndpoint: notYet,
    list: notYet,
    setFailures: notYet,
    remove: notYet,
    removeDevice: notYet,
    removeAccount: notYet,
  };
}
