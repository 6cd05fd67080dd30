import type { GuestSpec } from '../guest-config/guest-spec.js';
import { planNics, type Nic } from '../networks/nics.js';
import type { Step, StepDeps } from './step.js';

export const reserveAddress: Step = {
  name: 'reserve-address',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async (deps, { spec, made }) => {
    made.nics = reserveNics(deps, spec);
  },
  undo: async ({ networks }, instance) => networks.release(instance),
};

/** The same every time, as long as the instance is there. */
export const reserveNics = (
  { networks, config }: Pick<StepDeps, 'networks' | 'config'>,
  spec: Pick<GuestSpec, 'instance' | 'nics'>,
): readonly Nic[] => planNics(spec, config, (network) => networks.reserve(spec.instance, network));
