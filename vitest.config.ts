import { defineConfig } from 'vitest/config';

/**
 * One project per tier. Tests import the packages by name, so they exercise what is built (`npm run build` first),
 * worker threads and all. Files of the last tiers share the machine's processors with their guests, so those run one by one.
 */
const tier = (name: string, include: string, { timeoutSeconds }: { timeoutSeconds: number }) => ({
  test: {
    name,
    include: [include],
    testTimeout: timeoutSeconds * 1000,
    hookTimeout: timeoutSeconds * 1000,
    fileParallelism: name !== 'e2e' && name !== 'guests',
    pool: 'forks' as const,
  },
});

export default defineConfig({
  test: {
    projects: [
      tier('unit', '{packages/*,chaos}/test/**/*.unit.test.ts', { timeoutSeconds: 20 }),
      tier('binding', 'packages/libvirt/test/**/*.binding.test.ts', { timeoutSeconds: 60 }),
      tier('integration', 'test/integration/**/*.integration.test.ts', { timeoutSeconds: 120 }),
      tier('e2e', 'test/e2e/**/*.e2e.test.ts', { timeoutSeconds: 300 }),
      // Not of `npm test`: `npm run test:guests`.
      tier('guests', 'test/guests/**/*.guests.test.ts', { timeoutSeconds: 7200 }),
    ],
  },
});
