import type { Step } from './step.js';

/** The `undo` of a step of the build as a step of its own: with each, the agent makes sure that nobody has replaced it. */
export const undoing = ({ name, timeoutSeconds, undo }: Step): Step => ({
  name: `undo-${name}`,
  kind: 'quick',
  timeoutSeconds,
  run: async (deps, { spec, signal }) => undo?.(deps, spec.instance, signal),
});
