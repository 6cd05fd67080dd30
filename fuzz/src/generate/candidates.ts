import type { FuzzRequest } from '../request.js';
import { memberOf, required } from './filters.js';
import { aClass, aProvider, aTrait, aVersion, chance, type Scene } from './names.js';

export const askForCandidates = (scene: Scene): FuzzRequest => {
  const version = aVersion(scene, 10);
  const query: [string, string][] = [];
  const suffixes = suffixesOf(scene, version);
  for (const suffix of suffixes) query.push(...aGroup(scene, suffix, version));
  if (suffixes.length > 1 || chance(scene, 0.1))
    if (version >= 25 && !chance(scene, 0.02)) query.push(['group_policy', scene.random.pick(['none', 'isolate'])]);
  if (version >= 16 && chance(scene, 0.2)) query.push(['limit', String(scene.random.whole(1, 5))]);
  if (version >= 35 && chance(scene, 0.2)) query.push(['root_required', rootRequired(scene)]);
  const named = suffixes.filter((suffix) => suffix !== '');
  if (version >= 36 && named.length > 0 && chance(scene, 0.4)) {
    // Groups without resources must be in a subtree.
    const without = named.filter((suffix) => !query.some(([key]) => key === `resources${suffix}`));
    query.push(['same_subtree', [...new Set([...without, ...scene.random.shuffle(named).slice(0, 2)])].join()]);
  }
  return { method: 'GET', path: `/allocation_candidates?${new URLSearchParams(query).toString()}`, version };
};

const suffixesOf = (scene: Scene, version: number): readonly string[] => {
  if (version < 25) return [''];
  const all = version >= 33 ? ['', '_A', '_B', '_C'] : ['', '1', '2', '3'];
  const count = scene.random.pick([1, 1, 2, 2, 3]);
  return chance(scene, 0.6) ? all.slice(0, count) : scene.random.shuffle(all).slice(0, count);
};

const aGroup = (scene: Scene, suffix: string, version: number): [string, string][] => {
  const classes = [...new Set(Array.from({ length: scene.random.pick([1, 1, 2, 3]) }, () => aClassThatThereIs(scene)))];
  const resources = classes.map((name) => `${name}:${scene.random.whole(1, 4)}`).join();
  const isWithout = suffix !== '' && version >= 36 && chance(scene, 0.15);
  return [
    ...(isWithout ? [] : [[`resources${suffix}`, resources] satisfies [string, string]]),
    ...(version >= 17 && chance(scene, isWithout ? 0.8 : 0.3)
      ? required(scene, version).map((value): [string, string] => [`required${suffix}`, value])
      : []),
    ...(version >= 21 && chance(scene, 0.2)
      ? memberOf(scene, version).map((value): [string, string] => [`member_of${suffix}`, value])
      : []),
    ...(version >= 31 && chance(scene, 0.1) ? [[`in_tree${suffix}`, aProvider(scene)] satisfies [string, string]] : []),
  ];
};

/** Mostly one that a provider has. */
const aClassThatThereIs = (scene: Scene): string => {
  const has = Object.keys(scene.view.provider(aProvider(scene))?.inventories ?? {});
  return has.length > 0 && !chance(scene, 0.1) ? scene.random.pick(has) : aClass(scene);
};

const rootRequired = (scene: Scene): string =>
  Array.from({ length: scene.random.whole(1, 2) }, () => (chance(scene, 0.5) ? '!' : '') + aTrait(scene)).join();
