import { discardSavedMemory as discard } from '../domains/domain.js';
import type { Step } from './step.js';

/** So that the next start boots the guest anew. */
export const discardSavedMemory: Step = {
  name: 'discard-saved-memory',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.libvirt * 2,
  run: async ({ lend }, { spec: { instance }, signal }) =>
    lend('work', async (connection) => discard(connection, instance, { signal }), signal),
};
