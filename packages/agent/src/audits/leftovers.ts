import type { Logger } from '@etcd-compute/common/log';
import { undoSteps } from '../instances/build.js';
import type { StepDeps } from '../instances/steps/step.js';
import type { Tasks } from '../instances/steps/tasks.js';
import { createFirstSeen, type Audit, type Finding } from './audit.js';

export interface LeftoverAuditDeps {
  readonly steps: StepDeps;
  readonly tasks: Tasks;
  readonly now: () => number;
  readonly log: Logger;
}

/**
 * What of ours is on this host without a boot request: domains, disks and console logs. Each is reported once. It is removed only when
 * the config says so, or when a boot request comes that wishes for it.
 */
export const createLeftoverAudit = (deps: LeftoverAuditDeps): Audit => {
  const { steps, tasks, now, log } = deps;
  const lookAt = createFirstSeen(now);
  return {
    run: async ({ getOurs, requests }) => {
      const left = [...getOurs()].filter(([instance]) => !requests.has(instance));
      const firstSeen = lookAt(left.map(([instance]) => instance));
      const findings: Finding[] = [];
      for (const [instance, found] of left) {
        const { since, isNew } = firstSeen.get(instance) ?? { since: now(), isNew: true };
        const isMore = found.has('domain-without-request') || found.has('disk-without-request');
        const what = isMore ? 'domain or disk' : 'console log';
        if (steps.config.audit.remove_orphan_domains) {
          await undoSteps(tasks.build, { deps: steps, instance, log });
          log.warn({ instanceUuid: instance }, `${what} without a boot request removed`);
          continue;
        }
        if (isNew) log.warn({ instanceUuid: instance }, `${what} without a boot request, left as it is`);
        for (const [kind, detail] of found) findings.push({ kind, instance, detail, since });
      }
      return findings;
    },
  };
};
