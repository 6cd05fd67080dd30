import { randomUUID } from 'node:crypto';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore } from '@etcd-compute/common/etcd/store';
import { silentLogger } from '@etcd-compute/common/log';
import { openEtcdStore } from '../store/etcd-store.js';
import type { PlacementStore } from '../store/placement-store.js';

/** An empty store in an etcd that others may be using too: it has a prefix of its own, which is left behind. */
export const openSuiteStore = async (etcd: string): Promise<PlacementStore> =>
  openEtcdStore({
    store: await openStore(etcdSection.parse({ hosts: [etcd] })),
    prefix: `/placement-suite/${randomUUID()}/`,
    log: silentLogger(),
  });
