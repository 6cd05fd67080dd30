import { z } from 'zod';
import type { Along } from '@etcd-compute/cloud/placing/along';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
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

const isStrict = ({ policy }: ServerGroup): boolean => !policy.startsWith('soft-');

/** Why a group's next server may not be there; undefined when it may. @param hosts of its other servers. */
export const whyNot = (
  { policy, maxPerHost }: ServerGroup,
  hosts: readonly string[],
  host: string,
): string | undefined => {
  const there = hosts.filter((one) => one === host).length;
  if (policy.endsWith('anti-affinity'))
    return there < maxPerHost ? undefined : `has ${there} of the servers of its anti-affinity group`;
  return hosts.length === 0 || there > 0 ? undefined : 'the servers of its affinity group are on another one';
};

/** Where they are now: what an agent reports counts more than where one was placed. */
const hostsOf = ({ store }: Servers, hosts: Hosts, self: string): readonly string[] =>
  Object.entries(hosts).flatMap(([id, placed]) => (id === self ? [] : [store.report(id)?.host ?? placed]));

/** Where the servers of a group are. */
export const hostsOfGroup = async (servers: Servers, group: ServerGroup): Promise<readonly string[]> =>
  hostsOf(servers, (await readMembers(servers, group.id)).hosts, '');

/** To be written with a server that joins a group. @throws HttpError 403 when the group is full. */
export const planJoin = async (
  servers: Servers,
  group: ServerGroup,
  { id, host }: { id: string; host: string },
): Promise<Along | { readonly refused: string }> => {
  const { hosts, revision } = await readMembers(servers, group.id);
  if (group.maxMembers >= 0 && Object.keys(hosts).length >= group.maxMembers)
    throw new HttpError(403, 'Quota exceeded, too many servers in group');
  const refused = isStrict(group) ? whyNot(group, hostsOf(servers, hosts, id), host) : undefined;
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
