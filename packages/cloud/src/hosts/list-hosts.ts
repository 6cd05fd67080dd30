import pLimit from 'p-limit';
import {
  getInventories,
  getTraits,
  getUsages,
  listResourceProviders,
} from '@etcd-compute/common/placement/resource-providers';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { listPresences } from './presences.js';
import { viewOfHost, type HostView } from './view.js';

/** Placement is asked about this many hosts at a time. */
const PARALLEL = 8;

/** All hosts by name, with what is used on them. */
export const listHosts = async (services: Services, options: RunOptions = {}): Promise<HostView[]> =>
  run(options, async () => listAll(services));

const listAll = async (services: Services): Promise<HostView[]> => {
  const [placement, store] = await Promise.all([services.placement(), services.store()]);
  const [providers, presences, { entries: requests }] = await Promise.all([
    listResourceProviders(placement),
    listPresences(services),
    store.listKeys(services.keys.requests),
  ]);
  const counts = new Map<string, number>();
  for (const { key } of requests) {
    const host = services.keys.parseRequest(key)?.host;
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
  return shown.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
};
