import type { Step } from './step.js';
import { undoCompletely } from './undo.js';

/** Removes all that a build has made on the host. */
export const takeAway = (build: readonly Step[]): Step => ({
  name: 'take-away',
  kind: 'quick',
  timeoutSeconds: (config) => build.reduce((sum, step) => sum + step.timeoutSeconds(config), 0),
  run: async (deps, { spec: { instance }, log }) => undoCompletely(build, { deps, instance, log }),
});
