import { copyName } from '@etcd-compute/common/etcd/messages/shelved';
import { discardCopies as discard } from '../snapshots/copies.js';
import { takeSnapshot } from '../snapshots/take-snapshot.js';
import { needed, type Step } from './step.js';

/** All disks of a guest that is off, into images that need no others. */
export const copyDisks: Step = {
  name: 'copy-disks',
  kind: 'copying',
  timeoutSeconds: ({ timeouts }) => timeouts.snapshot,
  run: async (deps, { spec, wish, log, signal }) => {
    const { instance, project, disks } = spec;
    const { count } = needed(wish ?? undefined, 'the wish');
    for (const { uuid } of disks)
      await takeSnapshot(deps, { instance, disk: uuid, count, project, name: copyName(uuid), log, signal });
  },
};

/** Takes back `copy-disks`. */
export const discardCopies: Step = {
  name: 'discard-copies',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk,
  run: async (deps, { spec: { instance } }) => discard(deps, instance),
};
