import pLimit from 'p-limit';
import {
  getInventories,
  getTraits,
  getUsages,
  listResourceProviders,
} from '@etcd-compute/common/placement/resource-providers';
import { EXIT_CODES } from '../exit-code.js';
import { listPresences } from '../hosts/presences.js';
import { viewOfHost, type HostView } from '../hosts/view.js';
import { hostShape } from '../output/host-shape.js';
import type { CommandContext } from './context.js';

/** Placement is asked about this many hosts at a time. */
const PARALLEL = 8;

export const hosts = async ({ cloud, output }: CommandContext): Promise<number> => {
  const placement = await cloud.placement();
  const store = await cloud.store();
  const [providers, presences, { entries: requests }] = await Promise.all([
    listResourceProviders(placement),
    listPresences(cloud),
    store.listKeys(cloud.keys.requests),
  ]);
  const counts = new Map<string, number>();
  for (const { key } of requests) {
    const host = cloud.keys.parseRequest(key)?.host;
    if (host !== undefined) counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  const bounded = pLimit(PARALLEL);
  const views = await Promise.all(
    providers.map((provider) =>
      bounded(async (): Promise<HostView> => {
        const { uuid } = provider;
        const [{ inventories }, usages, { traits }] = await Promise.all([
          getInventories(placement, uuid),
          getUsages(placement, uuid),
          getTraits(placement, uuid),
        ]);
        const facts = { inventories, usages, traits };
        const instances = counts.get(uuid) ?? 0;
        return viewOfHost({ provider, facts, presence: presences.get(uuid), instances });
      }),
    ),
  );
  // What has no VCPU is a provider of something else, such as a shared disk.
  const shown = views.filter(({ resources }) => 'VCPU' in resources);
  const byName = shown.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  await output.list(byName, hostShape);
  return EXIT_CODES.done;
};
