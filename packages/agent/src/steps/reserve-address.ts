import type { InstanceUuid } from '@etcd-compute/common/ids';
import { planNics, type Nic } from '../networks/nics.js';
import type { Step, StepDeps } from './step.js';

export const reserveAddress: Step = {
  name: 'reserve-address',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async (deps, { spec, made }) => {
    made.nics = reserveNics(deps, spec);
  },
  undo: async ({ network }, instance) => network.release(instance),
};

/** The same every time, as long as the instance is there. */
export const reserveNics = (
  { network, config }: Pick<StepDeps, 'network' | 'config'>,
  spec: { readonly instance: InstanceUuid },
): readonly Nic[] =>
  planNics(spec, config, (name) => (name === network.name ? network.reserve(spec.instance) : undefined));
