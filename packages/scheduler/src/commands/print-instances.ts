import { findHostNames } from '../hosts/host-names.js';
import type { Presences } from '../hosts/presences.js';
import { readInstances, type InstanceEntry } from '../instances/instance-entry.js';
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
  const after = await readInstances(cloud, entries);
  const now = entries.map((before, index) => {
    const entry = after[index];
    return entry?.record || entry?.request ? entry : before;
  });
  const hosts = now.map(({ host }) => host);
  const hostNames = await findHostNames(cloud, presences, hosts);
  const views = now.map((entry) => viewOf(entry, hostNames));
  await output.list(views, instanceShape);
};
