import type { ApiState } from '../../world/read-api.js';
import { recordOf, type Rule, type Violation } from '../rule.js';

/** What holds at every revision: the servers of a group are on as many hosts as its policy wants. Pure. @param hosts where each is. */
export const findBrokenGroups = (
  { servers, groups }: Pick<ApiState, 'servers' | 'groups'>,
  hosts: ReadonlyMap<string, string>,
): Violation[] =>
  groups().flatMap(({ id, name, policy, max_per_host: most = 1 }): Violation[] => {
    const at = [...servers.values()]
      .filter(({ group, deleted_at }) => group === id && deleted_at === null)
      .flatMap((server) => hosts.get(server.id) ?? []);
    const crowded = [...new Set(at)].filter((host) => at.filter((one) => one === host).length > most);
    if (policy === 'anti-affinity' && crowded.length > 0)
      return [{ rule: 'group not apart', what: `${name}: more than ${most} on ${crowded.join(', ')}` }];
    if (policy === 'affinity' && new Set(at).size > 1)
      return [{ rule: 'group not together', what: `${name}: on ${[...new Set(at)].join(', ')}` }];
    return [];
  });

export const groupsAreKept: Rule = ({ world }) => {
  // What is shelved has a request where it was, and is on no host.
  const there = world.requests.filter(({ instance }) => recordOf(world, instance)?.state !== 'shelved');
  const hosts = new Map(there.map(({ instance, host }): [string, string] => [instance, host]));
  return [...findBrokenGroups(world.api, hosts), ...findWrongMembers(world.api)];
};

/** A group has the servers that say so, and no other. One that no host took is in none. */
const findWrongMembers = ({ servers, members }: ApiState): Violation[] => {
  const isIn = (group: string, id: string): boolean => members.get(group)?.[id] !== undefined;
  return [
    ...[...servers.values()]
      .filter(({ deleted_at, is_placed }) => deleted_at === null && is_placed)
      .filter(({ id, group }) => group !== null && !isIn(group, id))
      .map(({ id, group }) => ({ rule: 'not in its group', instance: id, what: `group ${group}` })),
    ...[...members].flatMap(([group, hosts]) =>
      Object.keys(hosts)
        .filter((id) => servers.get(id)?.group !== group || servers.get(id)?.deleted_at !== null)
        .map((id) => ({ rule: 'member left', instance: id, what: `in group ${group}` })),
    ),
  ];
};
