import { etcdSection, type EtcdSection } from '@etcd-compute/common/config/sections';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { silentLogger } from '@etcd-compute/common/log';
import { createEtcdCapacity } from '@etcd-compute/placement/capacity/etcd-capacity';
import { openEtcdStore, type EtcdPlacementStore } from '@etcd-compute/placement/store/etcd-store';
import { startEplacement } from '@etcd-compute/testing/eplacement';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { startPlacement, type PlacementServer } from '@etcd-compute/testing/placement-server';
import { createResources } from '@etcd-compute/testing/resources';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { byHttp, byLibrary, type Contestant } from './contestants.js';

/** The servers, each with nothing in it yet. */
export interface PlacementStage extends AsyncDisposable {
  readonly dir: string;
  readonly etcd: EtcdServer;
  /** A client of that etcd. */
  readonly store: Store;
  /** Our Placement's content, beside the server. */
  readonly content: EtcdPlacementStore;
  readonly eplacement: PlacementServer;
  readonly openstack: PlacementServer;
  readonly contestants: { readonly ours: Contestant; readonly library: Contestant; readonly openstack: Contestant };
}

export const openPlacementStage = async (): Promise<PlacementStage> => {
  const resources = createResources();
  const { keep } = resources;
  try {
    const { path: dir } = keep(await makeTempDir('bench-placement'));
    const etcd = keep(await startEtcd());
    const store = keep(await openStore(sectionOf(etcd)));
    const keys = createKeys('');
    const content = keep(await openContent(etcd, ''));
    const eplacement = keep(await startEplacement({ etcd }));
    const openstack = keep(await startPlacement());
    const contestants = {
      ours: byHttp('ours', eplacement, etcd),
      library: byLibrary('the library', createEtcdCapacity({ store, keys }), etcd),
      openstack: byHttp('OpenStack', openstack),
    };
    for (const { close } of Object.values(contestants)) resources.defer(async () => close());
    return {
      dir,
      etcd,
      store,
      content,
      eplacement,
      openstack,
      contestants,
      [Symbol.asyncDispose]: async () => resources[Symbol.asyncDispose](),
    };
  } catch (err) {
    await resources[Symbol.asyncDispose]();
    throw err;
  }
};

const sectionOf = ({ host, port }: EtcdServer): EtcdSection => etcdSection.parse({ host, port, timeout: 60 });

/** What a server serves whose `etcd.prefix` is this, beside it. */
export const openContent = async (etcd: EtcdServer, prefix: string): Promise<EtcdPlacementStore> => {
  const store = await openStore(sectionOf(etcd));
  const content = await openEtcdStore({
    store,
    prefix: createKeys(prefix).placement,
    log: silentLogger(),
    deadlineMs: 60_000,
  });
  return {
    ...content,
    [Symbol.asyncDispose]: async () => {
      await content[Symbol.asyncDispose]();
      await store.close();
    },
  };
};
