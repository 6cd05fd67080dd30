import type { CommandContext } from '../commands/context.js';
import { waitUntil } from '../waiting/wait-until.js';

/** Waits until the wishes are carried out: the agent deletes a wish last. @returns the keys that are still there. */
export const waitForAgents = async (
  { cloud, interruption }: CommandContext,
  keys: readonly string[],
  timeoutMs: number,
): Promise<ReadonlySet<string>> => {
  const store = await cloud.store();
  let pending = [...keys];
  await waitUntil({
    store,
    keys: () => pending,
    timeoutMs,
    signal: interruption.signal,
    check: async () => {
      const { entries } = await store.getMany(pending);
      pending = pending.filter((_, index) => entries[index] !== undefined);
      return pending.length === 0;
    },
  });
  return new Set(pending);
};
