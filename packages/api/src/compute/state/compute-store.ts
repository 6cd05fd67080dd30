import type { Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import type { Draft as RecordDraft } from '../../state/draft.js';
import { RecordIndex } from '../../state/record-index.js';
import { openRecordStore, type RecordStore } from '../../state/record-store.js';
import type { View as RecordView } from '../../state/view.js';
import { COMPUTE_KINDS, type Records } from './entities.js';

/** Compute's records in etcd, and a copy of them here. */
export type ComputeStore = RecordStore<Records>;
export type View = RecordView<Records>;
export type Draft = RecordDraft<Records>;

export interface ComputeStoreOptions {
  /** Stays its owner's to close. */
  readonly etcd: Store;
  /** Of compute's keys; ends with a slash. Records stand in `state/` below it. */
  readonly prefix: string;
  readonly log: Logger;
}

/** @throws what etcd says, when the first copy cannot be made. */
export const openComputeStore = async ({ etcd, prefix, log }: ComputeStoreOptions): Promise<ComputeStore> =>
  openRecordStore<Records, RecordIndex<Records>>({
    kinds: COMPUTE_KINDS,
    createIndex: (onUnreadable) => new RecordIndex(COMPUTE_KINDS, onUnreadable),
    etcd,
    prefix: `${prefix}state/`,
    log,
  });
