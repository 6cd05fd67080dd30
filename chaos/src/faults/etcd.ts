import { waitFor } from '@etcd-compute/testing/wait-for';
import type { EtcdServer } from '@etcd-compute/testing/etcd-server';
import { compact, findLeader, moveLeader, readStatuses, setNoSpaceAlarm, type MemberStatus } from './etcd-api.js';
import { NOTHING_TO_MEND, type FaultContext, type Inject } from './inject.js';
import { killService, pauseService } from './processes.js';

/** What etcd's members and its operators do. */

const memberOf = ({ stage, target }: FaultContext): EtcdServer => {
  const member = stage.etcd.members[target];
  if (!member) throw new Error(`there is no member ${target} of etcd`);
  return member;
};

export const killMember: Inject = async (context) => killService(context, [memberOf(context)]);
export const pauseMember: Inject = async (context) => pauseService(memberOf(context));
export const killAllMembers: Inject = async (context) => killService(context, context.stage.etcd.members);

export const killLeader: Inject = async (context) => {
  const leader = findLeader(await readStatuses(context.stage.etcd.members));
  return leader && killService(context, [leader.member]);
};

export const changeLeader: Inject = async ({ stage }) => {
  const statuses = await readStatuses(stage.etcd.members);
  const leader = findLeader(statuses);
  const next = statuses.find(({ id }) => id !== leader?.id);
  if (!leader || !next) return undefined;
  await moveLeader(leader.member, next.id);
  return NOTHING_TO_MEND;
};

/** Everything before now is forgotten: a watch that is behind cannot go on. */
export const compactAll: Inject = async ({ stage }) => {
  const leader = findLeader(await readStatuses(stage.etcd.members));
  if (!leader) return undefined;
  await compact(leader.member, leader.revision);
  return NOTHING_TO_MEND;
};

export const fillDatabase: Inject = async ({ stage }) => {
  const leader = findLeader(await readStatuses(stage.etcd.members));
  if (!leader) return undefined;
  await setNoSpaceAlarm(leader.member, 'ACTIVATE', leader.id);
  return async () => disarm(stage.etcd.members, leader);
};

/** Whoever of them answers: the leader may be another one by now, and may be away itself. */
const disarm = async (members: readonly EtcdServer[], { id }: MemberStatus): Promise<void> => {
  await waitFor(
    async () => {
      const [anyone] = await readStatuses(members);
      if (!anyone) return false;
      await setNoSpaceAlarm(anyone.member, 'DEACTIVATE', id);
      return true;
    },
    { what: "etcd's alarm to be disarmed", intervalMs: 200 },
  );
};
