import type { StandaloneSettings } from '../../src/hosts/standalone/settings.js';

/** Settings of an embedded server under test. */
export const testSettings: StandaloneSettings = {
  registration: 'closed',
  maxOfflineMessages: 100,
  maxSessionsPerAccount: 10,
  smacks: { hibernationTime: 600, maxAckDelay: 30, maxQueueSize: 500 },
  archive: { defaultPolicy: 'always', expiresAfter: 0, maxQueryResults: 50 },
};
