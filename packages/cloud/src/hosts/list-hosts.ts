import pLimit from 'p-limit';
import { compareNames } from '../compare-names.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { listDrains } from './drains.js';
import { listPresences } from './presences.js';
import { viewOfHost, type HostView } from './view.js';

/** So many hosts are asked about at a time. */
const PARALLEL = 8;

/** All hosts by name, with what is used on them. */
export const listHosts = async (services: Services, options: RunOptions = {}): Promise<HostView[]> =>
  run(options, async () => listAll(services));

const listAll = async (services: Services): Promise<HostView[]> => {
  const [capacity, store] = await Promise.all([services.capacity(), services.store()]);
  const [providers, presences, drains, { entries: requests }] = await Promise.all([
    capacity.hosts(),
    listPresences(services),
    listDrains(services),
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
        const facts = await capacity.describeHost(uuid);
        const instances = counts.get(uuid) ?? 0;
        const drain = drains.get(uuid)?.drain;
        return viewOfHost({ provider, facts, presence: presences.get(uuid), drain, instances });
      }),
    ),
  );
  // What has no VCPU is a provider of something else, such as a shared disk.
  const shown = views.filter(({ resources }) => 'VCPU' in resources);
  return shown.toSorted((a, b) => compareNames(a.name, b.name));
};
