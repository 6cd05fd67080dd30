import { cloudOf } from '@etcd-compute/cloud';
import type { Binding } from '@etcd-compute/cloud/placing/along';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Caller } from '../../../http/caller.js';
import { HttpError } from '../../../http/http-error.js';
import type { ServerGroup, Servers } from '../servers.js';
import type { Server } from '../state/server-record.js';
import { planJoin, refusesOfGroup } from './group-policy.js';
import { asked } from './to-http.js';
import { refusesOutside } from './zone-hosts.js';

/** Gives a shelved server a host of its zone that suits its group. @returns why it has none. */
export const unshelveServer = async (servers: Servers, server: Server, caller: Caller): Promise<Error | undefined> => {
  try {
    const outside = await refusesOutside(servers, { zone: server.availability_zone, caller });
    const group = server.group === null ? undefined : servers.groupOf(server.group, server.project);
    if (!group) return await giveHost(servers, server, { refuses: outside });
    const others = await refusesOfGroup(servers, { group, id: server.id });
    const failure = await giveHost(servers, server, { refuses: (host) => outside?.(host) ?? others(host), group });
    const isSoft = group.policy.startsWith('soft-');
    return failure && isSoft && isNoHost(failure)
      ? await giveHost(servers, server, { refuses: outside, group })
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
  { refuses, group }: Pick<Binding, 'refuses'> & { readonly group?: ServerGroup },
): Promise<Error | undefined> => {
  const { errors } = await asked(
    cloudOf(servers.servicesFor(server)).unshelve([server.id], {
      refuses,
      ...(group && { along: async ({ host }) => planJoin(servers, group, { id: server.id, host }) }),
    }),
  );
  return errors[0];
};
