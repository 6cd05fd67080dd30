import type { EtcdServer } from '@etcd-compute/testing/etcd-server';
import { z } from 'zod';

/** etcd's JSON gateway, for what an operator does: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/ */

const CALL_TIMEOUT_MS = 3000;

const call = async <S extends z.ZodType>(
  { endpoint }: EtcdServer,
  path: string,
  { body, schema }: { body: unknown; schema: S },
): Promise<z.output<S>> => {
  const response = await fetch(`${endpoint}/v3/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`etcd at ${endpoint} answered ${path} with ${response.status}: ${text}`);
  return schema.parse(JSON.parse(text));
};

const statusSchema = z.looseObject({
  header: z.looseObject({ member_id: z.string(), revision: z.string().default('0') }),
  leader: z.string().default('0'),
});

export interface MemberStatus {
  readonly member: EtcdServer;
  readonly id: string;
  readonly leader: string;
  readonly revision: string;
}

/** Of the members that answer. */
export const readStatuses = async (members: readonly EtcdServer[]): Promise<MemberStatus[]> => {
  const results = await Promise.allSettled(
    members.map(async (member): Promise<MemberStatus> => {
      const { header, leader } = await call(member, 'maintenance/status', { body: {}, schema: statusSchema });
      return { member, id: header.member_id, leader, revision: header.revision };
    }),
  );
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
};

/** Undefined when nobody leads, or nobody says so. */
export const findLeader = (statuses: readonly MemberStatus[]): MemberStatus | undefined =>
  statuses.find(({ id, leader }) => id === leader);

export const moveLeader = async (from: EtcdServer, targetID: string): Promise<void> => {
  await call(from, 'maintenance/transfer-leadership', { body: { targetID }, schema: z.unknown() });
};

export const compact = async (member: EtcdServer, revision: string): Promise<void> => {
  await call(member, 'kv/compaction', { body: { revision, physical: true }, schema: z.unknown() });
};

/** `ACTIVATE` makes etcd refuse writes as it does when its database has no room left. */
export const setNoSpaceAlarm = async (
  member: EtcdServer,
  action: 'ACTIVATE' | 'DEACTIVATE',
  memberID: string,
): Promise<void> => {
  await call(member, 'maintenance/alarm', { body: { action, memberID, alarm: 'NOSPACE' }, schema: z.unknown() });
};

const leasesSchema = z.looseObject({ leases: z.array(z.looseObject({ ID: z.string() })).default([]) });
const leaseSchema = z.looseObject({ grantedTTL: z.string().default('0'), keys: z.array(z.string()).default([]) });

/** Leases that hold no key, and how long they were given. They run out by themselves. */
export const listEmptyLeases = async (member: EtcdServer): Promise<{ grantedSeconds: number }[]> => {
  const { leases } = await call(member, 'lease/leases', { body: {}, schema: leasesSchema });
  const empty: { grantedSeconds: number }[] = [];
  for (const { ID } of leases) {
    const lease = await call(member, 'lease/timetolive', { body: { ID, keys: true }, schema: leaseSchema });
    if (lease.keys.length === 0) empty.push({ grantedSeconds: Number(lease.grantedTTL) });
  }
  return empty;
};
