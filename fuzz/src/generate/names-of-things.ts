import type { FuzzRequest } from '../request.js';
import { aClass, aTrait, aVersion, chance, CLASSES, type Scene, TRAITS } from './names.js';

/** Classes and traits that users make: mostly made, seldom deleted. */
export const changeTrait = (scene: Scene): FuzzRequest => ({
  method: chance(scene, 0.75) ? 'PUT' : 'DELETE',
  path: `/traits/${chance(scene, 0.8) ? scene.random.pick(TRAITS.filter(isCustom)) : aTrait(scene)}`,
  version: aVersion(scene, 6),
});

export const changeClass = (scene: Scene): FuzzRequest => {
  const name = chance(scene, 0.8) ? scene.random.pick(CLASSES.filter(isCustom)) : aClass(scene);
  const version = aVersion(scene, 7);
  if (chance(scene, 0.2)) return { method: 'POST', path: '/resource_classes', version, body: { name } };
  const path = `/resource_classes/${name}`;
  if (chance(scene, 0.25)) return { method: 'DELETE', path, version };
  return { method: 'PUT', path, version, ...(version < 7 && { body: { name: scene.random.pick(CLASSES) } }) };
};

export const showNames = (scene: Scene): FuzzRequest => {
  const { random } = scene;
  const paths = [
    `/traits/${aTrait(scene)}`,
    `/traits?name=in:${aTrait(scene)},${aTrait(scene)}`,
    `/traits?name=startswith:CUSTOM_&associated=${random.pick(['true', 'false'])}`,
    `/traits?associated=${random.pick(['true', 'false'])}`,
    '/resource_classes',
    `/resource_classes/${aClass(scene)}`,
  ];
  return { method: 'GET', path: random.pick(paths), version: aVersion(scene, 6) };
};

const isCustom = (name: string): boolean => name.startsWith('CUSTOM_');
