import { needsAllocation } from '@etcd-compute/common/audit/rules';
import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Finding } from '../finding.js';
import type { StoredRequest } from '../seen.js';
import { deletion, describeAllocations, NOTHING_MORE, type Rule, type World } from '../world.js';

export const findRequests: Rule = (world) =>
  world.requests.flatMap((request): Finding[] => {
    const { host, instance, value, modRevision } = request;
    if (!world.hasHost(host)) return [withoutHost(world, request)];
    const record = world.recordAt(host, instance)?.value ?? world.liveRecord(instance);
    if (value === 'not-understood' || record === 'not-understood' || !world.providers.has(host)) return [];
    if (!needsAllocation(value, record, host) || world.holders.get(host)?.includes(instance)) return [];
    return [
      {
        ...NOTHING_MORE,
        kind: 'request-without-allocation',
        instance,
        host,
        detail: `Placement counts its room as free: ${describeAllocations(value.allocations)}`,
        evidence: modRevision,
        mend: { by: 'allocate', request: value, requestRevision: modRevision },
      },
    ];
  });

/** A request is removed only if nothing shows that an agent of the host ever had the instance: its disk may be there. */
const withoutHost = (world: World, { host, instance, value, modRevision }: StoredRequest): Finding => {
  const record = world.recordAt(host, instance);
  const isClaimed = record !== undefined && (record.value === 'not-understood' || record.value.session !== null);
  const isKept = value === 'not-understood' || (!isDestroyWish(value) && (isClaimed || world.reports.has(host)));
  const key = world.keys.request(host, instance);
  const recordKey = record?.key ?? world.keys.report(host, instance);
  return {
    ...NOTHING_MORE,
    kind: 'request-without-host',
    instance,
    host,
    detail: 'its host is not in Placement, and has no agent',
    evidence: `${modRevision} ${record?.modRevision}`,
    mend: isKept
      ? {
          by: 'person',
          hint: 'start the agent of its host; if the host is gone for good, destroy the instance by force',
        }
      : deletion(world, {
          instance,
          host,
          keys: [key, recordKey],
          guards: [
            { key, modRevision },
            { key: recordKey, modRevision: record?.modRevision ?? '0' },
          ],
        }),
  };
};
