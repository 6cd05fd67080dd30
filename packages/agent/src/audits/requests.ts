import { needsAllocation } from '@etcd-compute/common/audit/rules';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Entry, Store } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { listProviderAllocations } from '@etcd-compute/common/placement/allocations';
import type { PlacementClient } from '@etcd-compute/common/placement/client';
import { createFirstSeen, readRecord, type Audit, type Finding } from './audit.js';

export interface RequestAuditDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly placement: PlacementClient;
  readonly host: ProviderUuid;
  readonly now: () => number;
  readonly log: Logger;
}

/**
 * Instances that run, or are to run, without an allocation: Placement counts their room as free. Found when two looks in a row see
 * the same request without one: between the two, it stood without one for certain. Only reported; `eschedule audit --fix` mends it.
 */
export const createRequestAudit = ({ store, keys, placement, host, now, log }: RequestAuditDeps): Audit => {
  const lookAt = createFirstSeen(now);
  const reported = new Set<string>();

  const isMissing = async (instance: InstanceUuid, entry: Entry): Promise<boolean> => {
    const record = readRecord(await store.get(keys.record(instance)));
    const request = readRequest(entry);
    return request !== undefined && record !== 'not-understood' && needsAllocation(request, record, host);
  };

  return {
    run: async () => {
      const holders = new Set(Object.keys(await listProviderAllocations(placement, host)));
      const { entries } = await store.list(keys.requestsOf(host));
      const missing = new Map<string, InstanceUuid>();
      for (const entry of entries) {
        const instance = keys.parseRequest(entry.key)?.instance;
        if (instance === undefined || holders.has(instance) || !(await isMissing(instance, entry))) continue;
        missing.set(`${instance} ${entry.modRevision}`, instance);
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

/** Undefined for what is no boot request, or of another version; the reconciler says so. */
const readRequest = ({ value }: Entry): BootRequest | undefined => {
  try {
    return bootRequestSchema.parse(JSON.parse(value));
  } catch {
    return undefined;
  }
};
