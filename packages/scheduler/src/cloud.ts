import { cloudOf, servicesOf, type Cloud } from '@etcd-compute/cloud';
import type { Services } from '@etcd-compute/cloud/services';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import type { ScheduleConfig } from './config.js';

export interface OpenCloud {
  readonly cloud: Cloud;
  /** For what is no business of a cloud's users. */
  readonly services: Services;
}

/** Each client is loaded and opened when it is first needed. */
export const openCloud = ({ etcd, placement, user, project }: ScheduleConfig): OpenCloud => {
  const keys = createKeys(etcd.prefix);
  const openCapacity = async (): Promise<Capacity> => {
    if (placement.backend === 'service')
      return (await import('@etcd-compute/common/capacity/placement-capacity')).openPlacementCapacity(placement);
    const { createEtcdCapacity } = await import('@etcd-compute/placement/capacity/etcd-capacity');
    return createEtcdCapacity({ store: await services.store(), keys });
  };
  const services = servicesOf({
    keys,
    store: async () => (await import('@etcd-compute/common/etcd/store')).openStore(etcd),
    capacity: openCapacity,
    user,
    project,
    patienceMs: 2 * etcd.timeout * 1000,
  });
  return { cloud: cloudOf(services), services };
};
