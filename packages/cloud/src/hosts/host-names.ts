import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
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
  services: Services,
  presences: Presences,
  hosts: readonly ProviderUuid[],
): Promise<HostNames> => {
  const unnamed = new Set(hosts.filter((host) => !presences.has(host)));
  if (unnamed.size === 0) return namesOf(presences);
  const providers = await listProviders(services);
  const names = new Map(providers.map(({ uuid, name }) => [uuid, name]));
  return (host) => presences.get(host)?.hostname ?? names.get(host) ?? null;
};

const listProviders = async (services: Services): Promise<readonly { uuid: ProviderUuid; name: string }[]> => {
  try {
    return await (await services.capacity()).hosts();
  } catch (err) {
    if (err instanceof EcomputeError) return [];
    throw err;
  }
};

/** Views with the names of hosts whose agents are down, too: those of their resource providers. */
export const nameHosts = async <V extends { readonly host: string; readonly hostName: string | null }>(
  services: Services,
  views: readonly V[],
): Promise<readonly V[]> => {
  if (views.every(({ hostName }) => hostName !== null)) return views;
  const names = new Map<string, string>((await listProviders(services)).map(({ uuid, name }) => [uuid, name]));
  // Most have theirs: copies of fifty thousand would take as much memory again.
  return views.map((view) => (view.hostName === null ? { ...view, hostName: names.get(view.host) ?? null } : view));
};
