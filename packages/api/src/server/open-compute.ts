import { listHosts } from '@etcd-compute/cloud/hosts/list-hosts';
import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { COMPUTE_PATH } from '../compute/compute-service.js';
import type { Compute } from '../compute/compute.js';
import { openComputeStore, type ComputeStore } from '../compute/state/compute-store.js';
import { readUsage } from '../compute/servers/engine/usage.js';
import type { Servers } from '../compute/servers/servers.js';
import type { Images } from '../image/images.js';
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
  readonly servers: Servers;
  readonly images: Images;
}

export const createCompute = ({ config, identity, store, servers, images }: ComputeOptions): Compute => ({
  store,
  now: Date.now,
  servers,
  images,
  membersOf: (id) =>
    [...servers.store.all()]
      .filter(({ group, deleted_at }) => group === id && deleted_at === null)
      .map((one) => one.id),
  hosts: async () => listHosts(servers.servicesFor({ project: DEFAULT_PROJECT, user: 'eapi' })),
  usageOf: async (project) => readUsage(servers.store, project),
  hasProject: (id) => identity.store.view().get('project', id) !== undefined,
  url: `${publicUrlOf(config)}${COMPUTE_PATH}/v2.1`,
});
