import type { Capacity, HostOffer, Resources } from '@etcd-compute/common/capacity/capacity';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { AgentConfig } from '../config/config.js';
import type { OwnProvider, Sighting } from './own-provider.js';
import type { HostResources } from './probe.js';

export interface ReportOptions {
  readonly capacity: Capacity;
  readonly host: ProviderUuid;
  readonly config: Pick<AgentConfig, 'name' | 'inventory' | 'traits' | 'aggregates'>;
  readonly resources: HostResources;
  /** What cached images take of the disk. */
  readonly imagesGiB: number;
  /** What guests use that nobody counts. */
  readonly forgotten: Resources;
  /** The original's lock: all VCPU are reserved, so that nothing new is placed here. */
  readonly isLocked: boolean;
  readonly log: Logger;
}

/** A full disk stops all guests on it, and the host: its own files grow too. In whole GiB; nothing of a tiny disk. */
const keptOfDisk = (totalGiB: number): number => Math.min(10, Math.floor(totalGiB / 10));

/** Placement's rule (1.26): `reserved` may be all of `total`, not more. */
export const renderInventories = ({
  config,
  resources,
  imagesGiB,
  forgotten,
  isLocked,
}: Pick<ReportOptions, 'config'> & OwnRoom): HostOffer['inventories'] =>
  Object.fromEntries(
    (['VCPU', 'MEMORY_MB', 'DISK_GB'] as const)
      .filter((resourceClass) => resources[resourceClass] > 0)
      .map((resourceClass) => {
        const total = resources[resourceClass];
        const { reserved = keptOfDisk(total), allocation_ratio } = config.inventory[resourceClass];
        const images = resourceClass === 'DISK_GB' ? imagesGiB : 0;
        const held = reserved + images + (forgotten[resourceClass] ?? 0);
        const isAllReserved = isLocked && resourceClass === 'VCPU';
        return [
          resourceClass,
          { total, reserved: isAllReserved ? total : Math.min(held, total), allocation_ratio, max_unit: total },
        ];
      }),
  );

/** What a host has at the moment, and whether it takes anything new. */
export type OwnRoom = Pick<ReportOptions, 'resources' | 'imagesGiB' | 'forgotten' | 'isLocked'>;

export interface InventoryReportDeps extends Omit<ReportOptions, keyof OwnRoom> {
  readonly provider: OwnProvider;
}

/** As `reportInventory`, but where neither this host nor its provider has changed since the last time, there is nothing to do. */
export const createInventoryReport = ({
  provider,
  ...deps
}: InventoryReportDeps): ((room: OwnRoom) => Promise<void>) => {
  let agreed: { readonly sighting: Sighting; readonly wanted: string } | undefined;
  return async (room) => {
    const options = { ...deps, ...room };
    const wanted = JSON.stringify(renderInventories(options));
    if (agreed?.wanted === wanted && provider.isUnchangedSince(agreed.sighting)) return;
    agreed = undefined;
    const sighting = provider.sighting();
    await reportInventory(options);
    agreed = sighting && { sighting, wanted };
  };
};

/** Makes known what this host has to offer. Repeatable. */
export const reportInventory = async (options: ReportOptions): Promise<void> => {
  const { capacity, host, config, isLocked, log } = options;
  const inventories = renderInventories(options);
  const { name, traits, aggregates } = config;
  if (await capacity.publish(host, { name, inventories, traits, aggregates }))
    log.info({ inventories, isLocked }, 'inventory written');
};
