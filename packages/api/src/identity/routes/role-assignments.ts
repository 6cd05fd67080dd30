import type { Route } from '../../http/route.js';
import { withImplied } from '../engine/roles-of.js';
import type { Identity } from '../identity.js';
import type { Assignment } from '../state/entities.js';
import type { View } from '../state/view.js';
import { isTrue } from './lists.js';

/** What somebody may do somewhere, and why. */
interface Row {
  readonly assignment: Assignment;
  /** Instead of a group's, when the groups are not asked for. */
  readonly user?: string;
}

export const createAssignmentRoutes = ({ store, url }: Identity): readonly Route[] => [
  {
    method: 'GET',
    path: '/v3/role_assignments',
    rule: 'identity:list_role_assignments',
    handle: ({ query }) => {
      const view = store.view();
      const has = (name: string): boolean => query.has(name) && isTrue(query.get(name) ?? '');
      const rows = has('effective')
        ? toEffective(view, view.list('assignment'))
        : view.list('assignment').map((assignment) => ({ assignment }));
      const shown = rows.filter((row) => isAskedFor(row, query));
      return {
        status: 200,
        body: {
          role_assignments: shown.map((row) => renderRow(view, row, { url, withNames: has('include_names') })),
          links: { self: `${url}/role_assignments`, previous: null, next: null },
        },
      };
    },
  },
];

/** Groups as their members, and roles with those that they imply. */
const toEffective = (view: View, assignments: readonly Assignment[]): readonly Row[] =>
  assignments.flatMap((assignment) => {
    const users = assignment.actor === 'user' ? [assignment.actor_id] : membersOf(view, assignment.actor_id);
    return withImplied(view, [assignment.role]).flatMap(({ id }) =>
      users.map((user) => ({ assignment: { ...assignment, role: id }, user })),
    );
  });

const membersOf = (view: View, group: string): readonly string[] =>
  view
    .list('membership')
    .filter((membership) => membership.group === group)
    .map(({ user }) => user);

const isAskedFor = ({ assignment, user }: Row, query: URLSearchParams): boolean => {
  const { actor, actor_id, target, target_id, role } = assignment;
  const values: Readonly<Record<string, string | undefined>> = {
    'user.id': user ?? (actor === 'user' ? actor_id : undefined),
    'group.id': user === undefined && actor === 'group' ? actor_id : undefined,
    'role.id': role,
    'scope.project.id': target === 'project' ? target_id : undefined,
    'scope.domain.id': target === 'domain' ? target_id : undefined,
    'scope.system': target === 'system' ? target_id : undefined,
  };
  const isSame = Object.entries(values).every(([name, value]) => {
    const wanted = query.get(name);
    if (wanted === null || wanted === '') return true;
    return name === 'scope.system' ? value !== undefined : value === wanted;
  });
  // None is inherited.
  return isSame && !query.has('scope.OS-INHERIT:inherited_to');
};

interface RenderOptions {
  readonly url: string;
  readonly withNames: boolean;
}

const renderRow = (view: View, { assignment, user }: Row, { url, withNames }: RenderOptions): object => {
  const { actor, actor_id, target, target_id, role } = assignment;
  const describe = (kind: 'user' | 'group' | 'project' | 'domain' | 'role', id: string): object => {
    const record = withNames ? view.get(kind, id) : undefined;
    if (!record) return { id };
    const domain =
      'domain' in record && typeof record.domain === 'string' ? view.get('domain', record.domain) : undefined;
    return { id, name: record.name, ...(domain && { domain: { id: domain.id, name: domain.name } }) };
  };
  const who = user === undefined ? { [actor]: describe(actor, actor_id) } : { user: describe('user', user) };
  const where = target === 'system' ? { system: { all: true } } : { [target]: describe(target, target_id) };
  const place = target === 'system' ? 'system' : `${target}s/${target_id}`;
  return {
    role: describe('role', role),
    ...who,
    scope: where,
    links: { assignment: `${url}/${place}/${actor}s/${actor_id}/roles/${assignment.role}` },
  };
};
