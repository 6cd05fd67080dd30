import type { Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import { openRecordStore, type RecordStore } from '../../state/record-store.js';
import { IDENTITY_KINDS, type Records } from './entities.js';
import { IdentityIndex } from './identity-index.js';
import { createIdentityKeys, type IdentityKeys } from './keys.js';
import type { View } from './view.js';

/** Identity's records in etcd, and a copy of them here. */
export interface IdentityStore extends RecordStore<Records, View> {
  readonly keys: IdentityKeys;
}

export interface IdentityStoreOptions {
  /** Stays its owner's to close. */
  readonly etcd: Store;
  /** Of all keys; ends with a slash, and nothing else is below it. */
  readonly prefix: string;
  readonly log: Logger;
}

/** @throws what etcd says, when the first copy cannot be made. */
export const openIdentityStore = async ({ etcd, prefix, log }: IdentityStoreOptions): Promise<IdentityStore> => {
  const keys = createIdentityKeys(prefix);
  const store = await openRecordStore({
    kinds: IDENTITY_KINDS,
    createIndex: (onUnreadable) => new IdentityIndex(onUnreadable),
    etcd,
    prefix: keys.state,
    log,
  });
  return { ...store, keys };
};
