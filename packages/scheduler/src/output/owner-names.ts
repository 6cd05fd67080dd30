import { isPermissionDenied } from '@etcd-compute/common/etcd/errors';
import { parseJson } from '@etcd-compute/common/parse-json';
import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import type { Services } from '@etcd-compute/cloud/services';
import { z } from 'zod';

/** Of the records that `eapi` keeps of projects and users. */
const namedSchema = z.looseObject({ name: z.string() });

/** The ids that `eapi` makes. */
const ID = /^[0-9a-f]{32}$/;

/** What people call a project or a user; who was not made by `eapi` has no other name. */
export type OwnerNames = (kind: 'project' | 'user', id: string | null) => string | undefined;

type Owned = Pick<InstanceView, 'project' | 'user'>;

/** One read, and none where `eapi` has made nobody. Whoever may not read it sees ids. */
export const readOwnerNames = async (
  { keys, store }: Pick<Services, 'keys' | 'store'>,
  views: readonly Owned[],
): Promise<OwnerNames> => {
  const wanted = new Set<string>();
  for (const { project, user } of views) {
    if (project !== null && ID.test(project)) wanted.add(`project/${project}`);
    if (user !== null && ID.test(user)) wanted.add(`user/${user}`);
  }
  const names = new Map<string, string>();
  const ids = [...wanted];
  const entries = ids.length === 0 ? [] : await read(ids.map((id) => `${keys.identity}state/${id}`));
  for (const [index, entry] of entries.entries()) {
    const named = entry && parseJson(namedSchema, entry.value);
    if (named) names.set(ids[index] ?? '', named.name);
  }
  return (kind, id) => names.get(`${kind}/${id}`);

  async function read(all: readonly string[]): Promise<readonly ({ readonly value: string } | undefined)[]> {
    try {
      return (await (await store()).getMany(all)).entries;
    } catch (err) {
      if (isPermissionDenied(err)) return [];
      throw err;
    }
  }
};

/** For a list: names instead of ids. */
export const withOwnerNames = <V extends Owned>(views: readonly V[], names: OwnerNames): V[] =>
  views.map((view) => ({
    ...view,
    project: names('project', view.project) ?? view.project,
    user: names('user', view.user) ?? view.user,
  }));

/** For one instance: its owners’ names with their ids. */
export const withNamedOwners = <V extends Owned>(view: V, names: OwnerNames): V => {
  const both = (kind: 'project' | 'user', id: string | null): string | null => {
    const name = names(kind, id);
    return name === undefined ? id : `${name} (${id})`;
  };
  return { ...view, project: both('project', view.project), user: both('user', view.user) };
};
