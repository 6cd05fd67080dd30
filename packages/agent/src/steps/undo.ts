import { withDeadline } from '@etcd-compute/common/async/deadline';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Step, StepDeps } from './step.js';

export interface UndoOptions {
  readonly deps: StepDeps;
  readonly instance: InstanceUuid;
  readonly log: Logger;
}

/** Takes back all that a build made, newest first; each undo looks at the world, so it can be repeated at any time. */
export const undoSteps = async (steps: readonly Step[], { deps, instance, log }: UndoOptions): Promise<void> => {
  for (const step of steps.toReversed()) {
    if (!step.undo) continue;
    log.debug({ instanceUuid: instance, step: step.name }, 'undoing step');
    await withDeadline(async (signal) => step.undo?.(deps, instance, signal), {
      timeoutMs: step.timeoutSeconds(deps.config) * 1000,
      what: `undoing ${step.name} of instance ${instance}`,
    });
  }
};

/** Whether anything is there that a build has made, perhaps behind its own undo. */
export const isAnythingLeft = async (
  steps: readonly Step[],
  { deps, instance }: Pick<UndoOptions, 'deps' | 'instance'>,
): Promise<boolean> => {
  for (const { isThere } of steps) if (await isThere?.(deps, instance)) return true;
  return false;
};

/**
 * Undoes a build and makes sure that nothing is left: a call that took too long may have taken effect meanwhile. What the instance
 * holds in Placement may be given back only then.
 *
 * @throws ECOMPUTE_UNDO_FAILED
 */
export const undoCompletely = async (steps: readonly Step[], options: UndoOptions): Promise<void> => {
  await undoSteps(steps, options);
  if (!(await isAnythingLeft(steps, options))) return;
  throw new EcomputeError('ECOMPUTE_UNDO_FAILED', `not all of instance ${options.instance} is gone yet`, {
    retryable: true,
    hint: 'it is retried: a call to libvirt that took too long may still take effect',
  });
};
