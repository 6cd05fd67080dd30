import { undefineDomain as undefine } from '../domains/domain.js';
import type { Step } from './step.js';

export const undefineDomain: Step = {
  name: 'undefine-domain',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async ({ lend }, { spec: { instance }, signal }) =>
    lend('work', async (connection) => undefine(connection, instance, { signal }), signal),
};
