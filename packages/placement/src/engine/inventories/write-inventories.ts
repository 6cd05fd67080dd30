import type { Inventory } from '../../model/entities.js';
import type { Draft } from '../draft.js';
import { changeProvider, type ProviderToChange } from '../providers/get-provider.js';
import { Refusal, type RefusalCode } from '../refusal.js';
import { needResourceClass } from '../resource-classes.js';
import { compareClasses } from './compare-classes.js';

export type Inventories = Readonly<Record<string, Inventory>>;

/**
 * Replaces all of a provider's inventories and counts its generation up. They may be smaller than what is used of them.
 *
 * @throws Refusal conflict when what goes is in use.
 */
export const writeInventories = (draft: Draft, changed: ProviderToChange, inventories: Inventories): void => {
  refuseInUse(changed, { inventories });
  changeProvider(draft, changed, { inventories });
};

/** @throws Refusal conflict when something is allocated from an inventory that would go. */
export const refuseInUse = (
  { provider, usage }: ProviderToChange,
  { inventories, prefix = '', code = 'placement.inventory.inuse' }: RefuseInUseOptions,
): void => {
  const inUse = Object.keys(provider.inventories).filter(
    (name) => !Object.hasOwn(inventories, name) && usage.used[name],
  );
  if (inUse.length === 0) return;
  const names = inUse.toSorted(compareClasses).join(', ');
  throw new Refusal(
    'conflict',
    `${prefix}Inventory for '${names}' on resource provider '${provider.uuid}' in use.`,
    code,
  );
};

interface RefuseInUseOptions {
  readonly inventories: Inventories;
  readonly prefix?: string;
  readonly code?: RefusalCode;
}

/** Guards the classes too: nobody may delete one before it has its first inventory. @throws Refusal bad-request, or what is given. */
export const refuseUnknownClasses = (
  draft: Draft,
  names: Iterable<string>,
  { kind = 'bad-request', prefix }: { readonly kind?: 'bad-request' | 'not-found'; readonly prefix: string },
): void => {
  for (const name of names)
    if (!needResourceClass(draft, name)) throw new Refusal(kind, `${prefix}No such resource class ${name}.`);
};
