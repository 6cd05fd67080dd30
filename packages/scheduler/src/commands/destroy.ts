import { EXIT_CODES } from '../exit-code.js';
import { readPresences, type Presences } from '../hosts/presences.js';
import { closeSomeBooks } from '../instances/close-books.js';
import { findInstances } from '../instances/find-instance.js';
import { describeInstance, isDeleted, type InstanceEntry } from '../instances/instance-entry.js';
import { checkHostDown, forceDestroy } from '../placing/force-destroy.js';
import { writeDestroyWish } from '../placing/write-destroy.js';
import { waitForDestroy } from '../waiting/wait-for-destroy.js';
import type { CommandContext } from './context.js';
import { printInstancesNow } from './print-instances.js';

export interface DestroyOptions {
  readonly uuidsOrNames: readonly string[];
  readonly isWaiting: boolean;
  /** Do not wait for hosts that are down. */
  readonly isForced: boolean;
  readonly timeoutSeconds: number;
}

export const destroy = async (context: CommandContext, options: DestroyOptions): Promise<number> => {
  const { cloud, output, interruption } = context;
  // All are looked up before any is touched: a typing error must not leave half of them destroyed.
  const entries = await findInstances(cloud, options.uuidsOrNames, { isAllocationEnough: true });
  const presences = await readPresences(
    cloud,
    entries.map(({ host }) => host),
  );
  const isOver = (entry: InstanceEntry): boolean => isDeleted(entry) && !entry.request;
  const pending = entries.filter((entry) => !isOver(entry));
  if (options.isForced) for (const entry of pending) await checkHostDown(cloud, entry, presences);
  const forced = new Set<InstanceEntry>();
  for (const entry of entries) {
    if (isOver(entry)) output.note(`${describeInstance(entry)} is already deleted`);
    else if (await destroyOne(context, entry, { presences, isForced: options.isForced })) forced.add(entry);
  }
  interruption.describe = () => 'the instances are being destroyed all the same: see `eschedule list --all`';
  // Of what was given up, nobody can say when its host is back.
  const awaited = pending.filter((entry) => !forced.has(entry));
  await closeSomeBooks(cloud);
  const timeout = options.isWaiting ? await waitForDestroy(context, awaited, options.timeoutSeconds * 1000) : undefined;
  await printInstancesNow(context, entries, presences);
  if (timeout) throw timeout;
  return EXIT_CODES.done;
};

/** @returns whether it was given up; otherwise its agent is to destroy it. */
const destroyOne = async (
  { cloud, output, interruption }: CommandContext,
  entry: InstanceEntry,
  { presences, isForced }: { presences: Presences; isForced: boolean },
): Promise<boolean> => {
  const { host } = entry;
  const what = describeInstance(entry);
  if (!isForced) {
    await interruption.guard(() => writeDestroyWish(cloud, entry));
    output.progress(`destroying ${what}`);
    // An agent of the original leaves no sign of life, and no record either.
    if (entry.record && !presences.has(host))
      output.note(
        `${what} will be destroyed when the agent of its host ${host} is back: that host is down (--force does not wait for it)`,
      );
    return false;
  }
  const outcome = await interruption.guard(() => forceDestroy(cloud, entry));
  if (outcome === 'host-is-up') output.note(`${what} is destroyed by the agent of its host ${host}, which is back`);
  else
    output.note(
      `${what} is given up, because its host ${host} is down: its room there is free for others, and its guest may run on and its domain and disk stay until the agent of the host is back and removes them`,
    );
  return outcome === 'forced';
};
