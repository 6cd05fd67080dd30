import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { LeftoverKind } from '@etcd-compute/common/etcd/messages/host-audit';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Fence } from '../session/fence.js';
import type { Health } from '../session/health.js';
import { areTooMany } from '../limits/too-many.js';
import { undoSteps } from '../steps/undo.js';
import type { StepDeps } from '../steps/step.js';
import type { Tasks } from '../kinds/tasks.js';
import { createFirstSeen, type Audit, type Finding, type FirstSeen } from './audit.js';
import type { Look } from './look.js';
import type { Things } from './ours.js';

export interface LeftoverAuditDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly fence: Pick<Fence, 'isHeld' | 'wasGone' | 'forgive'>;
  readonly steps: StepDeps;
  readonly tasks: Tasks;
  readonly health: Pick<Health, 'report'>;
  readonly now: () => number;
  readonly log: Logger;
}

/** An instance that has something here, but no boot request. */
interface Orphan {
  readonly instance: InstanceUuid;
  readonly things: Things;
  readonly seen: FirstSeen;
}

/** A guest, or what may be its data. A console log is neither. */
const isGuest = ({ domain, hasDisk, hasFurtherDisk, hasConfigDrive }: Things): boolean =>
  [domain, hasDisk, hasFurtherDisk, hasConfigDrive].some((thing) => thing !== undefined);

const describe = (things: Things): string => (isGuest(things) ? 'domain or disk' : 'console log');

interface Census {
  readonly guests: number;
  /** Those of them that have no boot request. */
  readonly forgotten: number;
}

/**
 * What is on this host without a boot request: domains, disks and console logs. Each is reported once. It is removed when a boot request
 * asks for its destruction, or, if the config says so, after a grace period.
 *
 * Missing boot requests can also mean that etcd was emptied, was restored from a backup, or is another one. So the agent removes nothing by
 * itself when there are more than a few orphans, or more than a tenth of all that is here.
 */
export const createLeftoverAudit = (deps: LeftoverAuditDeps): Audit => {
  const { store, keys, host, fence, steps, tasks, health, now, log } = deps;
  const { remove_orphan_domains: isRemoving, max_removals: maxRemovals, grace } = steps.config.audit;
  const lookAt = createFirstSeen(now);
  const findOrphans = ({ getOurs, requestsMeanwhile }: Look): Orphan[] => {
    const left = [...getOurs()].filter(([instance]) => !requestsMeanwhile.has(instance));
    const firstSeen = lookAt(left.map(([instance]) => instance));
    return left.flatMap(([instance, things]) => {
      const seen = firstSeen.get(instance);
      return seen ? [{ instance, things, seen }] : [];
    });
  };

  /** Counts orphans in their grace too: they would be removed soon. @returns why none may be removed. */
  const whyNot = ({ guests, forgotten }: Census): string | undefined => {
    const most = Math.min(maxRemovals, Math.ceil(guests / 10));
    if (!isRemoving || forgotten <= most) return undefined;
    return `not removed: ${forgotten} of ${guests} guests here have no boot request, and at most ${most} are removed at once`;
  };

  /** If most guests are forgotten at once, or etcd was emptied, no person removed them one by one. */
  const reportHealth = ({ guests, forgotten }: Census, reason: string | undefined): void => {
    if (forgotten === 0) fence.forgive();
    const message = `${forgotten} of ${guests} guests here have no boot request: etcd was emptied, was restored from a backup, or is another one`;
    if (areTooMany({ of: guests, gone: forgotten }) || (fence.wasGone && forgotten > 0))
      health.report('requests', { code: 'guests-forgotten', message });
    else health.report('requests', reason === undefined ? null : { code: 'too-many-leftovers', message: reason });
  };

  /** @returns whether it is gone now. */
  const removeIfDue = async ({ instance, things, seen }: Orphan): Promise<boolean> => {
    if (now() - seen.since < grace * 1000 || !(await fence.isHeld())) return false;
    // Its request may have come back a moment ago.
    if (await store.get(keys.request(host, instance))) return false;
    await undoSteps(tasks.build.steps, { deps: steps, instance, log });
    log.warn({ instanceUuid: instance }, `${describe(things)} without a boot request removed`);
    return true;
  };

  const findingsOf = ({ instance, things, seen }: Orphan, reason: string | undefined): Finding[] => {
    const { domain, hasConfigDrive, hasConsoleLog } = things;
    const hasDisk = things.hasDisk ?? things.hasFurtherDisk;
    const find = (kind: LeftoverKind, what: string): Finding => ({
      kind,
      instance,
      detail: reason === undefined ? what : `${what}; ${reason}`,
      since: seen.since,
    });
    const disk = hasDisk ? `in ${steps.pool.folder}` : `its config drive, in ${steps.configDrivesDir}`;
    return [
      ...(domain ? [find('domain-without-request', domain.isActive ? 'it runs' : 'it is shut off')] : []),
      ...(hasDisk || hasConfigDrive ? [find('disk-without-request', disk)] : []),
      ...(hasConsoleLog ? [find('console-log-without-request', `in ${steps.consolesDir}`)] : []),
    ];
  };

  return {
    run: async (look) => {
      const orphans = findOrphans(look);
      const census = {
        guests: [...look.getOurs().values()].filter((things) => isGuest(things)).length,
        forgotten: orphans.filter(({ things }) => isGuest(things)).length,
      };
      const reason = whyNot(census);
      reportHealth(census, reason);
      const findings: Finding[] = [];
      for (const orphan of orphans) {
        if (isRemoving && reason === undefined && (await removeIfDue(orphan))) continue;
        const { instance, things, seen } = orphan;
        if (seen.isNew)
          log.warn({ instanceUuid: instance }, `${describe(things)} without a boot request, left as it is`);
        findings.push(...findingsOf(orphan, reason));
      }
      return findings;
    },
  };
};
