import type { Extension } from './module.js';

/**
 * What Belfry implements beyond the modules of the embedded server, in its connections, its HTTP server and what hosts
 * have in common. `docs/doap.xml` says the same.
 */
export const hostExtensions: readonly Extension[] = [
  { xep: '0092', version: '1.1' },
  { xep: '0114', version: '1.6' },
  { xep: '0156', version: '1.4.0' },
  { xep: '0178', version: '1.2', note: 'between servers' },
  { xep: '0185', version: '1.0' },
  { xep: '0198', version: '1.6.3', note: 'with clients' },
  { xep: '0220', version: '1.1.1' },
  { xep: '0288', version: '1.0.1' },
  { xep: '0368', version: '1.1.0' },
  { xep: '0440', version: '1.0.0' },
];
