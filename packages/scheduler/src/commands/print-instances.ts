import { findHostNames } from '../hosts/host-names.js';
import type { Presences } from '../hosts/presences.js';
import { readSnapshot, type InstanceEntry } from '../instances/snapshot.js';
import { viewOf } from '../instances/view.js';
import { instanceShape } from '../output/instance-shape.js';
import type { CommandContext } from './context.js';

/** Prints what has become of instances, if a format is asked for: without one, a command that changes something is silent, as the original. */
export const printInstancesNow = async (
  { cloud, output }: CommandContext,
  entries: readonly InstanceEntry[],
  presences: Presences,
): Promise<void> => {
  if (output.format === undefined) return;
  const after = new Map((await readSnapshot(cloud)).instances.map((entry) => [entry.instance, entry]));
  const now = entries.map((entry) => after.get(entry.instance) ?? entry);
  const hosts = now.map(({ host }) => host);
  const hostNames = await findHostNames(cloud, presences, hosts);
  const views = now.map((entry) => viewOf(entry, hostNames));
  await output.list(views, instanceShape);
};
