import { EcomputeError } from '@etcd-compute/common/errors';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import type { IdentityStore } from '../identity/state/identity-store.js';
import { NETWORK_PATH } from '../network/network-service.js';
import type { Network } from '../network/network.js';
import type { HostNetworksStore } from '../network/state/host-networks.js';
import { createInstanceReader } from '../network/state/read-instances.js';
import { publicUrlOf } from './config.js';
import type { OpenOptions } from './open-identity.js';

interface Stores {
  readonly hosts: HostNetworksStore;
  readonly store: Pick<IdentityStore, 'view'>;
}

/** @param stores stay their owner's to close. */
export const createNetwork = (
  { config, etcd }: Pick<OpenOptions, 'config' | 'etcd'>,
  { hosts, store }: Stores,
): Network => ({
  hosts,
  instances: createInstanceReader(
    { store: etcd, keys: createKeys(config.etcd.prefix), capacity: noCapacity },
    hosts.hostName,
  ),
  projects: () =>
    store
      .view()
      .list('project')
      .map(({ id }) => id),
  url: `${publicUrlOf(config)}${NETWORK_PATH}/v2.0`,
});

/** What is read of instances takes none: hosts whose agents are down have no names here. */
const noCapacity = async (): Promise<never> => {
  throw new EcomputeError('ECOMPUTE_USAGE', 'this server has no part in placing');
};
