import type { Logger } from '@etcd-compute/common/log';
import { withDeadline } from '@etcd-compute/common/async/deadline';
import type { LimitFunction } from 'p-limit';
import type { InHand } from './carry-out.js';
import type { DomainState } from '../domains/domain.js';
import { isChanged, type RecordWriter } from './record-writer.js';
import type { GuestSpec } from '../guest-config/guest-spec.js';
import type { MadeSoFar, Step, StepDeps } from '../steps/step.js';
import type { Tasks } from '../kinds/tasks.js';

/** A step failed; the cause says why. */
export class StepError extends Error {
  readonly step: string;
  constructor(step: string, cause: unknown) {
    super(`step ${step} failed`, { cause });
    this.name = 'StepError';
    this.step = step;
  }
}

/** What a step threw. */
export const causeOf = (thrown: unknown): unknown => (thrown instanceof StepError ? thrown.cause : thrown);

/** A defined domain means that all steps up to its definition are done. */
export const stepsLeft = (domain: DomainState, tasks: Tasks): readonly Step[] => {
  if (domain === 'running') return [];
  // Started by an agent that was killed before it let it go on.
  if (domain === 'paused') return tasks.start.steps.filter(({ kind }) => kind === 'settling');
  return domain === 'absent' ? tasks.build.steps : tasks.start.steps;
};

export interface BuildOptions {
  readonly spec: GuestSpec;
  readonly steps: readonly Step[];
  readonly deps: StepDeps;
  readonly writer: RecordWriter;
  /** Bounds the starts of all instances. */
  readonly builds: LimitFunction;
  readonly log: Logger;
  /** The agent stops. */
  readonly signal: AbortSignal;
  /** The boot request has changed: ends a step that only waits. */
  readonly interrupt: AbortController;
  /** A step that was given up has ended after all. */
  readonly onLateEnd: () => void;
}

/** Runs steps as part of an activation. @throws StepError */
export const runInHand = async (
  { deps, writer, signal, interrupt, onLateEnd, log }: InHand,
  { spec, steps }: Pick<BuildOptions, 'spec' | 'steps'>,
): Promise<void> =>
  runSteps({ spec, steps, deps: deps.steps, writer, builds: deps.builds, log, signal, interrupt, onLateEnd });

/**
 * Runs the steps in order, each noted in the record before it starts. Everything up to the start is made for all instances at once,
 * while the machine is still idle; the starts are bounded.
 *
 * @throws StepError
 */
export const runSteps = async (options: BuildOptions): Promise<void> => {
  const { spec, log, builds } = options;
  const steps = options.steps.filter(({ isNeeded }) => isNeeded?.(spec) ?? true);
  const made: MadeSoFar = {};
  const firstStart = steps.findIndex((step) => step.kind === 'starting');
  const split = firstStart === -1 ? steps.length : firstStart;
  const run = async (step: Step): Promise<void> => {
    const startedAt = Date.now();
    await options.writer.startStep(step.name);
    try {
      await runStep(step, made, options);
    } catch (err) {
      throw isChanged(err) ? err : new StepError(step.name, err);
    }
    log.debug({ instanceUuid: spec.instance, step: step.name, durationMs: Date.now() - startedAt }, 'step finished');
  };
  for (const step of steps.slice(0, split)) await run(step);
  if (split === steps.length) return;
  const isSettling = ({ kind }: Step): boolean => kind === 'settling';
  await builds(async () => {
    for (const step of steps.slice(split)) if (!isSettling(step)) await run(step);
  });
  for (const step of steps.slice(split)) if (isSettling(step)) await run(step);
};

const runStep = async (step: Step, made: MadeSoFar, options: BuildOptions): Promise<void> => {
  const { spec, log, deps, signal, interrupt, onLateEnd } = options;
  // A changed wish ends a step that only waits. A step that works on the hypervisor is never left half done.
  const isWaiting = step.kind === 'waiting' || step.kind === 'settling';
  const stop = isWaiting ? AbortSignal.any([signal, interrupt.signal]) : signal;
  await withDeadline(
    async (stepSignal) => step.run(deps, { spec, log, made, signal: AbortSignal.any([stop, stepSignal]) }),
    {
      timeoutMs: step.timeoutSeconds(deps.config) * 1000,
      what: `${step.name} of instance ${spec.instance}`,
      signal: stop,
      onLateEnd,
    },
  );
};
