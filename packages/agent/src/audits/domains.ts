import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import { instanceUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { listDisks } from '../disks/disk-pool.js';
import { undoSteps } from '../instances/build.js';
import { readMark } from '../instances/domain.js';
import type { StepDeps } from '../instances/steps/step.js';
import { TASKS } from '../instances/steps/tasks.js';

/**
 * What of ours is on this host without a boot request: domains and disks. Reported once each; removed only when the
 * config says so. What is not marked as this host's is never looked at.
 */
export interface DomainAudit {
  /** One look. @returns the instances found without a boot request. */
  readonly run: () => Promise<InstanceUuid[]>;
}

export interface DomainAuditDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly steps: StepDeps;
  readonly log: Logger;
}

export const createDomainAudit = ({ store, keys, host, steps, log }: DomainAuditDeps): DomainAudit => {
  const reported = new Set<InstanceUuid>();

  const listOurs = async (): Promise<Set<InstanceUuid>> => {
    const connection = steps.getConnection();
    const ours = new Set<InstanceUuid>(await listDisks(connection, steps.pool));
    for (const domain of await connection.listAllDomains()) {
      await using handle = domain;
      const instance = instanceUuidSchema.safeParse(handle.uuid).data;
      if (instance && (await readMark(handle))?.host === host) ours.add(instance);
    }
    return ours;
  };

  return {
    run: async () => {
      // Our things first, the requests after: what has just been built has its request already.
      const ours = await listOurs();
      const { entries } = await store.list(keys.requestsOf(host));
      const requested = new Set(entries.map(({ key }) => keys.parseRequest(key)?.instance));
      const orphans = [...ours].filter((instance) => !requested.has(instance));
      for (const instance of reported) if (!orphans.includes(instance)) reported.delete(instance);
      for (const instance of orphans) {
        if (steps.config.audit.remove_orphan_domains) {
          await undoSteps(TASKS.build, { deps: steps, instance, log });
          log.warn({ instanceUuid: instance }, 'domain or disk without a boot request removed');
        } else if (!reported.has(instance)) {
          log.warn({ instanceUuid: instance }, 'domain or disk without a boot request, left as it is');
          reported.add(instance);
        }
      }
      return orphans;
    },
  };
};
