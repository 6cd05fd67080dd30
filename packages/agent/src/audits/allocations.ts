import type { Capacity, Held } from '@etcd-compute/common/capacity/capacity';
import { isOurConsumerType } from '@etcd-compute/common/audit/rules';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { StepDeps } from '../steps/step.js';
import { readRecord } from '../instances/read-record.js';
import { createFirstSeen, type Audit, type Finding, type FirstSeen } from './audit.js';
import { isShelved } from './look.js';
import { describeGuest } from './ours.js';

export interface AllocationAuditDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly capacity: Pick<Capacity, 'read' | 'release'>;
  readonly host: ProviderUuid;
  readonly steps: StepDeps;
  readonly graceMs: number;
  readonly now: () => number;
  readonly log: Logger;
}

/**
 * Allocations on this host without a boot request, or of an instance that is shelved: a scheduler died between its two writes. They are released when they had none for a grace
 * period, so that no running boot loses its allocation. Allocations of other consumer types belong to somebody else, and those of an
 * instance on another host belong to that host.
 *
 * An allocation whose guest is on this host is only reported: its request was lost, for example when etcd was restored from a backup, and the
 * guest uses the room.
 */
export const createAllocationAudit = (deps: AllocationAuditDeps): Audit => {
  const { store, keys, capacity, host, steps, graceMs, now, log } = deps;
  const lookAt = createFirstSeen(now);

  /** An instance is on the host of its processors. What it holds elsewhere, such as shared disk, does not matter here. */
  const isOfOtherHost = ({ allocations }: Held): boolean =>
    Object.entries(allocations).some(
      ([provider, { resources }]) => 'VCPU' in resources && provider.toLowerCase() !== host,
    );

  /** Read after Placement, so that a new request is seen. */
  const isOrphan = async (instance: InstanceUuid): Promise<boolean> => {
    const { entries } = await store.getMany([keys.request(host, instance), keys.report(host, instance)]);
    if (isShelved(entries[1])) return true;
    return entries[0] === undefined && readRecord(entries[1]) !== 'not-understood';
  };

  /** @returns the finding; undefined when there is none, or it is fixed. */
  const judge = async (instance: InstanceUuid, { since, isNew }: FirstSeen): Promise<Finding | undefined> => {
    const held = await capacity.read(instance);
    if (!isOurConsumerType(held.consumerType) || isOfOtherHost(held)) return undefined;
    if (!(await isOrphan(instance))) return undefined;
    const resources = held.allocations[host]?.resources;
    const guest = await describeGuest(steps, instance);
    const isDue = guest === undefined && now() - since >= graceMs;
    if (isDue && (await capacity.release(instance, held)) === 'released') {
      log.warn({ instanceUuid: instance, resources }, 'allocation without a boot request released');
      return undefined;
    }
    // At first it is most likely a running boot.
    if (isNew) return undefined;
    const why = guest === undefined ? '' : `; it is kept, because ${guest}`;
    const detail = `it holds ${JSON.stringify(resources)}${why}`;
    return { kind: 'allocation-without-request', instance, detail, since };
  };

  return {
    run: async ({ getHolders, requestsMeanwhile, shelvedHolders }) => {
      const orphans = [...getHolders()].filter((one) => !requestsMeanwhile.has(one) || shelvedHolders.has(one));
      const firstSeen = lookAt(orphans);
      const findings: Finding[] = [];
      for (const instance of orphans) {
        const seen = firstSeen.get(instance);
        const finding = seen && (await judge(instance, seen));
        if (finding) findings.push(finding);
      }
      return findings;
    },
  };
};
