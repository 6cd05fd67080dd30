import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import type { Store, Write } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Fence } from '../../session/fence.js';
import type { SnapshotFiles } from './snapshot-files.js';

export interface PublishDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly fence: Pick<Fence, 'guard'>;
  readonly snapshots: Pick<SnapshotFiles, 'list'>;
}

export const snapshotWrite = (keys: Keys, snapshot: Snapshot): Write & { op: 'put' } => ({
  op: 'put',
  key: keys.imageSnapshot(snapshot.host, snapshot),
  value: JSON.stringify(snapshot),
});

/** Makes etcd say what the files say, also after etcd was restored from a backup. Repeatable; writes only what differs. */
export const publishSnapshots = async ({ store, keys, host, fence, snapshots }: PublishDeps): Promise<void> => {
  const { entries } = await store.list(keys.imageSnapshotsOf(host));
  const held = new Map(snapshots.list().map((snapshot) => [keys.imageSnapshot(host, snapshot), snapshot]));
  const told = new Map(entries.map((entry) => [entry.key, entry]));
  const writes: Write[] = [
    ...entries.flatMap(({ key }): Write[] => (held.has(key) ? [] : [{ op: 'delete', key }])),
    ...[...held].flatMap(([key, snapshot]) => {
      const write = snapshotWrite(keys, snapshot);
      return told.get(key)?.value === write.value ? [] : [write];
    }),
  ];
  for (const write of writes) {
    const modRevision = told.get(write.key)?.modRevision ?? '0';
    await store.txn([{ key: write.key, modRevision }, fence.guard], [write]);
  }
};
