import { defineConfig } from 'vitest/config';

/** What is asked again and again until it is so has ten seconds, as in `waitFor` of the tests. */
const patient = { poll: { timeout: 10_000 } };

/**
 * `unit` runs beside the code and needs nothing but Node; `system` starts processes: the built program, databases,
 * real XMPP servers. Two system files run at a time: most of theirs is waiting, and more would compete for two cores.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,clients}/**/*.test.ts', 'tests/*.test.ts'],
          testTimeout: 20_000,
          expect: patient,
        },
      },
      {
        test: {
          name: 'system',
          include: ['tests/{contract,integration,interop}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: patient,
          globalSetup: 'tests/harness/build.ts',
          maxWorkers: 2,
          // After those of `unit`.
          sequence: { groupOrder: 1 },
          // Those that are played at once wait for servers, and cost little else.
          maxConcurrency: 12,
        },
      },
    ],
  },
});
