import { type Content, customOf } from './content.js';
import { someOf, transferRefused } from './refuse.js';

/**
 * Only what an earlier part of the same has made may be there: nothing of others is changed, and nothing is removed.
 *
 * @throws EcomputeError ECOMPUTE_TRANSFER_REFUSED.
 */
export const refuseForeign = (source: Content, target: Content, where: string): void => {
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ['resource classes', customOf(target.classes).filter((name) => !source.classes.has(name))],
    ['traits', customOf(target.traits).filter((name) => !source.traits.has(name))],
    [
      'resource providers',
      [...target.providers.values()]
        .filter(({ uuid, name }) => source.providers.get(uuid)?.name !== name)
        .map(({ uuid, name }) => `${uuid} (${name})`),
    ],
    ['consumers', [...target.consumers.keys()].filter((uuid) => !source.consumers.has(uuid))],
  ];
  for (const [kind, foreign] of lists)
    if (foreign.length > 0)
      throw transferRefused(
        `could not export to ${where}: there are ${kind} that are not in etcd: ${someOf(foreign)}`,
        'only to an empty Placement is exported, or to one that holds nothing but what an earlier export has made',
      );
};
