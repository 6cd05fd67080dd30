import { createKeys, type Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { PlacementClient } from '@etcd-compute/common/placement/client';
import type { ScheduleConfig } from './config.js';

/**
 * The two services that a command talks to. Each client is loaded and opened when it is first asked for: a command that
 * needs only one does not pay for the other, and the one that is asked first can wait for its reply while the other loads.
 */
export interface Cloud {
  readonly config: ScheduleConfig;
  readonly keys: Keys;
  readonly store: () => Promise<Store>;
  readonly placement: () => Promise<PlacementClient>;
}

export const openCloud = (config: ScheduleConfig): Cloud => {
  let store: Promise<Store> | undefined;
  let placement: Promise<PlacementClient> | undefined;
  return {
    config,
    keys: createKeys(config.etcd.prefix),
    store: () => (store ??= import('@etcd-compute/common/etcd/store').then(({ openStore }) => openStore(config.etcd))),
    placement: () =>
      (placement ??= import('@etcd-compute/common/placement/client').then(({ openPlacement }) =>
        openPlacement(config.placement),
      )),
  };
};
