import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import type { Logger } from '@etcd-compute/common/log';
import { withDeadline } from '@etcd-compute/common/async/deadline';
import type { LimitFunction } from 'p-limit';
import type { Activation } from './apply-plan.js';
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

/** Of an instance in hand. */
export interface Interrupt {
  /** The boot request is another one. */
  readonly changed: AbortController;
  /** The instance is to be destroyed. */
  readonly destroyed: AbortController;
}

export const newInterrupt = (): Interrupt => ({ changed: new AbortController(), destroyed: new AbortController() });

export interface BuildOptions {
  readonly spec: GuestSpec;
  readonly steps: readonly Step[];
  readonly deps: StepDeps;
  readonly writer: RecordWriter;
  /** What is carried out, when somebody has asked for it. */
  readonly wish?: Wish | null | undefined;
  /** Bounds the starts of all instances. */
  readonly builds: LimitFunction;
  readonly log: Logger;
  /** The agent stops. */
  readonly signal: AbortSignal;
  /** The boot request has changed: ends a step that only waits. */
  readonly interrupt: Interrupt;
  /** A step that was given up has ended after all. */
  readonly onLateEnd: () => void;
}

/** Runs steps as part of an activation. @throws StepError */
export const runStepsOf = async (
  { deps, writer, signal, interrupt, onLateEnd, log }: Activation,
  { spec, steps, wish }: Pick<BuildOptions, 'spec' | 'steps' | 'wish'>,
): Promise<MadeSoFar> =>
  runSteps({ spec, steps, wish, deps: deps.steps, writer, builds: deps.builds, log, signal, interrupt, onLateEnd });

/**
 * Runs the steps in order, each noted in the record before it starts. Everything up to the start is made for all instances at once,
 * while the machine is still idle; the starts are bounded.
 *
 * @returns what they have made. @throws StepError
 */
export const runSteps = async (options: BuildOptions): Promise<MadeSoFar> => {
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
  if (split === steps.length) return made;
  const settling = steps.findIndex(({ kind }, index) => index > split && kind === 'settling');
  const end = settling === -1 ? steps.length : settling;
  await builds(async () => {
    for (const step of steps.slice(split, end)) await run(step);
  });
  for (const step of steps.slice(end)) await run(step);
  return made;
};

const runStep = async (step: Step, made: MadeSoFar, options: BuildOptions): Promise<void> => {
  const { spec, wish, log, deps, signal, interrupt, onLateEnd } = options;
  const stop = AbortSignal.any([signal, ...interruptionsOf(step, interrupt)]);
  await withDeadline(
    async (stepSignal) => step.run(deps, { spec, wish, log, made, signal: AbortSignal.any([stop, stepSignal]) }),
    {
      timeoutMs: step.timeoutSeconds(deps.config) * 1000,
      what: `${step.name} of instance ${spec.instance}`,
      signal: stop,
      onLateEnd,
    },
  );
};

/** Never interrupt a hypervisor call; a changed request interrupts only steps that wait. */
const interruptionsOf = ({ kind }: Step, { changed, destroyed }: Interrupt): readonly AbortSignal[] => {
  if (kind === 'waiting' || kind === 'settling') return [changed.signal];
  return kind === 'copying' ? [destroyed.signal] : [];
};
