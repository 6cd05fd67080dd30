import type { Inventory } from '../../model/entities.js';
import type { Draft } from '../draft.js';
import { getProviderToChange, type ProviderToChange } from '../providers/get-provider.js';
import { Refusal } from '../refusal.js';
import { type CapacityRule, refuseNoCapacity } from './refuse-no-capacity.js';
import { type Inventories, refuseInUse, refuseUnknownClasses, writeInventories } from './write-inventories.js';

/** Which inventory of which provider. */
export interface OneInventory {
  readonly provider: string;
  readonly resourceClass: string;
}

/** @throws Refusal. */
export const addInventory = (
  draft: Draft,
  { provider: uuid, resourceClass }: OneInventory,
  { inventory, ...rule }: { readonly inventory: Inventory } & CapacityRule,
): void => {
  const changed = getProviderToChange(draft, uuid);
  const { inventories } = changed.provider;
  refuseNoCapacity({ [resourceClass]: inventory }, { provider: uuid, doing: 'create', ...rule });
  refuseUnknownClasses(draft, [resourceClass], {
    prefix: `Unable to create inventory for resource provider ${uuid}: `,
  });
  if (Object.hasOwn(inventories, resourceClass))
    throw new Refusal(
      'conflict',
      `Update conflict: resource provider ${uuid} has an inventory of class ${resourceClass}.`,
      'placement.concurrent_update',
    );
  writeInventories(draft, changed, { ...inventories, [resourceClass]: inventory });
};

/** @throws Refusal. */
export const updateInventory = (
  draft: Draft,
  { provider: uuid, resourceClass }: OneInventory,
  { inventory, generation, ...rule }: { readonly inventory: Inventory; readonly generation: number } & CapacityRule,
): void => {
  const changed = getProviderToChange(draft, uuid);
  const { inventories } = changed.provider;
  refuseOtherGeneration(changed, generation);
  refuseNoCapacity({ [resourceClass]: inventory }, { provider: uuid, doing: 'update', ...rule });
  refuseUnknownClasses(draft, [resourceClass], { kind: 'not-found', prefix: '' });
  if (!Object.hasOwn(inventories, resourceClass))
    throw new Refusal(
      'bad-request',
      `No inventory record with resource class for resource provider ${uuid}: No inventory of class ${resourceClass} found.`,
    );
  writeInventories(draft, changed, { ...inventories, [resourceClass]: inventory });
};

/** @throws Refusal. */
export const replaceInventories = (
  draft: Draft,
  uuid: string,
  {
    inventories,
    generation,
    ...rule
  }: { readonly inventories: Inventories; readonly generation: number } & CapacityRule,
): void => {
  const changed = getProviderToChange(draft, uuid);
  refuseOtherGeneration(changed, generation);
  refuseNoCapacity(inventories, { provider: uuid, doing: 'update', ...rule });
  refuseUnknownClasses(draft, Object.keys(inventories), {
    prefix: `Unknown resource class in inventory for resource provider ${uuid}: `,
  });
  writeInventories(draft, changed, inventories);
};

/** @throws Refusal. */
export const deleteInventories = (draft: Draft, uuid: string): void =>
  writeInventories(draft, getProviderToChange(draft, uuid), {});

/** @throws Refusal. */
export const deleteInventory = (draft: Draft, { provider: uuid, resourceClass }: OneInventory): void => {
  const changed = getProviderToChange(draft, uuid);
  if (!Object.hasOwn(changed.provider.inventories, resourceClass))
    throw new Refusal('not-found', `No inventory of class ${resourceClass} found for delete`);
  const { [resourceClass]: _gone, ...inventories } = changed.provider.inventories;
  const prefix = `Unable to delete inventory of class ${resourceClass}: `;
  refuseInUse(changed, { inventories, prefix, code: 'placement.concurrent_update' });
  writeInventories(draft, changed, inventories);
};

const refuseOtherGeneration = ({ usage }: ProviderToChange, generation: number): void => {
  if (usage.generation !== generation)
    throw new Refusal('conflict', 'resource provider generation conflict', 'placement.concurrent_update');
};
