import { macOfInstance } from '../../networks/address-plan.js';
import type { Step } from './step.js';

export const reserveAddress: Step = {
  name: 'reserve-address',
  isHeavy: true,
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async ({ getConnection, network, config }, context) => {
    const { instance } = context.spec;
    const { mac } = await network.reserve(getConnection(), instance);
    context.made.interfaces = [{ mac }, ...(config.bridge === undefined ? [] : [{ mac: macOfInstance(instance, 1) }])];
  },
  undo: async ({ getConnection, network }, instance) => network.release(getConnection(), instance),
};
