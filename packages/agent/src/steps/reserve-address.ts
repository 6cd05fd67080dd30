import { macOfInstance } from '../networks/address-plan.js';
import { hasDhcp6 } from '../networks/ipv6-plan.js';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { MadeSoFar, Step, StepDeps } from './step.js';

export const reserveAddress: Step = {
  name: 'reserve-address',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async (deps, { spec, made }) => {
    made.interfaces = reserveInterfaces(deps, spec.instance);
  },
  undo: async ({ network }, instance) => network.release(instance),
};

/** The same every time, as long as the instance is there. */
export const reserveInterfaces = (
  { network, config }: Pick<StepDeps, 'network' | 'config'>,
  instance: InstanceUuid,
): NonNullable<MadeSoFar['interfaces']> => [
  { mac: network.reserve(instance), hasDhcp6: hasDhcp6(config.network) },
  ...(config.bridge === undefined ? [] : [{ mac: macOfInstance(instance, 1) }]),
];
