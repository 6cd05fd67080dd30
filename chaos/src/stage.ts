import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { createKeys, type Keys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { newProviderUuid } from '@etcd-compute/common/ids';
import { openPlacement, type PlacementClient } from '@etcd-compute/common/placement/client';
import { startEtcdCluster, type EtcdCluster } from '@etcd-compute/testing/etcd-cluster';
import { startPlacement, type PlacementServer } from '@etcd-compute/testing/placement-server';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { openClientPath, type ClientPath } from './client-path.js';
import { makeEtcdUsers, NO_USERS, type EtcdUsers } from './etcd-users.js';
import { startHost, type Host } from './host.js';
import { openImages, type Images } from './images.js';
import { createResources } from '@etcd-compute/testing/resources';

/** Everything that a run is played on. The clients here go past all proxies: faults do not reach who judges. */
export interface Stage extends AsyncDisposable {
  readonly etcd: EtcdCluster;
  readonly etcdUsers: EtcdUsers;
  readonly placementServer: PlacementServer;
  readonly images: Images;
  readonly hosts: readonly Host[];
  /** The way of all `eschedule`s. */
  readonly path: ClientPath;
  readonly scheduleConfig: string;
  readonly store: Store;
  readonly placement: PlacementClient;
  readonly keys: Keys;
  readonly hasGuests: boolean;
  /** Holds all state and all logs. */
  readonly dir: string;
  /** Leaves the folder where it is. */
  readonly keepLogs: () => void;
}

export interface StageOptions {
  readonly agents: number;
  readonly members: number;
  readonly hasGuests: boolean;
  /** Whether etcd asks who somebody is. */
  readonly hasRoles: boolean;
  readonly signal: AbortSignal;
}

export const openStage = async ({ agents, members, hasGuests, hasRoles, signal }: StageOptions): Promise<Stage> => {
  const resources = createResources();
  try {
    // A short name: sockets lie under it.
    const folder = resources.keep(await makeTempDir('chaos'));
    const dir = folder.path;
    await chmod(dir, 0o755);
    const etcd = resources.keep(await startEtcdCluster({ size: members, dir: join(dir, 'etcd') }));
    const placementServer = resources.keep(await startPlacement({ dir: join(dir, 'placement') }));
    const images = resources.keep(await openImages({ dir: join(dir, 'images'), hasGuests }));
    const servers = { members: etcd.members, placement: placementServer };
    const hosts: Host[] = [];
    const uuids = Array.from({ length: agents }, newProviderUuid);
    const { endpoint } = placementServer;
    const etcdUsers = hasRoles ? await makeEtcdUsers(etcd, { dir, placement: { endpoint }, hosts: uuids }) : NO_USERS;
    for (const [index, uuid] of uuids.entries()) {
      const path = await openClientPath(resources, servers);
      const options = { index, uuid, dir, path, etcdUsers, hasGuests, imagePort: images.port, signal };
      hosts.push(await startHost(resources, options));
    }
    const path = await openClientPath(resources, servers);
    const scheduleConfig = join(dir, 'schedule.yaml');
    await writeFile(
      scheduleConfig,
      JSON.stringify({
        ...path.config,
        etcd: { ...path.config.etcd, ...etcdUsers.sectionOf('eschedule') },
        strategy: 'random',
      }),
    );
    const hostsOfEtcd = etcd.members.map(({ endpoint }) => endpoint);
    const store = resources.keep(
      await openStore(etcdSection.parse({ hosts: hostsOfEtcd, ...etcdUsers.sectionOf('root') })),
    );
    const placement = await openPlacement(placementSection.parse({ endpoint }));
    resources.defer(async () => placement.close());
    return {
      etcd,
      etcdUsers,
      placementServer,
      images,
      hosts,
      path,
      scheduleConfig,
      store,
      placement,
      keys: createKeys(''),
      hasGuests,
      dir,
      keepLogs: () => folder.keep(),
      [Symbol.asyncDispose]: async () => resources[Symbol.asyncDispose](),
    };
  } catch (err) {
    await resources[Symbol.asyncDispose]();
    throw err;
  }
};
