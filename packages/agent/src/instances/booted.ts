import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Write } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid } from '@etcd-compute/common/ids';

export interface BootedDeps {
  readonly keys: Keys;
  /** `booted` of the config. */
  readonly writesBooted: boolean;
}

/** What keeps `/booted/<instance>` true: the first address, or no key. Nothing where the config says so. */
export const bootedWrites = ({ keys, writesBooted }: BootedDeps, instance: InstanceUuid, address?: string): Write[] => {
  if (!writesBooted) return [];
  const key = keys.booted(instance);
  return [address === undefined ? { op: 'delete', key } : { op: 'put', key, value: address }];
};
