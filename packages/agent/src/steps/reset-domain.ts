import { EcomputeError } from '@etcd-compute/common/errors';
import { resetDomain as reset } from '../domains/domain.js';
import type { Step } from './step.js';

/** An agent that is killed before it has noted the end of it resets the guest again: its first boot was seconds old. */
export const resetDomain: Step = {
  name: 'reset-domain',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.libvirt,
  run: async ({ lend }, { spec: { instance }, signal }) => {
    try {
      await lend('guest', async (connection) => reset(connection, instance, { signal }), signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not reset domain ${instance}`, { cause });
    }
  },
};
