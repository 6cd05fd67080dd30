import { cloudOf } from '@etcd-compute/cloud';
import { closeSomeBooks } from '@etcd-compute/cloud/instances/books';
import { isGone, readInstances } from '@etcd-compute/cloud/instances/instance-entry';
import { DELETED_TTL_SECONDS } from '@etcd-compute/common/etcd/messages/instance-record';
import { EcomputeError } from '@etcd-compute/common/errors';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import type { Caller } from '../../../http/caller.js';
import type { Servers } from '../servers.js';
import { withAction, type Action, type Server } from '../state/server-record.js';
import { changeServer, planChange, type Plan } from './change-server.js';
import { planLeave } from './group-policy.js';
import { finish, isOpen } from './settle.js';
import { asked } from './to-http.js';

/** Who asks for something. */
export interface Asker {
  readonly caller: Caller;
  readonly requestId: string;
}

export const newAction = (
  { caller, requestId }: Asker,
  { action, task, count = null }: { action: string; task: string | null; count?: number | null },
): Action => ({
  request_id: requestId,
  action,
  user: caller.userId,
  project: caller.projectId ?? '',
  started_at: new Date().toISOString(),
  task_state: task,
  count,
  finished_at: null,
  result: null,
  message: null,
});

/**
 * Has a server destroyed: that it is to be, stands in its record and in its instance's request from the same txn on. Its agent carries that
 * out, and then `bury` ends it. Repeatable.
 */
export const deleteServer = async (servers: Servers, server: Server, asker: Asker): Promise<void> => {
  const { id, project, user } = server;
  const start: Plan = (now) =>
    now.deleting_at === null
      ? withAction(
          { ...now, deleting_at: new Date().toISOString() },
          newAction(asker, { action: 'delete', task: 'deleting' }),
        )
      : now;
  if (!server.is_placed) {
    await changeServer(servers, server, start);
    await bury(servers, server);
    return;
  }
  try {
    await asked(
      cloudOf(servers.servicesFor({ project, user })).destroy([id], {
        along: async () => planChange(servers, server, start),
      }),
    );
  } catch (err) {
    // There is nothing left of it but its record.
    if (!(err instanceof Error && err.cause instanceof EcomputeError && err.cause.code === 'ECOMPUTE_INSTANCE_UNKNOWN'))
      throw err;
  }
  // Where the cloud had nothing more to write, as for what somebody else has destroyed.
  await changeServer(servers, server, start);
};

/**
 * Ends a server whose instance is gone: the record goes under a lease, the project's usage and the group's members are changed with it.
 * Repeatable, and run by any eapi. @returns false while there is something left of the instance.
 */
export const bury = async (servers: Servers, server: Server): Promise<boolean> => {
  const { id, project, user, group } = server;
  const services = servers.servicesFor({ project, user });
  const instance = instanceUuidSchema.parse(id);
  const [entry] = await readInstances(services, [{ instance }]);
  if (entry && !isGone(entry)) return false;
  await closeSomeBooks(services, { instances: [instance] });
  const { etcd, reach } = servers.store;
  const lease = await etcd.grantLease(DELETED_TTL_SECONDS);
  const planned = await planChange(servers, server, end);
  const key = servers.store.keys.server(project, id);
  const left = group === null ? { guards: [], writes: [] } : await planLeave(servers, group, id);
  const { isCommitted, revision } = await etcd.txn(
    [...planned.guards, ...left.guards],
    [
      ...planned.writes.map((write) =>
        write.op === 'put' && write.key === key ? { ...write, lease: lease.id } : write,
      ),
      ...left.writes,
    ],
  );
  if (isCommitted) await reach(revision);
  else await lease.revoke();
  return isCommitted;
};

const end: Plan = (server) => {
  const at = new Date().toISOString();
  const finished = server.actions
    .filter(isOpen)
    .reduce(
      (after, action) => finish(after, action, { at, fault: action.action === 'delete' ? null : 'it was deleted' }),
      server,
    );
  return { ...finished, deleting_at: server.deleting_at ?? at, deleted_at: at, updated_at: at };
};
