import { replaceAllocations } from '@etcd-compute/placement/engine/allocations/replace-allocations';
import type { ConsumerRequest } from '@etcd-compute/placement/engine/allocations/consumer-request';
import { Draft, type Plan } from '@etcd-compute/placement/engine/draft';
import { replaceInventories } from '@etcd-compute/placement/engine/inventories/change-inventories';
import { readInventories } from '@etcd-compute/placement/engine/inventories/read-inventory';
import { createProvider } from '@etcd-compute/placement/engine/providers/create-provider';
import { PlacementIndex } from '@etcd-compute/placement/index/placement-index';
import type { View } from '@etcd-compute/placement/index/view';
import type { Amounts } from '@etcd-compute/placement/model/entities';

export interface World {
  readonly view: View;
  /** All keys and values. */
  readonly stored: ReadonlyMap<string, string>;
  /** @returns what it rested on, and what it wrote. @throws whatever the plan throws; then nothing is written. */
  readonly write: (plan: (draft: Draft) => unknown) => Plan;
  /** Makes a provider, which is also called by its uuid. */
  readonly provider: (uuid: string, options?: ProviderOptions) => void;
  readonly inventories: (uuid: string, totals: Amounts) => void;
  /** Replaces all that a consumer holds. */
  readonly allocate: (uuid: string, allocations: ConsumerRequest['allocations']) => Plan;
}

interface ProviderOptions {
  readonly parent?: string;
  readonly has?: Amounts;
}

/** Placement without a store: plans are carried out at once. */
export const aWorld = (): World => {
  const index = new PlacementIndex();
  const stored = new Map<string, string>();
  let revision = 0n;
  const write = (plan: (draft: Draft) => unknown): Plan => {
    const draft = new Draft(index, 0);
    plan(draft);
    revision += 1n;
    for (const [key, value] of draft.plan.writes) {
      index.apply({ key, value, modRevision: revision });
      if (value === undefined) stored.delete(key);
      else stored.set(key, value);
    }
    return draft.plan;
  };
  const inventories = (uuid: string, totals: Amounts): void => {
    const given = Object.fromEntries(Object.entries(totals).map(([name, total]) => [name, { total }]));
    const { generation } = index.usage(uuid);
    write((draft) =>
      replaceInventories(draft, uuid, { inventories: readInventories(given), generation, mayReserveAll: true }),
    );
  };
  return {
    view: index,
    stored,
    write,
    inventories,
    provider: (uuid, { parent = null, has = {} } = {}) => {
      write((draft) => createProvider(draft, { uuid, name: uuid, parent }));
      inventories(uuid, has);
    },
    allocate: (uuid, allocations) => write((draft) => replaceAllocations(draft, [aRequest(uuid, { allocations })])),
  };
};

export const aRequest = (uuid: string, fields: Partial<ConsumerRequest> = {}): ConsumerRequest => ({
  uuid,
  project: 'project',
  user: 'user',
  generation: undefined,
  type: undefined,
  allocations: {},
  ...fields,
});
