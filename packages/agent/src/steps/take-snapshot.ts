import { snapshotArgs } from '@etcd-compute/common/wishes/actions/snapshot';
import { takeSnapshot as take } from '../snapshots/take-snapshot.js';
import { needed, type Step } from './step.js';

export const takeSnapshot: Step = {
  name: 'take-snapshot',
  kind: 'copying',
  timeoutSeconds: ({ timeouts }) => timeouts.snapshot,
  run: async (deps, context) => {
    const { spec, made, log, signal } = context;
    const { count, args } = needed(context.wish ?? undefined, 'the wish');
    const { name } = snapshotArgs.parse(args);
    const { instance, project } = spec;
    made.snapshot = await take(deps, { instance, count, project, name, log, signal });
  },
};
