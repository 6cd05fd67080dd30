import { AGGREGATES, aTrait, atLeastOne, chance, type Scene } from './names.js';

/** Values of `required`. */
export const required = (scene: Scene, version: number): readonly string[] => {
  const values = Array.from({ length: version >= 39 || chance(scene, 0.05) ? scene.random.whole(1, 2) : 1 }, () => {
    if (version >= 39 && chance(scene, 0.4)) return `in:${aTrait(scene)},${aTrait(scene)}`;
    const count = chance(scene, 0.7) ? 1 : 2;
    return Array.from(
      { length: count },
      () => (chance(scene, version >= 22 ? 0.4 : 0.02) ? '!' : '') + aTrait(scene),
    ).join();
  });
  return values;
};

/** Values of `member_of`. */
export const memberOf = (scene: Scene, version: number): readonly string[] =>
  Array.from({ length: version >= 24 && chance(scene, 0.3) ? 2 : 1 }, () => {
    const not = chance(scene, version >= 32 ? 0.4 : 0.02) ? '!' : '';
    const aggregates = atLeastOne(scene, AGGREGATES, 2);
    return not + (aggregates.length > 1 || chance(scene, 0.3) ? 'in:' : '') + aggregates.join();
  });
