import { EcomputeError } from '@etcd-compute/common/errors';
import { instanceUuidSchema, providerUuidSchema } from '@etcd-compute/common/ids';
import { getAllocations } from '@etcd-compute/common/placement/allocations';
import type { Cloud } from '../cloud.js';
import { EXIT_CODES } from '../exit-code.js';
import { readPresences, type Presences } from '../hosts/presences.js';
import { getInstance, isDeleted, nameOf } from '../instances/find-instance.js';
import { readSnapshot, type InstanceEntry, type Snapshot } from '../instances/snapshot.js';
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

/** Also an instance that only Placement knows, left by a boot that was cut short: the agent cleans up what there is. */
const resolve = async (cloud: Cloud, snapshot: Snapshot, uuidOrName: string): Promise<InstanceEntry> => {
  try {
    return getInstance(snapshot, uuidOrName);
  } catch (err) {
    const instance = instanceUuidSchema.safeParse(uuidOrName).data;
    const isUnknown = err instanceof EcomputeError && err.code === 'ECOMPUTE_INSTANCE_UNKNOWN';
    if (!isUnknown || instance === undefined) throw err;
    const { allocations } = await getAllocations(await cloud.placement(), instance);
    const providers = Object.entries(allocations);
    const [provider] = providers.find(([, { resources }]) => 'VCPU' in resources) ?? providers[0] ?? [];
    if (provider === undefined) throw err;
    const host = providerUuidSchema.parse(provider);
    const nothing = { record: undefined, request: undefined, booted: undefined };
    return { instance, host, ...nothing, recordRevision: '0', requestRevision: '0' };
  }
};

const isGone = (entry: InstanceEntry): boolean => isDeleted(entry) && !entry.request;

const describe = (entry: InstanceEntry): string =>
  nameOf(entry) === null ? entry.instance : `${nameOf(entry)} (${entry.instance})`;

export const destroy = async (context: CommandContext, options: DestroyOptions): Promise<number> => {
  const { cloud, output, interruption } = context;
  const snapshot = await readSnapshot(cloud);
  // All are looked up before any is touched: a typing error must not leave half of them destroyed.
  const resolved = await Promise.all(options.uuidsOrNames.map((text) => resolve(cloud, snapshot, text)));
  const entries = [...new Map(resolved.map((entry) => [entry.instance, entry])).values()];
  const presences = await readPresences(
    cloud,
    entries.map(({ host }) => host),
  );
  const pending = entries.filter((entry) => !isGone(entry));
  if (options.isForced) for (const entry of pending) await checkHostDown(cloud, entry, presences);
  const forced = new Set<InstanceEntry>();
  for (const entry of entries) {
    if (isGone(entry)) output.note(`${describe(entry)} is already deleted`);
    else if (await destroyOne(context, entry, { presences, isForced: options.isForced })) forced.add(entry);
  }
  interruption.describe = () => 'the instances are being destroyed all the same: see `eschedule list --all`';
  // Of what was given up, nobody can say when its host is back.
  const awaited = pending.filter((entry) => !forced.has(entry));
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
  const what = describe(entry);
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
