import { needsAllocation } from '@etcd-compute/common/audit/rules';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { readRecord, readRequest } from '../instances/read-record.js';
import { createFirstSeen, type Audit, type Finding } from './audit.js';

export interface RequestAuditDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly now: () => number;
  readonly log: Logger;
}

/**
 * Finds instances without an allocation: Placement counts their room as free. Two looks in a row must see the same request without one, so
 * that a boot in progress is not reported. The audit only reports it; `eschedule audit --fix` fixes it.
 */
export const createRequestAudit = ({ store, keys, host, now, log }: RequestAuditDeps): Audit => {
  const lookAt = createFirstSeen(now);
  const reported = new Set<string>();

  /** @returns the revision of the request if it should have an allocation. */
  const findMissing = async (instance: InstanceUuid): Promise<string | undefined> => {
    const { entries } = await store.getMany([keys.request(host, instance), keys.report(host, instance)]);
    const [entry, record] = [entries[0], readRecord(entries[1])];
    const request = entry && readRequest(entry);
    if (!request || record === 'not-understood' || !needsAllocation(request, record, host)) return undefined;
    return entry?.modRevision;
  };

  return {
    run: async ({ getHolders, requests }) => {
      const holders = getHolders();
      const missing = new Map<string, InstanceUuid>();
      for (const instance of requests) {
        const revision = holders.has(instance) ? undefined : await findMissing(instance);
        if (revision !== undefined) missing.set(`${instance} ${revision}`, instance);
      }
      const findings: Finding[] = [];
      for (const [key, { since, isNew }] of lookAt([...missing.keys()])) {
        const instance = missing.get(key);
        if (instance === undefined || isNew) continue;
        if (!reported.has(key)) log.warn({ instanceUuid: instance }, 'boot request without an allocation in Placement');
        reported.add(key);
        findings.push({
          kind: 'request-without-allocation',
          instance,
          detail: 'Placement counts its room as free',
          since,
        });
      }
      for (const key of reported) if (!missing.has(key)) reported.delete(key);
      return findings;
    },
  };
};
