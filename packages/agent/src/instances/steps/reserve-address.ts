import { macOfInstance } from '../../networks/address-plan.js';
import { hasDhcp6 } from '../../networks/ipv6-plan.js';
import type { Step } from './step.js';

export const reserveAddress: Step = {
  name: 'reserve-address',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async ({ network, config }, { spec, made }) => {
    const mac = network.reserve(spec.instance);
    made.interfaces = [
      { mac, hasDhcp6: hasDhcp6(config.network) },
      ...(config.bridge === undefined ? [] : [{ mac: macOfInstance(spec.instance, 1) }]),
    ];
  },
  undo: async ({ network }, instance) => network.release(instance),
};
