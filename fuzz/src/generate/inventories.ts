import { generationOf, type FuzzRequest } from '../request.js';
import { aClass, aProvider, aVersion, chance, CLASSES, type Scene } from './names.js';

/** Mostly one that is allowed. */
const anInventory = (scene: Scene): Record<string, number> => {
  const { random } = scene;
  const total = chance(scene, 0.03) ? random.whole(-1, 0) : random.whole(1, 16);
  return {
    total,
    ...(chance(scene, 0.2) && { reserved: random.whole(0, chance(scene, 0.1) ? total + 1 : Math.max(total, 0)) }),
    ...(chance(scene, 0.2) && { min_unit: random.whole(1, 3) }),
    ...(chance(scene, 0.3) && { max_unit: random.whole(1, 16) }),
    ...(chance(scene, 0.2) && { step_size: random.whole(1, 3) }),
    ...(chance(scene, 0.3) && { allocation_ratio: random.pick([0.5, 1.5, 2, 16]) }),
  };
};

export const setInventories = (scene: Scene): FuzzRequest => {
  const uuid = aProvider(scene);
  const classes = scene.random.shuffle(CLASSES).slice(0, scene.random.pick([0, 2, 3, 4, 5]));
  return {
    method: 'PUT',
    path: `/resource_providers/${uuid}/inventories`,
    version: aVersion(scene, 0),
    body: {
      inventories: Object.fromEntries(classes.map((name) => [name, anInventory(scene)])),
      resource_provider_generation: generationOf('provider', uuid, chance(scene, 0.05) ? 1 : 0),
    },
  };
};

export const addInventory = (scene: Scene): FuzzRequest => {
  const uuid = aProvider(scene);
  return {
    method: 'POST',
    path: `/resource_providers/${uuid}/inventories`,
    version: aVersion(scene, 0),
    body: {
      resource_class: aClass(scene),
      ...anInventory(scene),
      ...(chance(scene, 0.9) && { resource_provider_generation: generationOf('provider', uuid) }),
    },
  };
};

export const setInventory = (scene: Scene): FuzzRequest => {
  const uuid = aProvider(scene);
  return {
    method: 'PUT',
    path: `/resource_providers/${uuid}/inventories/${aClass(scene)}`,
    version: aVersion(scene, 0),
    body: {
      ...anInventory(scene),
      resource_provider_generation: generationOf('provider', uuid, chance(scene, 0.05) ? 1 : 0),
    },
  };
};

export const deleteInventory = (scene: Scene): FuzzRequest => ({
  method: 'DELETE',
  path: `/resource_providers/${aProvider(scene)}/inventories${chance(scene, 0.7) ? `/${aClass(scene)}` : ''}`,
  version: aVersion(scene, 5),
});
