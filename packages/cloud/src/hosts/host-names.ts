import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
import type { Presences } from './presences.js';

/** What people call a host; null when nobody knows. */
export type HostNames = (host: ProviderUuid) => string | null;

/** The names that the agents gave, or else those of the resource providers. */
export const namesOf =
  (presences: Presences, providers: ProviderNames = new Map()): HostNames =>
  (host) =>
    presences.get(host)?.hostname ?? providers.get(host) ?? null;

type ProviderNames = ReadonlyMap<string, string>;

/**
 * The names that the agents gave, and for hosts whose agent is away the names of their resource providers. A name is not worth
 * failing for: without Placement these hosts have none.
 */
export const findHostNames = async (
  services: Services,
  presences: Presences,
  hosts: readonly ProviderUuid[],
): Promise<HostNames> => {
  const unnamed = new Set(hosts.filter((host) => !presences.has(host)));
  if (unnamed.size === 0) return namesOf(presences);
  return namesOf(presences, await readProviderNames(services));
};

const readProviderNames = async (services: Services): Promise<ProviderNames> => {
  try {
    const providers = await (await services.capacity()).hosts();
    return new Map(providers.map(({ uuid, name }) => [uuid, name]));
  } catch (err) {
    if (err instanceof EcomputeError) return new Map();
    throw err;
  }
};

/** Views with the names of hosts whose agents are down, too: those of their resource providers. */
export const nameHosts = async <V extends { readonly host: string; readonly hostName: string | null }>(
  services: Services,
  views: readonly V[],
): Promise<readonly V[]> => {
  if (views.every(({ hostName }) => hostName !== null)) return views;
  const names = await readProviderNames(services);
  // Most have theirs: copies of fifty thousand would take as much memory again.
  return views.map((view) => (view.hostName === null ? { ...view, hostName: names.get(view.host) ?? null } : view));
};
