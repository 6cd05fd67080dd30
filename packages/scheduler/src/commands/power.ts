import type { PowerWish } from '@etcd-compute/common/etcd/messages/boot-request';
import { EXIT_CODES } from '../exit-code.js';
import { readPresences } from '../hosts/presences.js';
import { closeSomeBooks } from '../instances/close-books.js';
import { findInstances } from '../instances/find-instance.js';
import { writePowerWish } from '../placing/write-power.js';
import { waitForPower, type PendingPower } from '../waiting/wait-for-power.js';
import type { CommandContext } from './context.js';
import { printInstancesNow } from './print-instances.js';

export interface PowerOptions {
  readonly uuidsOrNames: readonly string[];
  readonly wish: PowerWish['wish'];
  readonly isHard: boolean;
  readonly isWaiting: boolean;
  readonly timeoutSeconds: number;
}

/** `start`, `stop` and `reboot`. Silent unless a format is asked for. */
export const power = async (context: CommandContext, options: PowerOptions): Promise<number> => {
  const { cloud, output, interruption } = context;
  const { wish, isHard } = options;
  // All are looked up before any is touched: a typing error must not leave half of them done.
  const entries = await findInstances(cloud, options.uuidsOrNames);
  const presences = await readPresences(
    cloud,
    entries.map(({ host }) => host),
  );
  const wishes: PendingPower[] = [];
  for (const entry of entries) {
    const count = await interruption.guard(() => writePowerWish(cloud, entry, { wish, hard: isHard }));
    wishes.push({ entry, count });
    if (!presences.has(entry.host))
      output.note(`${entry.instance} will be ${wish} when the agent of its host ${entry.host} is back`);
  }
  interruption.describe = () => `the instances will be ${wish} all the same: see \`eschedule list\``;
  const errors = options.isWaiting ? await waitForPower(context, wishes, options.timeoutSeconds * 1000) : [];
  await closeSomeBooks(cloud);
  await printInstancesNow(context, entries, presences);
  const [first, ...others] = errors;
  for (const error of others) output.note(`eschedule: ${error.message}`);
  if (first) throw first;
  return EXIT_CODES.done;
};
