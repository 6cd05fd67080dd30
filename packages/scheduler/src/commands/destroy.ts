import { EcomputeError } from '@etcd-compute/common/errors';
import { instanceUuidSchema, providerUuidSchema } from '@etcd-compute/common/ids';
import { getAllocations } from '@etcd-compute/common/placement/allocations';
import type { Cloud } from '../cloud.js';
import { EXIT_CODES } from '../exit-code.js';
import { findHostNames } from '../hosts/host-names.js';
import { listPresences, type Presences } from '../hosts/list-presences.js';
import { getInstance, isDeleted, nameOf } from '../instances/find-instance.js';
import { readSnapshot, type InstanceEntry, type Snapshot } from '../instances/snapshot.js';
import { viewOf } from '../instances/view.js';
import { instanceShape } from '../output/instance-shape.js';
import { writeDestroyWish } from '../placing/write-destroy.js';
import { waitForDestroy } from '../waiting/wait-for-destroy.js';
import type { CommandContext } from './context.js';

export interface DestroyOptions {
  readonly uuidsOrNames: readonly string[];
  readonly isWaiting: boolean;
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

export const destroy = async (context: CommandContext, options: DestroyOptions): Promise<number> => {
  const { cloud, output, interruption } = context;
  const [snapshot, presences] = await Promise.all([readSnapshot(cloud), listPresences(cloud)]);
  // All are looked up before any is touched: a typing error must not leave half of them destroyed.
  const resolved = await Promise.all(options.uuidsOrNames.map((text) => resolve(cloud, snapshot, text)));
  const entries = [...new Map(resolved.map((entry) => [entry.instance, entry])).values()];
  for (const entry of entries) {
    const { instance, host } = entry;
    const what = nameOf(entry) === null ? instance : `${nameOf(entry)} (${instance})`;
    if (isGone(entry)) {
      output.note(`${what} is already deleted`);
      continue;
    }
    await interruption.guard(() => writeDestroyWish(cloud, entry));
    output.progress(`destroying ${what}`);
    // An agent of the original leaves no sign of life, and no record either.
    if (entry.record && !presences.has(host))
      output.note(`${what} will be destroyed when the agent of its host ${host} is back`);
  }
  const pending = entries.filter((entry) => !isGone(entry));
  interruption.describe = () => 'the instances are being destroyed all the same: see `eschedule list --all`';
  const timeout = options.isWaiting ? await waitForDestroy(context, pending, options.timeoutSeconds * 1000) : undefined;
  await print(context, entries, presences);
  if (timeout) throw timeout;
  return EXIT_CODES.done;
};

/** Silent unless a format is asked for: so is the original. */
const print = async (
  { cloud, output }: CommandContext,
  entries: readonly InstanceEntry[],
  presences: Presences,
): Promise<void> => {
  if (output.format === undefined) return;
  const after = new Map((await readSnapshot(cloud)).instances.map((entry) => [entry.instance, entry]));
  const now = entries.map((entry) => after.get(entry.instance) ?? entry);
  const hostNames = await findHostNames(
    cloud,
    presences,
    now.map(({ host }) => host),
  );
  await output.list(
    now.map((entry) => viewOf(entry, hostNames)),
    instanceShape,
  );
};
