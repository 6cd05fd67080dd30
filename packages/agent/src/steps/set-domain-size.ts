import { changeDomain } from '../domains/change-domain.js';
import type { Step } from './step.js';

/** Gives the domain the processors and the memory that its guest has from the next start on. */
export const setDomainSize: Step = {
  name: 'set-domain-size',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async ({ lend }, { spec: { instance, vcpus, memoryMiB }, signal }) =>
    lend('work', async (connection) => changeDomain(connection, { instance, vcpus, memoryMiB }, { signal }), signal),
};
