import { isPermissionDenied } from '@etcd-compute/common/etcd/errors';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store, Write } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';

export interface BootedDeps {
  readonly keys: Keys;
  /** `booted` of the config, where the etcd user may. */
  readonly writesBooted: boolean;
}

/** A record is written in one txn with `/booted`: without the right to one, nothing could be written of the other. */
export const mayWriteBooted = async (store: Store, keys: Keys, log: Logger): Promise<boolean> => {
  try {
    await store.get(keys.booted(newInstanceUuid()));
    return true;
  } catch (err) {
    if (!isPermissionDenied(err)) throw err;
    log.warn(
      'the etcd user may not write /booted/: the original’s eschedule finds no addresses here (booted: false says so)',
    );
    return false;
  }
};

/** What keeps `/booted/<instance>` true: the first address, or no key. Nothing where the config says so. */
export const bootedWrites = ({ keys, writesBooted }: BootedDeps, instance: InstanceUuid, address?: string): Write[] => {
  if (!writesBooted) return [];
  const key = keys.booted(instance);
  return [address === undefined ? { op: 'delete', key } : { op: 'put', key, value: address }];
};
