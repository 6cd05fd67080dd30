import { PlacementIndex } from '../src/index/placement-index.js';
import type { View } from '../src/index/view.js';
import type { Amounts, Entities, Inventory, Kind } from '../src/model/entities.js';
import { keyOf } from '../src/model/keys.js';

export interface ProviderSeed {
  readonly parent?: string;
  /** A number is a total of which any amount can be allocated. */
  readonly has?: Readonly<Record<string, number | Partial<Inventory>>>;
  readonly used?: Amounts;
  readonly traits?: readonly string[];
  readonly aggregates?: readonly string[];
}

/** What Placement holds, from providers by uuid. */
export const aView = (providers: Readonly<Record<string, ProviderSeed>>): View => {
  const index = new PlacementIndex();
  const put = <K extends Kind>(kind: K, id: string, entity: Entities[K]): boolean =>
    index.apply({ key: keyOf(kind, id), value: JSON.stringify(entity), modRevision: 1n });
  for (const [uuid, { parent = null, has = {}, used = {}, traits = [], aggregates = [] }] of Object.entries(
    providers,
  )) {
    const inventories = Object.fromEntries(Object.entries(has).map(([name, seed]) => [name, anInventory(seed)]));
    put('provider', uuid, { uuid, name: uuid, parent, inventories, traits, aggregates, createdAt: 0, updatedAt: 0 });
    put('usage', uuid, { generation: 1, used });
  }
  return index;
};

const anInventory = (seed: number | Partial<Inventory>): Inventory => {
  const given = typeof seed === 'number' ? { total: seed } : seed;
  const total = given.total ?? 1;
  return { total, reserved: 0, min_unit: 1, max_unit: total, step_size: 1, allocation_ratio: 1, ...given };
};
