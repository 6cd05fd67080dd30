import type { View } from '../../index/view.js';
import { capacityOf } from '../inventories/capacity.js';
import type { Candidate } from './request.js';

/** What a client may want to know of a provider to choose between candidates. */
export interface ProviderSummary {
  readonly resources: Readonly<Record<string, { readonly capacity: number; readonly used: number }>>;
  readonly traits: readonly string[];
  readonly parent: string | null;
  readonly root: string;
}

export interface SummaryOptions {
  /** Only the providers that candidates are allocated from, not the rest of their trees. */
  readonly onlyUsed: boolean;
}

/** By provider. */
export const summariesOf = (
  view: View,
  candidates: readonly Candidate[],
  { onlyUsed }: SummaryOptions,
): ReadonlyMap<string, ProviderSummary> => {
  const used = new Set(candidates.flatMap(({ allocations }) => [...allocations.keys()]));
  const roots = new Set([...used].map((provider) => view.rootOf(provider)));
  const shown = onlyUsed ? [...used] : [...roots].flatMap((root) => view.subtreeOf(root));
  return new Map(
    shown.flatMap((uuid) => {
      const summary = summaryOf(view, uuid);
      return summary ? [[uuid, summary]] : [];
    }),
  );
};

const summaryOf = (view: View, uuid: string): ProviderSummary | undefined => {
  const provider = view.provider(uuid);
  if (!provider) return undefined;
  const { used } = view.usage(uuid);
  const resources = Object.entries(provider.inventories).map(([resourceClass, inventory]) => [
    resourceClass,
    { capacity: Math.trunc(capacityOf(inventory)), used: used[resourceClass] ?? 0 },
  ]);
  return {
    resources: Object.fromEntries(resources),
    traits: inOrder(provider.traits),
    parent: provider.parent,
    root: view.rootOf(uuid),
  };
};

/** Those that are always there before those that users made, as OpenStack Placement shows them. */
const inOrder = (traits: readonly string[]): readonly string[] => [
  ...traits.filter((trait) => !isCustom(trait)),
  ...traits.filter(isCustom),
];

const isCustom = (trait: string): boolean => trait.startsWith('CUSTOM_');
