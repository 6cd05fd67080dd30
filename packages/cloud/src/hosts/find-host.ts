import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
import { listDrains, type StoredDrain } from './drains.js';
import { listPresences, type SeenAgent } from './presences.js';
import { resolveHost } from './resolve-host.js';

/** A host of ours: an agent of ours has been there. */
export interface FoundHost {
  readonly host: ProviderUuid;
  readonly name: string;
  readonly presence: SeenAgent | undefined;
  readonly stored: StoredDrain | undefined;
}

/** `compute-1 (c1a6523e-...)` */
export const describeHost = ({ name, host }: Pick<FoundHost, 'name' | 'host'>): string =>
  name === host ? host : `${name} (${host})`;

/**
 * A host of ours, up or down, by uuid or name.
 *
 * @throws EcomputeError ECOMPUTE_HOST_UNKNOWN also where Placement knows a host on which no agent of ours ever was.
 */
export const findHost = async (services: Services, uuidOrName: string): Promise<FoundHost> => {
  const { keys } = services;
  const [store, capacity] = await Promise.all([services.store(), services.capacity()]);
  const [presences, drains, { entries: sessions }, { entries: audits }, providers] = await Promise.all([
    listPresences(services),
    listDrains(services),
    store.listKeys(keys.sessions),
    store.listKeys(keys.audits),
    capacity.hosts(),
  ]);
  const providerNames = new Map(providers.map(({ uuid, name }) => [uuid, name]));
  const nameOf = (host: ProviderUuid): string | null =>
    presences.get(host)?.hostname ?? providerNames.get(host) ?? drains.get(host)?.drain.name ?? null;
  const ours = new Set([
    ...presences.keys(),
    ...drains.keys(),
    ...sessions.flatMap(({ key }) => keys.parseSession(key) ?? []),
    ...audits.flatMap(({ key }) => keys.parseAudit(key) ?? []),
  ]);
  const host = resolveHost(uuidOrName, new Set([...ours, ...providerNames.keys()]), nameOf);
  if (!ours.has(host))
    throw new EcomputeError(
      'ECOMPUTE_HOST_UNKNOWN',
      `'${uuidOrName}' is in Placement, and no agent of ours was ever there`,
      { details: { host }, hint: 'look at it with: openstack resource provider show' },
    );
  return { host, name: nameOf(host) ?? host, presence: presences.get(host), stored: drains.get(host) };
};
