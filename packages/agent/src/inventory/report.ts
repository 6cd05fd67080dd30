import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { PlacementClient } from '@etcd-compute/common/placement/client';
import { isConcurrentUpdate } from '@etcd-compute/common/placement/errors';
import {
  ensureResourceProvider,
  ensureTrait,
  getAggregates,
  getInventories,
  getTraits,
  putAggregates,
  putInventories,
  putTraits,
  type Inventories,
  type NewInventory,
} from '@etcd-compute/common/placement/resource-providers';
import type { AgentConfig } from '../config.js';
import type { OwnProvider, Sighting } from './own-provider.js';
import type { HostCapacity } from './probe.js';

export interface ReportOptions {
  readonly placement: PlacementClient;
  readonly host: ProviderUuid;
  readonly config: Pick<AgentConfig, 'name' | 'inventory' | 'traits' | 'aggregates'>;
  readonly capacity: HostCapacity;
  /** What cached images take of the disk. */
  readonly imagesGiB: number;
  /** The original's lock: all VCPU are reserved, so that nothing new is placed here. */
  readonly isLocked: boolean;
  readonly log: Logger;
}

const ATTEMPTS = 5;

/** A full disk stops all guests on it, and the host: its own files grow too. In whole GiB; nothing of a tiny disk. */
const keptOfDisk = (totalGiB: number): number => Math.min(10, Math.floor(totalGiB / 10));

/** Placement's rule (1.26): `reserved` may be all of `total`, not more. */
export const renderInventories = ({
  config,
  capacity,
  imagesGiB,
  isLocked,
}: Pick<ReportOptions, 'config' | 'capacity' | 'imagesGiB' | 'isLocked'>): Record<string, NewInventory> =>
  Object.fromEntries(
    (['VCPU', 'MEMORY_MB', 'DISK_GB'] as const)
      .filter((resourceClass) => capacity[resourceClass] > 0)
      .map((resourceClass) => {
        const total = capacity[resourceClass];
        const { reserved = keptOfDisk(total), allocation_ratio } = config.inventory[resourceClass];
        const held = reserved + (resourceClass === 'DISK_GB' ? imagesGiB : 0);
        const isAllReserved = isLocked && resourceClass === 'VCPU';
        return [
          resourceClass,
          { total, reserved: isAllReserved ? total : Math.min(held, total), allocation_ratio, max_unit: total },
        ];
      }),
  );

const isSame = (current: Inventories, wanted: Readonly<Record<string, NewInventory>>): boolean =>
  Object.entries(wanted).every(([resourceClass, inventory]) => {
    const held = current.inventories[resourceClass];
    return (
      held?.total === inventory.total &&
      held.reserved === inventory.reserved &&
      held.allocation_ratio === inventory.allocation_ratio &&
      held.max_unit === inventory.max_unit
    );
  });

/** What a host has at the moment, and whether it takes anything new. */
export type OwnRoom = Pick<ReportOptions, 'capacity' | 'imagesGiB' | 'isLocked'>;

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

/**
 * Makes Placement hold what this host has. Repeatable; writes only what differs, and keeps inventories, traits and
 * aggregates that others have put there. A generation that moved on in between is read again.
 */
export const reportInventory = async (options: ReportOptions): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await reportOnce(options);
      return;
    } catch (err) {
      if (!isConcurrentUpdate(err) || attempt === ATTEMPTS) throw err;
      options.log.debug({ attempt }, 'resource provider changed in between, reading it again');
    }
  }
};

const reportOnce = async (options: ReportOptions): Promise<void> => {
  const { placement, host, config, log } = options;
  await ensureResourceProvider(placement, { uuid: host, name: config.name });
  const wanted = renderInventories(options);
  const current = await getInventories(placement, host);
  if (!isSame(current, wanted)) {
    const { resource_provider_generation: generation } = current;
    await putInventories(placement, host, { inventories: { ...current.inventories, ...wanted }, generation });
    log.info({ inventories: wanted, isLocked: options.isLocked }, 'inventory written');
  }
  if (config.traits.length > 0) await reportTraits(options);
  if (config.aggregates.length > 0) await reportAggregates(options);
};

const reportTraits = async ({ placement, host, config }: ReportOptions): Promise<void> => {
  const { traits, resource_provider_generation: generation } = await getTraits(placement, host);
  const missing = config.traits.filter((trait) => !traits.includes(trait));
  if (missing.length === 0) return;
  for (const trait of missing) if (trait.startsWith('CUSTOM_')) await ensureTrait(placement, trait);
  await putTraits(placement, host, { traits: [...traits, ...missing], generation });
};

const reportAggregates = async ({ placement, host, config }: ReportOptions): Promise<void> => {
  const { aggregates, resource_provider_generation: generation } = await getAggregates(placement, host);
  const missing = config.aggregates.filter((aggregate) => !aggregates.includes(aggregate));
  if (missing.length > 0) await putAggregates(placement, host, { aggregates: [...aggregates, ...missing], generation });
};
