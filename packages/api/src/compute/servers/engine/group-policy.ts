import { z } from 'zod';
import { both, type Along, type PlanAlong } from '@etcd-compute/cloud/placing/along';
import { readInstances } from '@etcd-compute/cloud/instances/instance-entry';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { DEFAULT_PROJECT, instanceUuidSchema, type ProviderUuid } from '@etcd-compute/common/ids';
import { HttpError } from '../../../http/http-error.js';
import type { ServerGroup, Servers } from '../servers.js';

/**
 * The value at `members/GROUP`: where its servers are placed. Each placing of one compares and changes it, so that of two which are placed at
 * the same time the second one sees the first.
 */
const membersSchema = z.looseObject({ version: z.literal(1), hosts: z.record(z.string(), z.string()) });

type Hosts = Readonly<Record<string, string>>;

const readMembers = async (
  { store: { etcd, keys } }: Servers,
  group: string,
): Promise<{ hosts: Hosts; revision: string }> => {
  const entry = await etcd.get(keys.members(group));
  return entry
    ? { hosts: parseMessage(membersSchema, entry.key, entry.value).hosts, revision: entry.modRevision }
    : { hosts: {}, revision: '0' };
};

/** Its policy is kept where that is possible. */
export const isSoft = ({ policy }: ServerGroup): boolean => policy.startsWith('soft-');

/** Why a group's next server may not be there; undefined when it may. @param hosts of its other servers. */
const whyNot = ({ policy, maxPerHost }: ServerGroup, hosts: readonly string[], host: string): string | undefined => {
  const there = hosts.filter((one) => one === host).length;
  if (policy.endsWith('anti-affinity'))
    return there < maxPerHost ? undefined : `has ${there} of the servers of its anti-affinity group`;
  return hosts.length === 0 || there > 0 ? undefined : 'the servers of its affinity group are on another one';
};

/** Where the others are now; one that is shelved is nowhere. Read anew: what was written with the group's members is seen. */
const hostsOfOthers = async (servers: Servers, hosts: Hosts, self: string): Promise<readonly string[]> => {
  const others = Object.keys(hosts).filter((id) => id !== self);
  const services = servers.servicesFor({ project: DEFAULT_PROJECT, user: 'default' });
  const entries = await readInstances(
    services,
    others.map((id) => ({ instance: instanceUuidSchema.parse(id) })),
  );
  return entries.flatMap((entry) => (entry && entry.record?.state !== 'shelved' ? [entry.host] : []));
};

/** Why a host does not do for a server of a group, as the others are placed now. */
export const refusesOfGroup = async (
  servers: Servers,
  { group, id }: { group: ServerGroup; id: string },
): Promise<(host: ProviderUuid) => string | undefined> => {
  const others = await hostsOfOthers(servers, (await readMembers(servers, group.id)).hosts, id);
  return (host) => whyNot(group, others, host);
};

/** What is written with a server that gets a host, and that it is in its group there. @throws HttpError 403 when the group is full. */
export const planWithGroup =
  (
    servers: Servers,
    { id, group }: { readonly id: string; readonly group: ServerGroup | undefined },
    planOwn: () => Promise<Along>,
  ): PlanAlong =>
  async ({ host }) => {
    const own = await planOwn();
    if (!group) return own;
    const joined = await planJoin(servers, group, { id, host });
    return 'refused' in joined ? joined : both(own, joined);
  };

const planJoin = async (
  servers: Servers,
  group: ServerGroup,
  { id, host }: { id: string; host: string },
): Promise<Along | { readonly refused: string }> => {
  const { hosts, revision } = await readMembers(servers, group.id);
  const others = Object.keys(hosts).filter((one) => one !== id);
  if (group.maxMembers >= 0 && others.length >= group.maxMembers)
    throw new HttpError(403, 'Quota exceeded, too many servers in group');
  const refused = isSoft(group) ? undefined : whyNot(group, await hostsOfOthers(servers, hosts, id), host);
  if (refused !== undefined) return { refused };
  return write(servers, group.id, { hosts: { ...hosts, [id]: host }, revision });
};

/** To be written with the end of a server. */
export const planLeave = async (servers: Servers, group: string, id: string): Promise<Along> => {
  const { hosts, revision } = await readMembers(servers, group);
  if (!(id in hosts)) return { guards: [], writes: [] };
  const { [id]: _gone, ...rest } = hosts;
  return write(servers, group, { hosts: rest, revision });
};

const write = (
  { store: { keys } }: Servers,
  group: string,
  { hosts, revision }: { hosts: Hosts; revision: string },
): Along => {
  const key = keys.members(group);
  const isEmpty = Object.keys(hosts).length === 0;
  return {
    guards: [{ key, modRevision: revision }],
    writes: [isEmpty ? { op: 'delete', key } : { op: 'put', key, value: JSON.stringify({ version: 1, hosts }) }],
  };
};
