import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { ImageReport } from '@etcd-compute/common/etcd/messages/image-report';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';
import type { Fence } from '../../session/fence.js';
import { publishSnapshots } from '../snapshots/publish.js';
import type { ImageCache } from '../cache/cache.js';

export interface ImageReportDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly session: SessionUuid;
  /** An agent that was replaced says nothing any more. */
  readonly fence: Pick<Fence, 'guard'>;
  readonly images: ImageCache;
  readonly countDisks: () => Promise<ReadonlyMap<string, number>>;
}

/** Puts into etcd what the cache holds, for `eschedule image list`. Repeatable; writes only what differs. */
export const publishImages = async (deps: ImageReportDeps): Promise<void> => {
  const { store, keys, host, session, fence, images, countDisks } = deps;
  await publishSnapshots({ ...deps, snapshots: images.snapshots });
  const disks = await countDisks();
  const report: ImageReport = {
    version: 1,
    host,
    session,
    images: (await images.list()).map(({ sha256, bytes, urls }) => ({
      sha256,
      bytes,
      urls: [...urls],
      disks: disks.get(sha256) ?? 0,
    })),
  };
  const key = keys.imageReport(host);
  const entry = await store.get(key);
  const value = JSON.stringify(report);
  if (entry?.value === value) return;
  await store.txn([{ key, modRevision: entry?.modRevision ?? '0' }, fence.guard], [{ op: 'put', key, value }]);
};
