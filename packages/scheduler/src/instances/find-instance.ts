import { EcomputeError } from '@etcd-compute/common/errors';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import type { InstanceEntry, Snapshot } from './snapshot.js';

export const nameOf = ({ record, request }: InstanceEntry): string | null => record?.name ?? request?.name ?? null;

export const isDeleted = ({ record }: InstanceEntry): boolean => record?.state === 'deleted';

/**
 * The instance of a uuid or a name. A name stands for the one live instance that has it, or, when there is none, for the last
 * deleted one.
 *
 * @throws EcomputeError ECOMPUTE_INSTANCE_UNKNOWN, or ECOMPUTE_INSTANCE_AMBIGUOUS with the uuids.
 */
export const getInstance = ({ instances }: Snapshot, uuidOrName: string): InstanceEntry => {
  const uuid = instanceUuidSchema.safeParse(uuidOrName).data;
  if (uuid !== undefined) {
    const found = instances.find(({ instance }) => instance === uuid);
    if (found) return found;
    throw unknownInstance(uuidOrName);
  }
  const named = instances.filter((entry) => nameOf(entry) === uuidOrName);
  const live = named.filter((entry) => !isDeleted(entry));
  const [first, second] = live;
  if (first && second) throw ambiguousName(uuidOrName, live);
  const deleted = named
    .filter(isDeleted)
    .toSorted((a, b) => (b.record?.updated_at ?? '').localeCompare(a.record?.updated_at ?? ''));
  const found = first ?? deleted[0];
  if (!found) throw unknownInstance(uuidOrName);
  return found;
};

export const unknownInstance = (uuidOrName: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_INSTANCE_UNKNOWN', `there is no instance '${uuidOrName}'`, {
    details: { instance: uuidOrName },
    hint: 'see `eschedule list`; deleted instances are remembered for an hour (`eschedule list --all`)',
  });

const ambiguousName = (name: string, entries: readonly InstanceEntry[]): EcomputeError => {
  const lines = entries.map(
    ({ instance, record, host }) => `\n  ${instance} (${record?.state ?? 'scheduled'} on ${host})`,
  );
  return new EcomputeError(
    'ECOMPUTE_INSTANCE_AMBIGUOUS',
    `${entries.length} instances are named '${name}'${lines.join('')}`,
    {
      details: { name, instances: entries.map(({ instance }) => instance) },
      hint: 'give the uuid of the one that you mean',
    },
  );
};
