import { findHostNames } from '../hosts/host-names.js';
import { readPresences } from '../hosts/presences.js';
import { isFetching, NO_DOWNLOADS, readDownloads } from '../instances/downloads.js';
import { findInstance } from '../instances/find-instance.js';
import { viewOf } from '../instances/view.js';
import { instanceShape, renderInstance } from '../output/instance-shape.js';
import { EXIT_CODES } from '../exit-code.js';
import type { CommandContext } from './context.js';

export const show = async (
  { cloud, output }: CommandContext,
  { uuidOrName }: { readonly uuidOrName: string },
): Promise<number> => {
  const entry = await findInstance(cloud, uuidOrName);
  const { host, record } = entry;
  const [presences, downloads] = await Promise.all([
    readPresences(cloud, [host]),
    isFetching(record) ? readDownloads(cloud, [host]) : NO_DOWNLOADS,
  ]);
  const view = viewOf(entry, await findHostNames(cloud, presences, [host]), downloads);
  await output.one(view, instanceShape, () => renderInstance(view, output.isColorful));
  return EXIT_CODES.done;
};
