import { ACTIONS, type ActionName } from '@etcd-compute/common/wishes/kinds';
import type { Step } from '../steps/step.js';
import type { Tasks } from './tasks.js';

interface Circumstances {
  /** Its guest ran before. */
  readonly ran: boolean;
  /** Waits for nobody. */
  readonly isHard?: boolean;
}

export const isStart = ({ kind }: Pick<Step, 'kind'>): boolean => kind === 'starting' || kind === 'settling';

/** What leaves an instance as it was does not start one that was stopped. */
export const stepsOf = (tasks: Tasks, name: ActionName, { ran, isHard = false }: Circumstances): readonly Step[] =>
  tasks[name].steps.filter((step) => {
    if (isHard && step.kind === 'waiting') return false;
    return ran || ACTIONS[name].leadsTo !== 'as-before' || !isStart(step);
  });
