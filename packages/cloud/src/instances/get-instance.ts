import { findHostNames } from '../hosts/host-names.js';
import { readPresences } from '../hosts/presences.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { isFetching, NO_DOWNLOADS, readDownloads } from './downloads.js';
import { findInstance } from './find-instance.js';
import { viewOf, type InstanceView } from './view.js';

/** One instance in full. @throws EcomputeError ECOMPUTE_INSTANCE_UNKNOWN, or ECOMPUTE_INSTANCE_AMBIGUOUS with the uuids. */
export const getInstance = async (
  services: Services,
  uuidOrName: string,
  options: RunOptions = {},
): Promise<InstanceView> =>
  run(options, async () => {
    const entry = await findInstance(services, uuidOrName);
    const { host, record } = entry;
    const [presences, downloads] = await Promise.all([
      readPresences(services, [host]),
      isFetching(record) ? readDownloads(services, [host]) : NO_DOWNLOADS,
    ]);
    return viewOf(entry, await findHostNames(services, presences, [host]), downloads);
  });
