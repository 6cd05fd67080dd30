import { EcomputeError } from '@etcd-compute/common/errors';
import type { Step } from './step.js';

/** An agent that is killed before it has noted the end of it resets the guest again: its first boot was seconds old. */
export const resetDomain: Step = {
  name: 'reset-domain',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.libvirt,
  run: async ({ lend }, { spec: { instance }, signal }) => {
    const reset = lend(
      'guest',
      async (connection) => {
        await using domain = await connection.domainLookupByUUID(instance, { signal });
        await domain.reset({ signal });
      },
      signal,
    );
    await reset.catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not reset domain ${instance}`, { cause });
    });
  },
};
