import { cloudOf } from '@etcd-compute/cloud';
import { readInstances } from '@etcd-compute/cloud/instances/instance-entry';
import type { Binding } from '@etcd-compute/cloud/placing/along';
import { forgetCopies } from '@etcd-compute/cloud/shelving/forget-copies';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { DiskCopy } from '@etcd-compute/common/etcd/messages/shelved';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import type { Caller } from '../../../http/caller.js';
import { HttpError } from '../../../http/http-error.js';
import type { ServerGroup, Servers } from '../servers.js';
import type { Server } from '../state/server-record.js';
import { changeServer, planChange, type Plan } from './change-server.js';
import { isSoft, planWithGroup, refusesOfGroup } from './group-policy.js';
import { asked } from './to-http.js';
import { refusesOutside } from './zone-hosts.js';

interface UnshelveOptions {
  readonly caller: Caller;
  /** What else changes in the txn that gives it a host: it may be planned several times. */
  readonly note: Plan;
}

/** Gives a shelved server a host of its zone that suits its group. @returns why it has none. */
export const unshelveServer = async (
  servers: Servers,
  server: Server,
  { caller, note }: UnshelveOptions,
): Promise<Error | undefined> => {
  try {
    const outside = await refusesOutside(servers, { zone: server.availability_zone, caller });
    const group = server.group === null ? undefined : servers.groupOf(server.group, server.project);
    if (!group) return await giveHost(servers, server, { refuses: outside, note });
    const others = await refusesOfGroup(servers, { group, id: server.id });
    const failure = await giveHost(servers, server, {
      refuses: (host) => outside?.(host) ?? others(host),
      group,
      note,
    });
    return failure && isSoft(group) && isNoHost(failure)
      ? await giveHost(servers, server, { refuses: outside, group, note })
      : failure;
  } catch (err) {
    if (err instanceof HttpError) return err;
    throw err;
  }
};

const isNoHost = (err: Error): boolean => err instanceof EcomputeError && err.code === 'ECOMPUTE_NO_CANDIDATES';

const giveHost = async (
  servers: Servers,
  server: Server,
  { refuses, group, note }: Pick<Binding, 'refuses'> & { readonly group?: ServerGroup; readonly note: Plan },
): Promise<Error | undefined> => {
  const { errors } = await asked(
    cloudOf(servers.servicesFor(server)).unshelve([server.id], {
      refuses,
      along: planWithGroup(servers, { id: server.id, group }, async () => {
        const copies = await readCopies(servers, server);
        return planChange(servers, server, (now) => ({ ...note(now), copies }));
      }),
    }),
  );
  return errors[0];
};

const readCopies = async (servers: Servers, { id, project, user }: Server): Promise<DiskCopy[]> => {
  const [entry] = await readInstances(servers.servicesFor({ project, user }), [
    { instance: instanceUuidSchema.parse(id) },
  ]);
  return [...(entry?.request?.shelved?.copies ?? [])];
};

/** Has the hosts forget the copies that a server came back from. Repeatable. @returns whether none is left that this server knows of. */
export const forgetCopiesOf = async (servers: Servers, server: Server): Promise<boolean> => {
  const { copies = [], project, user } = server;
  const errors = await forgetCopies(servers.servicesFor({ project, user }), { copies, project, waitMs: FORGET_MS });
  for (const err of errors) servers.log.info({ instanceUuid: server.id, err }, 'a copy of a disk is still there');
  if (errors.length > 0) return false;
  await changeServer(servers, server, ({ copies: _gone, ...now }) => now);
  return true;
};

const FORGET_MS = 10_000;
