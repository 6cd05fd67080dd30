import { createKeys } from '@etcd-compute/common/etcd/keys';
import { COMPUTE_PATH } from '../compute/compute-service.js';
import type { Compute } from '../compute/compute.js';
import { openComputeStore, type ComputeStore } from '../compute/state/compute-store.js';
import type { Identity } from '../identity/identity.js';
import { publicUrlOf } from './config.js';
import type { OpenOptions } from './open-identity.js';

export const openComputeStateOf = async ({ config, etcd, log }: OpenOptions): Promise<ComputeStore> =>
  openComputeStore({ etcd, prefix: createKeys(config.etcd.prefix).compute, log });

export interface ComputeOptions {
  readonly config: OpenOptions['config'];
  readonly identity: Identity;
  /** Stays its owner's to close. */
  readonly store: ComputeStore;
}

export const createCompute = ({ config, identity, store }: ComputeOptions): Compute => ({
  store,
  now: Date.now,
  // There are no servers yet.
  membersOf: () => [],
  hosts: async () => [],
  usageOf: async () => ({ instances: 0, cores: 0, ram: 0 }),
  hasProject: (id) => identity.store.view().get('project', id) !== undefined,
  url: `${publicUrlOf(config)}${COMPUTE_PATH}/v2.1`,
});
