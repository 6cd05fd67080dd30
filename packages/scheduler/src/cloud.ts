import { cloudOf, servicesOf, type Cloud } from '@etcd-compute/cloud';
import type { Services } from '@etcd-compute/cloud/services';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import type { ScheduleConfig } from './config.js';

export interface OpenCloud {
  readonly cloud: Cloud;
  /** For what is no business of a cloud's users. */
  readonly services: Services;
}

/** Each client is loaded and opened when it is first needed. */
export const openCloud = ({ etcd, placement, user, project }: ScheduleConfig): OpenCloud => {
  const services = servicesOf({
    keys: createKeys(etcd.prefix),
    store: async () => (await import('@etcd-compute/common/etcd/store')).openStore(etcd),
    capacity: async () =>
      (await import('@etcd-compute/common/capacity/placement-capacity')).openPlacementCapacity(placement),
    user,
    project,
    patienceMs: 2 * etcd.timeout * 1000,
  });
  return { cloud: cloudOf(services), services };
};
