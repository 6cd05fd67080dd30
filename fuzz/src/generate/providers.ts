import type { FuzzRequest } from '../request.js';
import {
  aClass,
  AGGREGATES,
  aNewProvider,
  aProvider,
  aProviderName,
  aTrait,
  aVersion,
  atLeastOne,
  chance,
  type Scene,
  TRAITS,
} from './names.js';
import { generationOf } from '../request.js';
import { memberOf, required } from './filters.js';

export const createProvider = (scene: Scene): FuzzRequest => {
  const version = aVersion(scene, 14);
  const hasParent = version >= 14 && scene.view.providerCount() > 0 && chance(scene, 0.6);
  return {
    method: 'POST',
    path: '/resource_providers',
    version,
    body: {
      name: aProviderName(scene),
      uuid: aNewProvider(scene),
      ...(hasParent && { parent_provider_uuid: aProvider(scene) }),
    },
  };
};

export const updateProvider = (scene: Scene): FuzzRequest => {
  const version = aVersion(scene, 0);
  const uuid = aProvider(scene);
  const name = scene.view.provider(uuid)?.name;
  const parent = chance(scene, 0.2) ? null : aProvider(scene);
  return {
    method: 'PUT',
    path: `/resource_providers/${uuid}`,
    version,
    body: {
      name: name !== undefined && chance(scene, 0.6) ? name : aProviderName(scene),
      ...(version >= 14 && chance(scene, 0.6) && { parent_provider_uuid: parent }),
    },
  };
};

export const deleteProvider = (scene: Scene): FuzzRequest => ({
  method: 'DELETE',
  path: `/resource_providers/${aProvider(scene)}`,
  version: aVersion(scene, 0),
});

/** One provider, or what belongs to it. */
export const showProvider = (scene: Scene): FuzzRequest => {
  const parts = [
    '',
    '/inventories',
    '/usages',
    '/aggregates',
    '/traits',
    '/allocations',
    `/inventories/${aClass(scene)}`,
  ];
  return {
    method: 'GET',
    path: `/resource_providers/${aProvider(scene)}${scene.random.pick(parts)}`,
    version: aVersion(scene, 0),
  };
};

export const listProviders = (scene: Scene): FuzzRequest => {
  const version = aVersion(scene, 18);
  const query = new URLSearchParams();
  if (chance(scene, 0.1)) query.append('name', aProviderName(scene));
  if (chance(scene, 0.1)) query.append('uuid', aProvider(scene));
  if (chance(scene, 0.2)) query.append('in_tree', aProvider(scene));
  if (chance(scene, 0.3)) query.append('resources', `${aClass(scene)}:${scene.random.whole(1, 8)}`);
  if (chance(scene, 0.4)) for (const value of required(scene, version)) query.append('required', value);
  if (chance(scene, 0.4)) for (const value of memberOf(scene, version)) query.append('member_of', value);
  return { method: 'GET', path: `/resource_providers?${query.toString()}`, version };
};

export const setTraits = (scene: Scene): FuzzRequest => {
  const uuid = aProvider(scene);
  const traits = [...new Set([aTrait(scene), ...scene.random.shuffle(TRAITS).slice(0, scene.random.whole(0, 3))])];
  return {
    method: 'PUT',
    path: `/resource_providers/${uuid}/traits`,
    version: aVersion(scene, 6),
    body: { traits, resource_provider_generation: generationOf('provider', uuid, chance(scene, 0.05) ? 1 : 0) },
  };
};

export const clearTraits = (scene: Scene): FuzzRequest => ({
  method: 'DELETE',
  path: `/resource_providers/${aProvider(scene)}/traits`,
  version: aVersion(scene, 6),
});

export const setAggregates = (scene: Scene): FuzzRequest => {
  const version = aVersion(scene, 1);
  const uuid = aProvider(scene);
  const aggregates = chance(scene, 0.1) ? [] : atLeastOne(scene, AGGREGATES, 3);
  return {
    method: 'PUT',
    path: `/resource_providers/${uuid}/aggregates`,
    version,
    body:
      version < 19
        ? aggregates
        : { aggregates, resource_provider_generation: generationOf('provider', uuid, chance(scene, 0.05) ? 1 : 0) },
  };
};
