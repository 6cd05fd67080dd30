import { defineConfig } from 'vitest/config';

/**
 * One project per tier. Tests import the packages by name, so they exercise what is built (`npm run build` first),
 * worker threads and all.
 */
const tier = (name: string, include: string[], timeoutSeconds: number, isParallel: boolean) => ({
  test: {
    name,
    include,
    testTimeout: timeoutSeconds * 1000,
    hookTimeout: timeoutSeconds * 1000,
    fileParallelism: isParallel,
    pool: 'forks' as const,
  },
});

export default defineConfig({
  test: {
    projects: [
      tier('unit', ['packages/*/test/**/*.unit.test.ts'], 20, true),
      tier('binding', ['packages/libvirt/test/**/*.binding.test.ts'], 60, true),
      tier('integration', ['test/integration/**/*.integration.test.ts'], 120, true),
      tier('e2e', ['test/e2e/**/*.e2e.test.ts'], 300, false),
    ],
  },
});
