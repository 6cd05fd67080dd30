import { EcomputeError } from '@etcd-compute/common/errors';
import type { Cloud } from '../cloud.js';
import { isDeleted, nameOf } from './find-instance.js';
import { readSnapshot } from './snapshot.js';

/**
 * Refuses a name that a live instance has. Two who take the same name in the same moment are not told: from then on the name is
 * ambiguous, and every command that is given it says so.
 *
 * @throws EcomputeError ECOMPUTE_INSTANCE_NAME_TAKEN
 */
export const checkNamesFree = async (
  cloud: Cloud,
  wanted: readonly { readonly name: string | null }[],
): Promise<void> => {
  const names = new Set(wanted.map(({ name }) => name));
  if (wanted.every(({ name }) => name === null)) return;
  const { instances } = await readSnapshot(cloud);
  const taken = instances.find((entry) => !isDeleted(entry) && nameOf(entry) !== null && names.has(nameOf(entry)));
  if (!taken) return;
  const { instance } = taken;
  throw new EcomputeError(
    'ECOMPUTE_INSTANCE_NAME_TAKEN',
    `the name '${nameOf(taken)}' is taken by instance ${instance}`,
    {
      details: { name: nameOf(taken), instance },
      hint: `choose another name, or see \`eschedule show ${instance}\``,
    },
  );
};
