import type { Assignment, Role } from '../state/entities.js';
import type { View } from '../state/view.js';

/** Where somebody may have a role. */
export interface Target {
  readonly type: Assignment['target'];
  /** `all` of the system. */
  readonly id: string;
}

export const SYSTEM: Target = { type: 'system', id: 'all' };

/** All assignments that count for a user: his own and those of his groups. */
export const assignmentsFor = (view: View, user: string): readonly Assignment[] => [
  ...view.assignmentsOf('user', user),
  ...view.groupsOf(user).flatMap(({ id }) => view.assignmentsOf('group', id)),
];

/** The roles that a user has somewhere, with those that they imply, by name. */
export const rolesOf = (view: View, user: string, target: Target): readonly Role[] => {
  const given = assignmentsFor(view, user).filter(
    (assignment) => assignment.target === target.type && assignment.target_id === target.id,
  );
  return withImplied(
    view,
    given.map(({ role }) => role),
  );
};

/** @param ids of roles; those that are not there any more are left out. */
export const withImplied = (view: View, ids: readonly string[]): readonly Role[] => {
  const found = new Map<string, Role>();
  const add = (id: string): void => {
    const role = found.has(id) ? undefined : view.get('role', id);
    if (!role) return;
    found.set(id, role);
    for (const implied of role.implies) add(implied);
  };
  for (const id of ids) add(id);
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
};
