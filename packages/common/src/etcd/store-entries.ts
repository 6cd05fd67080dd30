import type { IKeyValue } from 'etcd3';

/** etcd takes 128 operations in a txn by default. */
export const MAX_OPERATIONS = 128;

export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly modRevision: string;
  readonly createRevision: string;
  /** `0` when the key is under no lease. */
  readonly lease: string;
}

/** A guard of a txn: `modRevision: '0'` means that the key does not exist. */
export interface Guard {
  readonly key: string;
  readonly modRevision: string;
}

export type Write =
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly lease?: string }
  | { readonly op: 'delete'; readonly key: string };

/** A key without its value. */
export type KeyRevision = Pick<Entry, 'key' | 'modRevision'>;

export const toEntry = (kv: IKeyValue): Entry => ({
  key: kv.key.toString(),
  value: kv.value.toString(),
  modRevision: kv.mod_revision,
  createRevision: kv.create_revision,
  lease: kv.lease,
});
