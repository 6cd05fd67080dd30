import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { createKeys, type Keys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { openPlacement, type PlacementClient } from '@etcd-compute/common/placement/client';
import { bringPorts } from '@etcd-compute/testing/bring-ports';
import { startEcompute, type Ecompute } from '@etcd-compute/testing/ecompute';
import { startEplacement } from '@etcd-compute/testing/eplacement';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startImageServer } from '@etcd-compute/testing/image-server';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { createResources } from '@etcd-compute/testing/resources';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';

/** One host with all its servers, for a benchmark: etcd, Placement, a libvirtd of its own, an image server and an agent. */
export interface Stage extends AsyncDisposable {
  readonly store: Store;
  readonly keys: Keys;
  readonly placement: PlacementClient;
  readonly libvirtd: LibvirtDaemon;
  readonly agent: Ecompute;
  readonly imageUrl: string;
  readonly imagePath: string;
  /** A folder that guests can read. */
  readonly dir: string;
  /** A `schedule.yaml` for `eschedule`. */
  readonly schedule: { etcd: { host: string; port: number }; placement: { endpoint: string } };
}

const CACHE = join(import.meta.dirname, '../../.cache');

export interface StageOptions {
  /** Builds at a time, and libvirt calls in flight. */
  readonly parallel: number;
  /** Of the guests' network; the agent's default when left out. */
  readonly cidr?: string;
  /** What goes before the agent's command line, such as `env` with variables. */
  readonly agentWrapper?: readonly string[];
  /** Who counts room. Default: OpenStack's Placement. `etcd`: the agent itself; the stage has Placement's API on that. */
  readonly counting?: 'service' | 'etcd';
}

export const openStage = async ({
  parallel,
  cidr,
  agentWrapper = [],
  counting = 'service',
}: StageOptions): Promise<Stage> => {
  const resources = createResources();
  const { keep } = resources;
  try {
    const { path: dir } = keep(await makeTempDir('bench'));
    const agentDir = join(dir, 'agent');
    // Guests run as another user, who must reach their disks.
    await chmod(dir, 0o755);
    await mkdir(agentDir);
    const image = await buildGuestImage(CACHE);
    const etcd = keep(await startEtcd());
    const placementServer = keep(await (counting === 'etcd' ? startEplacement({ etcd }) : startPlacement()));
    const libvirtd = keep(await startLibvirtd({ dir: join(dir, 'v') }));
    const images = keep(await startImageServer({ 'tiny.img': image.path }));
    const schedule = { etcd: { host: etcd.host, port: etcd.port }, placement: { endpoint: placementServer.endpoint } };
    // The agent is where libvirt's bridges are, as it is on a host.
    const ports = [etcd.port, Number(new URL(placementServer.endpoint).port), images.port];
    const { wrapper } = keep(await bringPorts(ports, libvirtd));
    const agent = keep(
      await startEcompute({
        placement: placementServer,
        etcd,
        wrapper: [...wrapper, ...agentWrapper],
        dir: agentDir,
        config: {
          name: 'bench',
          libvirt: { uri: libvirtd.uri, threads: parallel },
          builds: { parallel },
          ...(cidr !== undefined && { network: { cidr } }),
          inventory: { VCPU: { allocation_ratio: 500 } },
          log: { level: 'info', format: 'json' },
        },
      }),
    );
    const store = keep(await openStore(etcdSection.parse(schedule.etcd)));
    const placement = await openPlacement(placementSection.parse(schedule.placement));
    resources.defer(async () => placement.close());
    return {
      store,
      keys: createKeys(''),
      placement,
      libvirtd,
      agent,
      dir,
      schedule,
      imageUrl: images.url('tiny.img'),
      imagePath: image.path,
      [Symbol.asyncDispose]: async () => resources[Symbol.asyncDispose](),
    };
  } catch (err) {
    await resources[Symbol.asyncDispose]();
    throw err;
  }
};
