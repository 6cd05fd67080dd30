import type { Health } from '../session/health.js';
import type { StepDeps } from '../steps/step.js';
import { areTooMany } from '../limits/too-many.js';
import type { Audit } from './audit.js';

/**
 * Finds domains without their disk. If most disks are gone at once, a file system is not mounted: the host then cannot work, since new
 * disks would be made in the wrong place. For a single disk, the domain's start reports the error.
 */
export const createDiskAudit = ({
  steps,
  health,
}: {
  readonly steps: Pick<StepDeps, 'pool'>;
  readonly health: Pick<Health, 'report'>;
}): Audit => ({
  run: async ({ getOurs }) => {
    const guests = [...getOurs().values()].filter(({ domain }) => domain !== undefined);
    const gone = guests.filter(({ hasDisk }) => hasDisk !== true).length;
    const message = `the disks of ${gone} of ${guests.length} guests are not in ${steps.pool.folder}: is its file system mounted?`;
    health.report('disks', areTooMany({ of: guests.length, gone }) ? { code: 'disks-gone', message } : null);
    return [];
  },
});
