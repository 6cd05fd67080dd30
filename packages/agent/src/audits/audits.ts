import type { PlacementClient } from '@etcd-compute/common/placement/client';
import type { Logger } from '@etcd-compute/common/log';
import type { StepDeps } from '../instances/steps/step.js';
import type { Tasks } from '../instances/steps/tasks.js';
import { createAllocationAudit } from './allocations.js';
import type { Finding } from './audit.js';
import { publishFindings, type HostReportDeps } from './host-report.js';
import { createLeftoverAudit } from './leftovers.js';
import { createRequestAudit } from './requests.js';

export interface AuditsDeps extends HostReportDeps {
  readonly placement: PlacementClient;
  readonly steps: StepDeps;
  readonly tasks: Tasks;
  readonly log: Logger;
}

/**
 * The audits of a host, and the report on them, to be run in turn once a period. Each fails for itself: of one that could not look
 * this time the report says what it found before, and there is no report before each has looked once.
 */
export const createAudits = (deps: AuditsDeps): (() => Promise<void>)[] => {
  const audits = [
    createAllocationAudit({ ...deps, graceMs: deps.steps.config.audit.grace * 1000 }),
    createRequestAudit(deps),
    createLeftoverAudit(deps),
  ];
  const latest = new Map<number, readonly Finding[]>();
  return [
    ...audits.map((audit, index) => async () => {
      latest.set(index, await audit.run());
    }),
    async () => {
      if (latest.size === audits.length) await publishFindings(deps, [...latest.values()].flat());
    },
  ];
};
