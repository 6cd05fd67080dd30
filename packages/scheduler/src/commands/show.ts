import { findHostNames } from '../hosts/host-names.js';
import { listPresences } from '../hosts/list-presences.js';
import { getInstance } from '../instances/find-instance.js';
import { readSnapshot } from '../instances/snapshot.js';
import { viewOf } from '../instances/view.js';
import { instanceShape, renderInstance } from '../output/instance-shape.js';
import { EXIT_CODES } from '../exit-code.js';
import type { CommandContext } from './context.js';

export const show = async (
  { cloud, output }: CommandContext,
  { uuidOrName }: { readonly uuidOrName: string },
): Promise<number> => {
  const [snapshot, presences] = await Promise.all([readSnapshot(cloud), listPresences(cloud)]);
  const entry = getInstance(snapshot, uuidOrName);
  const view = viewOf(entry, await findHostNames(cloud, presences, [entry.host]));
  await output.one(view, instanceShape, () => renderInstance(view, output.isColorful));
  return EXIT_CODES.done;
};
