import { defineConfig } from 'vitest/config';

/**
 * `unit` runs beside the code and needs nothing but Node; `system` starts processes: the built program, databases,
 * real XMPP servers. System files run one after another, so that peers do not compete for two cores.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,clients}/**/*.test.ts', 'tests/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['tests/{contract,integration,interop}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // Those that are played at once wait for servers, and cost little else.
          maxConcurrency: 12,
        },
      },
    ],
  },
});
