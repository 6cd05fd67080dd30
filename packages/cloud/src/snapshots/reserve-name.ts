import { EcomputeError } from '@etcd-compute/common/errors';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { SnapshotHolder } from '@etcd-compute/common/etcd/messages/snapshot';
import type { Guard, Write } from '@etcd-compute/common/etcd/store';
import { DEFAULT_PROJECT, projectSchema } from '@etcd-compute/common/ids';
import { snapshotArgs } from '@etcd-compute/common/wishes/actions/snapshot';
import { describeInstance, type InstanceEntry } from '../instances/instance-entry.js';
import type { Services } from '../services.js';
import { findSnapshot } from './find-snapshot.js';

interface Asked {
  readonly request: BootRequest;
  readonly args: Readonly<Record<string, unknown>>;
  /** Of the wish. */
  readonly count: number;
}

/**
 * Takes the name of a snapshot in the transaction that asks for it, so that of two who want the same only one gets it. The name of one that
 * could not be taken is free.
 *
 * @throws EcomputeError ECOMPUTE_SNAPSHOT_NAME_TAKEN
 */
export const reserveSnapshotName = async (
  services: Services,
  entry: InstanceEntry,
  { request, args, count }: Asked,
): Promise<{ guards: readonly Guard[]; writes: readonly Write[] }> => {
  const { instance, host } = entry;
  const { name } = snapshotArgs.parse(args);
  const project = projectSchema.safeParse(request.project_id ?? DEFAULT_PROJECT).data;
  if (project === undefined)
    throw new EcomputeError(
      'ECOMPUTE_WISH_REFUSED',
      `instance ${describeInstance(entry)} is in a project without a usable name, '${request.project_id}'`,
      { details: { instance, host }, hint: 'the original’s scheduler booted it; boot it with eschedule' },
    );
  const found = await findSnapshot(services, { project, name });
  if (found && (found.snapshot || found.isPending)) throw nameTaken(name, project, found.holder);
  const key = services.keys.snapshot({ project, name });
  const holder: SnapshotHolder = { version: 1, host, instance, count };
  return {
    guards: [{ key, modRevision: found?.entry.modRevision ?? '0' }],
    writes: [{ op: 'put', key, value: JSON.stringify(holder) }],
  };
};

const nameTaken = (name: string, project: string, { instance }: SnapshotHolder): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_SNAPSHOT_NAME_TAKEN',
    `there is a snapshot '${name}' in project '${project}' already, of instance ${instance}`,
    { details: { name, project, instance } },
  );
