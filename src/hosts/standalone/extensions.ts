import type { Extension } from './module.js';

/**
 * What Belfry implements beyond the modules of the embedded server, in its connections, its HTTP server and what hosts
 * have in common. `docs/doap.xml` says the same.
 */
export const hostExtensions: readonly Extension[] = [
  { xep: '0092', version: '1.1' },
  { xep: '0114', version: '1.6', note: 'as a component of another server' },
  { xep: '0156', version: '1.4.0' },
  { xep: '0368', version: '1.1.0', note: 'connections of clients' },
  { xep: '0440', version: '1.0.0' },
];
