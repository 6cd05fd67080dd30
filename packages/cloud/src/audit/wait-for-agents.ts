import type { Services } from '../services.js';
import { waitUntil } from '../wait-until.js';

/** Waits until the wishes are carried out: the agent deletes a wish at its end. @returns the keys that are left. */
export const waitForAgents = async (
  services: Services,
  keys: readonly string[],
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<ReadonlySet<string>> => {
  const store = await services.store();
  let pending = [...keys];
  await waitUntil({
    store,
    keys: () => pending,
    timeoutMs,
    signal,
    check: async () => {
      const { entries } = await store.getMany(pending);
      pending = pending.filter((_, index) => entries[index] !== undefined);
      return pending.length === 0;
    },
  });
  return new Set(pending);
};
