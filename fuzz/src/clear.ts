import { send } from './exchange.js';

/** Makes a Placement as it was when it was new, but for the types of consumers, which stay. */
export const clear = async (endpoint: string): Promise<void> => {
  const get = async <T>(path: string): Promise<T> =>
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the caller knows the API
    (await send(endpoint, { method: 'GET', path, version: 39 }, undefined)).body as T;
  const remove = (path: string): Promise<unknown> => send(endpoint, { method: 'DELETE', path, version: 39 }, undefined);

  const { resource_providers: providers } = await get<ProviderList>('/resource_providers');
  for (const { uuid } of providers) {
    const { allocations } = await get<Allocations>(`/resource_providers/${uuid}/allocations`);
    for (const consumer of Object.keys(allocations)) await remove(`/allocations/${consumer}`);
  }
  for (const { uuid } of leavesFirst(providers)) await remove(`/resource_providers/${uuid}`);
  const { resource_classes: classes } = await get<ClassList>('/resource_classes');
  for (const { name } of classes) if (name.startsWith('CUSTOM_')) await remove(`/resource_classes/${name}`);
  const { traits } = await get<TraitList>('/traits?name=startswith:CUSTOM_');
  for (const trait of traits) await remove(`/traits/${trait}`);
};

interface ListedProvider {
  readonly uuid: string;
  readonly parent_provider_uuid: string | null;
}

interface ProviderList {
  readonly resource_providers: readonly ListedProvider[];
}

interface Allocations {
  readonly allocations: Readonly<Record<string, unknown>>;
}

interface ClassList {
  readonly resource_classes: readonly { readonly name: string }[];
}

interface TraitList {
  readonly traits: readonly string[];
}

const leavesFirst = (providers: readonly ListedProvider[]): readonly ListedProvider[] => {
  const parents = new Map(providers.map(({ uuid, parent_provider_uuid: parent }) => [uuid, parent]));
  const depthOf = (uuid: string): number => {
    const parent = parents.get(uuid);
    return typeof parent === 'string' ? depthOf(parent) + 1 : 0;
  };
  return providers.toSorted((one, other) => depthOf(other.uuid) - depthOf(one.uuid));
};
