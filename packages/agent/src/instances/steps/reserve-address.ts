import { macOfInstance } from '../../networks/address-plan.js';
import type { Step } from './step.js';

export const reserveAddress: Step = {
  name: 'reserve-address',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async ({ network, config }, { spec, made }) => {
    const mac = network.reserve(spec.instance);
    const hasDhcp6 = config.network.manage && config.network.cidr6 !== undefined;
    made.interfaces = [
      { mac, hasDhcp6 },
      ...(config.bridge === undefined ? [] : [{ mac: macOfInstance(spec.instance, 1) }]),
    ];
  },
  undo: async ({ network }, instance) => network.release(instance),
};
