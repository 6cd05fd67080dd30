import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Cloud } from '../cloud.js';
import type { Presences } from './presences.js';

/** What people call a host; null when nobody knows. */
export type HostNames = (host: ProviderUuid) => string | null;

export const namesOf =
  (presences: Presences): HostNames =>
  (host) =>
    presences.get(host)?.hostname ?? null;

/**
 * The names that the agents gave, and for hosts whose agent is away the names of their resource providers. A name is not worth
 * failing for: without Placement these hosts have none.
 */
export const findHostNames = async (
  cloud: Cloud,
  presences: Presences,
  hosts: readonly ProviderUuid[],
): Promise<HostNames> => {
  const unnamed = new Set(hosts.filter((host) => !presences.has(host)));
  if (unnamed.size === 0) return namesOf(presences);
  const providers = await listProviders(cloud);
  const names = new Map(providers.map(({ uuid, name }) => [uuid, name]));
  return (host) => presences.get(host)?.hostname ?? names.get(host) ?? null;
};

const listProviders = async (cloud: Cloud): Promise<readonly { uuid: ProviderUuid; name: string }[]> => {
  const { listResourceProviders } = await import('@etcd-compute/common/placement/resource-providers');
  try {
    return await listResourceProviders(await cloud.placement());
  } catch (err) {
    if (err instanceof EcomputeError) return [];
    throw err;
  }
};
