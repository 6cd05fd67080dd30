import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { createKeys, type Keys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { openPlacement, type PlacementClient } from '@etcd-compute/common/placement/client';
import { startEtcdCluster, type EtcdCluster } from '@etcd-compute/testing/etcd-cluster';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startImageServer, type ImageServer } from '@etcd-compute/testing/image-server';
import { startPlacement, type PlacementServer } from '@etcd-compute/testing/placement-server';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { openClientPath, type ClientPath } from './client-path.js';
import { startHost, type Host } from './host.js';
import { createResources } from '@etcd-compute/testing/resources';

/** Everything that a run is played on. The clients here go past all proxies: faults do not reach who judges. */
export interface Stage extends AsyncDisposable {
  readonly etcd: EtcdCluster;
  readonly placementServer: PlacementServer;
  readonly images: ImageServer;
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
  /** Makes an image of this name, with a content of its own. */
  readonly addImage: (name: string) => Promise<string>;
  /** Leaves the folder where it is. */
  readonly keepLogs: () => void;
}

export interface StageOptions {
  readonly agents: number;
  readonly members: number;
  readonly hasGuests: boolean;
  readonly signal: AbortSignal;
}

const CACHE = join(import.meta.dirname, '../../.cache');

export const openStage = async ({ agents, members, hasGuests, signal }: StageOptions): Promise<Stage> => {
  const resources = createResources();
  try {
    // A short name: sockets lie under it.
    const folder = resources.keep(await makeTempDir('chaos'));
    const dir = folder.path;
    await chmod(dir, 0o755);
    const etcd = resources.keep(await startEtcdCluster({ size: members, dir: join(dir, 'etcd') }));
    const placementServer = resources.keep(await startPlacement({ dir: join(dir, 'placement') }));
    const images = resources.keep(await startImageServer({}));
    const servers = { members: etcd.members, placement: placementServer };
    const hosts: Host[] = [];
    for (let index = 0; index < agents; index += 1) {
      const path = await openClientPath(resources, servers);
      hosts.push(await startHost(resources, { index, dir, path, hasGuests, imagePort: images.port, signal }));
    }
    const path = await openClientPath(resources, servers);
    const scheduleConfig = join(dir, 'schedule.yaml');
    await writeFile(scheduleConfig, JSON.stringify({ ...path.config, strategy: 'random' }));
    const hostsOfEtcd = etcd.members.map(({ endpoint }) => endpoint);
    const store = resources.keep(await openStore(etcdSection.parse({ hosts: hostsOfEtcd })));
    const placement = await openPlacement(placementSection.parse({ endpoint: placementServer.endpoint }));
    resources.defer(async () => placement.close());
    return {
      etcd,
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
      addImage: async (name) => addImage({ dir, images, hasGuests }, name),
      keepLogs: () => folder.keep(),
      [Symbol.asyncDispose]: async () => resources[Symbol.asyncDispose](),
    };
  } catch (err) {
    await resources[Symbol.asyncDispose]();
    throw err;
  }
};

/** With guests there is the one that boots; else the name fills a sector with a boot sector's mark. */
const addImage = async (
  { dir, images, hasGuests }: Pick<Stage, 'dir' | 'images' | 'hasGuests'>,
  name: string,
): Promise<string> => {
  if (hasGuests) {
    images.setFile(name, (await buildGuestImage(CACHE)).path);
    return images.url(name);
  }
  const path = join(dir, 'images', `${name}.raw`);
  await mkdir(join(dir, 'images'), { recursive: true });
  const content = Buffer.alloc(4096);
  content.write(name, 16);
  content.set([0x55, 0xaa], 510);
  await writeFile(path, content);
  images.setFile(name, path);
  return images.url(name);
};
