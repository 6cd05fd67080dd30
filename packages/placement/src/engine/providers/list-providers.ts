import type { View } from '../../index/view.js';
import type { Amounts, Provider } from '../../model/entities.js';
import { resolveFilter, type ProviderFilter } from '../provider-filter.js';
import { hasRoom } from '../room.js';

/** Which providers are asked for: those that meet all of it. */
export interface ProviderQuery extends ProviderFilter {
  readonly name?: string | undefined;
  readonly uuid?: string | undefined;
  /** Amounts that could be allocated, each by itself. */
  readonly resources: Amounts;
}

export const listProviders = (view: View, query: ProviderQuery): readonly Provider[] => {
  const { accepts } = resolveFilter(view, query);
  const amounts = Object.entries(query.resources);
  return [...providersToLookAt(view, query)].filter(
    ({ uuid, name }) =>
      (query.uuid === undefined || uuid === query.uuid) &&
      (query.name === undefined || name === query.name) &&
      (query.inTree === undefined || view.rootOf(uuid) === view.rootOf(query.inTree)) &&
      accepts(uuid) &&
      amounts.every((amount) => hasRoom(view, uuid, amount)),
  );
};

/** All that can meet a query: as few as can be told at once. */
const providersToLookAt = (view: View, { uuid, name, inTree }: ProviderQuery): Iterable<Provider> => {
  if (uuid !== undefined) return listOf(view.provider(uuid));
  if (name !== undefined) return listOf(view.providerNamed(name));
  if (inTree !== undefined)
    return view.subtreeOf(view.rootOf(inTree)).flatMap((member) => listOf(view.provider(member)));
  return view.providers();
};

const listOf = (provider: Provider | undefined): readonly Provider[] => (provider ? [provider] : []);
