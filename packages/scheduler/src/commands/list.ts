import { findHostNames } from '../hosts/host-names.js';
import { listPresences } from '../hosts/presences.js';
import { isDeleted } from '../instances/find-instance.js';
import { readSnapshot } from '../instances/snapshot.js';
import { viewOf } from '../instances/view.js';
import { instanceShape } from '../output/instance-shape.js';
import { EXIT_CODES } from '../exit-code.js';
import type { CommandContext } from './context.js';

/** By name, the nameless last; then by uuid. */
const order = (a: { name: string | null; instance: string }, b: { name: string | null; instance: string }): number =>
  (a.name ?? '\uffff').localeCompare(b.name ?? '\uffff', 'en', { numeric: true }) ||
  a.instance.localeCompare(b.instance);

export const list = async (
  { cloud, output }: CommandContext,
  { isAll }: { readonly isAll: boolean },
): Promise<number> => {
  const [{ instances, problems }, presences] = await Promise.all([readSnapshot(cloud), listPresences(cloud)]);
  const shown = instances.filter((entry) => isAll || !isDeleted(entry));
  const hostNames = await findHostNames(
    cloud,
    presences,
    shown.map(({ host }) => host),
  );
  const views = shown.map((entry) => viewOf(entry, hostNames)).toSorted(order);
  await output.list(views, instanceShape);
  for (const problem of problems) output.note(`eschedule: ${problem.message}`);
  return EXIT_CODES.done;
};
