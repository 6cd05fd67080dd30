import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { LeftoverKind } from '@etcd-compute/common/etcd/messages/host-audit';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Fence } from '../fence.js';
import { undoSteps } from '../instances/undo.js';
import type { StepDeps } from '../instances/steps/step.js';
import type { Tasks } from '../instances/steps/tasks.js';
import { createFirstSeen, type Audit, type Finding, type FirstSeen } from './audit.js';
import type { Look } from './look.js';

export interface LeftoverAuditDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly fence: Pick<Fence, 'isHeld'>;
  readonly steps: StepDeps;
  readonly tasks: Tasks;
  readonly now: () => number;
  readonly log: Logger;
}

/** An instance of which something is here, and no boot request. */
interface Orphan {
  readonly instance: InstanceUuid;
  readonly found: ReadonlyMap<LeftoverKind, string>;
  readonly seen: FirstSeen;
}

/** A guest, or what may be its data. A console log is neither. */
const isGuest = (found: ReadonlyMap<LeftoverKind, string>): boolean =>
  found.has('domain-without-request') || found.has('disk-without-request');

/**
 * What of ours is on this host without a boot request: domains, disks and console logs. Each is reported once. It is removed when a
 * boot request comes that wishes for it, or, where the config says so, after a grace period.
 *
 * Boot requests that are missing can also mean that etcd was emptied, was restored from a backup, or is another one. So the agent removes
 * nothing by itself when there are more orphans than a few, or than a tenth of all that is here.
 */
export const createLeftoverAudit = (deps: LeftoverAuditDeps): Audit => {
  const { store, keys, host, fence, steps, tasks, now, log } = deps;
  const { remove_orphan_domains: isRemoving, max_removals: maxRemovals, grace } = steps.config.audit;
  const lookAt = createFirstSeen(now);
  let isHeldBack = false;

  const findOrphans = (ours: ReturnType<Look['getOurs']>, requests: Look['requests']): Orphan[] => {
    const left = [...ours].filter(([instance]) => !requests.has(instance));
    const firstSeen = lookAt(left.map(([instance]) => instance));
    return left.flatMap(([instance, found]) => {
      const seen = firstSeen.get(instance);
      return seen ? [{ instance, found, seen }] : [];
    });
  };

  /** Orphans that are still in their grace count too: they would be removed soon. @returns why none may be removed. */
  const whyNot = (orphans: readonly Orphan[], guests: number): string | undefined => {
    const count = orphans.filter(({ found }) => isGuest(found)).length;
    const most = Math.min(maxRemovals, Math.ceil(guests / 10));
    if (count <= most) return undefined;
    return `not removed: ${count} of ${guests} guests here have no boot request, and at most ${most} are removed at once`;
  };

  /** @returns whether it is gone. */
  const removeIfDue = async ({ instance, found, seen }: Orphan): Promise<boolean> => {
    if (now() - seen.since < grace * 1000 || !(await fence.isHeld())) return false;
    // It may have been given back its request a moment ago.
    if (await store.get(keys.request(host, instance))) return false;
    await undoSteps(tasks.build, { deps: steps, instance, log });
    log.warn({ instanceUuid: instance }, `${describe(found)} without a boot request removed`);
    return true;
  };

  return {
    run: async ({ getOurs, requests }) => {
      const ours = getOurs();
      const orphans = findOrphans(ours, requests);
      const guests = [...ours.values()].filter((found) => isGuest(found)).length;
      const reason = isRemoving ? whyNot(orphans, guests) : undefined;
      if (reason !== undefined && !isHeldBack)
        log.error(
          { guests, orphans: orphans.length, maxRemovals },
          'too many guests without a boot request, none is removed',
        );
      isHeldBack = reason !== undefined;
      const findings: Finding[] = [];
      for (const orphan of orphans) {
        if (isRemoving && reason === undefined && (await removeIfDue(orphan))) continue;
        const { instance, found, seen } = orphan;
        if (seen.isNew)
          log.warn({ instanceUuid: instance }, `${describe(found)} without a boot request, left as it is`);
        for (const [kind, what] of found) {
          const detail = reason === undefined ? what : `${what}; ${reason}`;
          findings.push({ kind, instance, detail, since: seen.since });
        }
      }
      return findings;
    },
  };
};

const describe = (found: Orphan['found']): string => (isGuest(found) ? 'domain or disk' : 'console log');
