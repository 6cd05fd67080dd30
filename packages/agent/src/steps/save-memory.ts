import { EcomputeError } from '@etcd-compute/common/errors';
import { hasSavedMemory, saveDomain } from '../domains/domain.js';
import type { Step } from './step.js';

/** Writes the guest's memory to a file of libvirt's on the host, and ends its process. */
export const saveMemory: Step = {
  name: 'save-memory',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  run: async ({ getConnection, lend, config }, { spec: { instance }, signal }) => {
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    try {
      await lend('work', async (connection) => saveDomain(connection, instance, wait), signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (await hasSavedMemory(getConnection(), instance)) return;
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not save the memory of domain ${instance}`, {
        cause,
        hint: 'libvirt keeps it in /var/lib/libvirt/qemu/save: is there room on the host?',
      });
    }
  },
};
