import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import { openPlacementCapacity } from '@etcd-compute/common/capacity/placement-capacity';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { createKeys, type Keys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { newProviderUuid } from '@etcd-compute/common/ids';
import { createEtcdCapacity } from '@etcd-compute/placement/capacity/etcd-capacity';
import { startEtcdCluster, type EtcdCluster } from '@etcd-compute/testing/etcd-cluster';
import { startPlacement, type PlacementServer } from '@etcd-compute/testing/placement-server';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { openEapi, type Eapi } from './api/eapis.js';
import { openClientPath, type ClientPath } from './client-path.js';
import { makeEtcdUsers, NO_USERS, type EtcdUsers } from './etcd-users.js';
import { startHost, type Host } from './host.js';
import { openImages, type Images } from './images.js';
import { createResources } from '@etcd-compute/testing/resources';

/** Everything that a run is played on. The clients here go past all proxies: faults do not reach who judges. */
export interface Stage extends AsyncDisposable {
  readonly etcd: EtcdCluster;
  readonly etcdUsers: EtcdUsers;
  /** Undefined where etcd counts room. */
  readonly placementServer: PlacementServer | undefined;
  readonly images: Images;
  readonly hosts: readonly Host[];
  readonly eapis: readonly Eapi[];
  /** The way of all `eschedule`s. */
  readonly path: ClientPath;
  readonly scheduleConfig: string;
  readonly store: Store;
  readonly capacity: Capacity;
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
  /** Who counts room. */
  readonly placement: 'service' | 'etcd';
  /** How many there are. */
  readonly eapis: number;
  /** Whether all have one folder of images, or each its own. */
  readonly isFolderShared: boolean;
  readonly signal: AbortSignal;
}

export const openStage = async (options: StageOptions): Promise<Stage> => {
  const { agents, members, hasGuests, hasRoles, signal } = options;
  const resources = createResources();
  try {
    // A short name: sockets lie under it.
    const folder = resources.keep(await makeTempDir('chaos'));
    const dir = folder.path;
    await chmod(dir, 0o755);
    const etcd = resources.keep(await startEtcdCluster({ size: members, dir: join(dir, 'etcd') }));
    const placementServer =
      options.placement === 'service'
        ? resources.keep(await startPlacement({ dir: join(dir, 'placement') }))
        : undefined;
    const images = resources.keep(await openImages({ dir: join(dir, 'images'), hasGuests }));
    const servers = { members: etcd.members, placement: placementServer };
    const hosts: Host[] = [];
    const uuids = Array.from({ length: agents }, newProviderUuid);
    const section = placementServer?.section ?? 'etcd';
    const etcdUsers = hasRoles ? await makeEtcdUsers(etcd, { dir, placement: section, hosts: uuids }) : NO_USERS;
    for (const [index, uuid] of uuids.entries()) {
      const path = await openClientPath(resources, servers);
      const options = { index, uuid, dir, path, etcdUsers, hasGuests, imagePort: images.port, signal };
      hosts.push(await startHost(resources, options));
    }
    const eapis: Eapi[] = [];
    for (let index = 0; index < options.eapis; index += 1)
      eapis.push(
        await openEapi(resources, {
          index,
          dir,
          path: await openClientPath(resources, servers),
          etcdUsers,
          imagesDir: join(dir, options.isFolderShared ? 'contents' : `contents${index}`),
        }),
      );
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
    const keys = createKeys('');
    const capacity = placementServer
      ? await openPlacementCapacity(placementSection.parse(section))
      : createEtcdCapacity({ store, keys });
    resources.defer(async () => capacity.close());
    return {
      etcd,
      etcdUsers,
      placementServer,
      images,
      hosts,
      eapis,
      path,
      scheduleConfig,
      store,
      capacity,
      keys,
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
