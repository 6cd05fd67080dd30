import { makeDisk } from './create-disk.js';
import type { Step } from './step.js';

/** Makes the disk that is to take the place of the one that there is, beside it. */
export const prepareDisk: Step = {
  name: 'prepare-disk',
  kind: 'quick',
  usesMade: true,
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  run: async (deps, context) => {
    await makeDisk(deps, context, { isNext: true });
  },
};
