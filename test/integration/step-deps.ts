import { join } from 'node:path';
import { createAddressWatch, type AddressWatch } from '@etcd-compute/agent/addresses/address-watch';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { ensureDiskPool } from '@etcd-compute/agent/disks/disk-pool';
import { ensureConfigDrivesDir } from '@etcd-compute/agent/guest-config/config-drives';
import { ensureFolder } from '@etcd-compute/agent/known-servers/identity';
import { ImageCache } from '@etcd-compute/agent/images/cache/cache';
import type { StepDeps } from '@etcd-compute/agent/steps/step';
import type { Lend } from '@etcd-compute/agent/libvirt/link';
import { createGuestFilter } from '@etcd-compute/agent/networks/guest-filter';
import { createGuestNetwork } from '@etcd-compute/agent/networks/guest-network';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { World } from './agent-world.js';

/** The parts of an agent, inside the test, with a hypervisor that the test shares. */

/** Makes the host known to Placement, with room for all that a test boots. */
export const addRoomyHost = async (world: World, host: ProviderUuid): Promise<void> => {
  await world.request('POST', '/resource_providers', { uuid: host, name: host });
  await world.request('PUT', `/resource_providers/${host}/inventories`, {
    inventories: { VCPU: { total: 1000 }, MEMORY_MB: { total: 1_000_000 }, DISK_GB: { total: 10_000 } },
    resource_provider_generation: 0,
  });
};

export interface StepDepsOptions {
  readonly host: ProviderUuid;
  readonly cidr: string;
  readonly connection: Connection;
  /** What the steps see in place of the connection. */
  readonly seen?: Connection;
}

/** What the steps of an agent share; its files are in the world's folder. */
export const openStepDeps = async (
  world: World,
  { host, cidr, connection, seen = connection }: StepDepsOptions,
): Promise<StepDeps> => {
  const stateDir = join(world.dir.path, 'state');
  const config = agentConfigSchema.parse({
    uuid: host,
    state_dir: stateDir,
    network: { cidr },
    images: { allow_private: ['127.0.0.0/8'] },
  });
  const log = silentLogger();
  const network = createGuestNetwork({ config: config.network, log });
  const pool = { name: 'ecompute', folder: join(stateDir, 'disks') };
  await ensureDiskPool(connection, pool);
  await network.open(connection);
  return {
    config,
    getConnection: () => seen,
    lend: lendAlways(seen),
    images: await ImageCache.open(join(stateDir, 'images'), { settings: config.images, stallMs: 10_000, log }),
    pool,
    network,
    // The test driver has no ports.
    filter: createGuestFilter({ config, getConnection: () => seen, log, signal: new AbortController().signal }),
    mark: { host, stateDir },
    consolesDir: await ensureFolder(join(stateDir, 'consoles')),
    configDrivesDir: await ensureConfigDrivesDir(stateDir),
    virtType: 'test',
    isStarting: () => false,
  };
};

/** One connection for all: in this process, calls do not wait for each other. */
const lendAlways =
  (connection: Connection): Lend =>
  async (_purpose, use) =>
    use(connection);

/** Looks when it is asked, and wakes nobody. */
export const openAddressWatch = ({ getConnection, lend }: Pick<StepDeps, 'getConnection' | 'lend'>): AddressWatch =>
  createAddressWatch({
    getConnection,
    lend,
    networkName: 'ecompute',
    leaseSeconds: null,
    deadlineMs: 60_000,
    periodMs: 60_000,
    wake: () => undefined,
    log: silentLogger(),
    signal: new AbortController().signal,
  });
