import type { Logger } from '@etcd-compute/common/log';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import type { Health } from '../session/health.js';
import type { Tasks } from '../kinds/tasks.js';
import { createAllocationAudit } from './allocations.js';
import type { Finding } from './audit.js';
import { createDiskAudit } from './disks.js';
import { publishFindings, type HostReportDeps } from './host-report.js';
import { createLeftoverAudit } from './leftovers.js';
import { takeLook, type Look, type LookDeps } from './look.js';
import { createRequestAudit } from './requests.js';
import type { StepDeps } from '../steps/step.js';

export interface AuditsDeps extends HostReportDeps, Omit<LookDeps, 'store' | 'steps'> {
  readonly steps: StepDeps;
  readonly capacity: Capacity;
  readonly tasks: Tasks;
  readonly health: Pick<Health, 'report'>;
  readonly log: Logger;
}

/**
 * The tasks of one audit round, to be run in turn once a period: one look for all audits, the audits, and the report. If an audit fails, the
 * report repeats its last findings. There is no report before each audit has succeeded once.
 */
export const createAudits = (deps: AuditsDeps): (() => Promise<void>)[] => {
  const audits = [
    createAllocationAudit({ ...deps, graceMs: deps.steps.config.audit.grace * 1000 }),
    createRequestAudit(deps),
    createLeftoverAudit(deps),
    createDiskAudit(deps),
  ];
  const latest = new Map<number, readonly Finding[]>();
  let look: Look | undefined;
  return [
    async () => {
      look = undefined;
      look = await takeLook(deps);
    },
    ...audits.map((audit, index) => async () => {
      if (look) latest.set(index, await audit.run(look));
    }),
    async () => {
      if (latest.size === audits.length) await publishFindings(deps, [...latest.values()].flat());
    },
  ];
};
