import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * One project per tier. Tests import the packages by name, so they exercise what is built (`npm run build` first),
 * worker threads and all.
 */
const tier = (name: string, include: string, { timeoutSeconds }: { timeoutSeconds: number }) => ({
  test: {
    name,
    include: [include],
    testTimeout: timeoutSeconds * 1000,
    hookTimeout: timeoutSeconds * 1000,
    expect: { poll: { timeout: timeoutSeconds * 500 } },
    // A full Debian needs all there is.
    fileParallelism: name !== 'guests',
    pool: 'forks' as const,
  },
});

export default defineConfig({
  test: {
    // Most of a test is waiting for servers: vitest's own choice, one less than there are processors, leaves a small machine idle.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      tier('unit', '{packages/*,chaos,fuzz}/test/**/*.unit.test.ts', { timeoutSeconds: 20 }),
      tier('binding', 'packages/libvirt/test/**/*.binding.test.ts', { timeoutSeconds: 60 }),
      tier('integration', '{test/integration,packages/*/test,chaos/test}/**/*.integration.test.ts', {
        timeoutSeconds: 300,
      }),
      tier('e2e', 'test/e2e/**/*.e2e.test.ts', { timeoutSeconds: 600 }),
      // Not of `npm test`: `npm run test:guests`.
      tier('guests', 'test/guests/**/*.guests.test.ts', { timeoutSeconds: 7200 }),
    ],
  },
});
