import { EcomputeError } from '@etcd-compute/common/errors';
import type { Content } from './content.js';

/** Why something is not moved. Nothing was written. */
export const transferRefused = (message: string, hint: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_TRANSFER_REFUSED', message, { hint });

/** How many names are told of more. */
const SHOWN = 5;

export const someOf = (names: readonly string[]): string =>
  names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more` : names.join(', ');

/**
 * @throws EcomputeError ECOMPUTE_TRANSFER_REFUSED when providers have classes or traits that are not made by users, and that the target does
 * not know: it is of another age.
 */
export const refuseUnknownNames = (source: Content, target: Content, where: string): void => {
  const providers = [...source.providers.values()];
  const lists = [
    {
      kind: 'resource classes',
      used: providers.flatMap(({ inventories }) => Object.keys(inventories)),
      known: target.classes,
    },
    { kind: 'traits', used: providers.flatMap(({ traits }) => traits), known: target.traits },
  ];
  for (const { kind, used, known } of lists) {
    const unknown = [...new Set(used)].filter((name) => !name.startsWith('CUSTOM_') && !known.has(name)).toSorted();
    if (unknown.length > 0)
      throw transferRefused(
        `could not move resource providers to ${where}: it does not know the ${kind} ${someOf(unknown)}`,
        'take them from the providers, or bring the target up to date',
      );
  }
};
