import { destroyDomain } from '../domains/domain.js';
import type { Step } from './step.js';

/** Pulls the plug, when the guest is not down already. */
export const stopDomain: Step = {
  name: 'stop-domain',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async ({ lend }, { spec, signal }) =>
    lend('destroy', async (connection) => destroyDomain(connection, spec.instance, { signal }), signal),
};
