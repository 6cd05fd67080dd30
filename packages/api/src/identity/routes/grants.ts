import { notFound } from '../../http/http-error.js';
import { paramOf, type ApiRequest, type Route } from '../../http/route.js';
import { need } from '../engine/errors.js';
import type { Identity } from '../identity.js';
import { renderRole } from '../render.js';
import { idOf, type Assignment } from '../state/entities.js';
import type { View } from '../state/view.js';
import { listReply } from './lists.js';

const TARGETS = { project: '/v3/projects/:target', domain: '/v3/domains/:target', system: '/v3/system' } as const;
const ACTORS = { user: '/users/:actor', group: '/groups/:actor' } as const;

interface Place {
  readonly target: Assignment['target'];
  readonly actor: Assignment['actor'];
}

/** Which roles a user or a group is given in a project, in a domain, or in the system. */
export const createGrantRoutes = (identity: Identity): readonly Route[] =>
  (['project', 'domain', 'system'] as const).flatMap((target) =>
    (['user', 'group'] as const).flatMap((actor) => createRoutesOf(identity, { target, actor })),
  );

const createRoutesOf = (identity: Identity, place: Place): readonly Route[] => {
  const { store } = identity;
  const list = `${TARGETS[place.target]}${ACTORS[place.actor]}/roles`;
  const path = `${list}/:role`;
  const check = (request: ApiRequest) => {
    needAssignment(store.view(), assignmentOf(store.view(), request, place));
    return { status: 204 };
  };

  return [
    {
      method: 'GET',
      path: list,
      rule: 'identity:list_grants',
      handle: (request) => {
        const view = store.view();
        const { actor_id, target_id } = whoAndWhere(view, request, place);
        const roles = view
          .assignmentsOf(place.actor, actor_id)
          .filter((own) => own.target === place.target && own.target_id === target_id)
          .map(({ role }) => view.get('role', role))
          .filter((role) => role !== undefined)
          .toSorted((a, b) => (a.id < b.id ? -1 : 1));
        return listReply(identity, request, { name: 'roles', items: roles, render: renderRole });
      },
    },
    {
      method: 'PUT',
      path,
      rule: 'identity:create_grant',
      handle: async (request) => {
        await store.write((draft) => draft.put('assignment', assignmentOf(draft.view, request, place)));
        return { status: 204 };
      },
    },
    { method: 'HEAD', path, rule: 'identity:check_grant', handle: check },
    {
      method: 'DELETE',
      path,
      rule: 'identity:revoke_grant',
      handle: async (request) => {
        await store.write((draft) => {
          const assignment = assignmentOf(draft.view, request, place);
          needAssignment(draft.view, assignment);
          draft.delete('assignment', idOf('assignment', assignment));
        });
        return { status: 204 };
      },
    },
  ];
};

const whoAndWhere = (view: View, request: Pick<ApiRequest, 'params'>, { target, actor }: Place) => ({
  actor_id: need(view, actor, paramOf(request, 'actor')).id,
  target_id: target === 'system' ? 'all' : need(view, target, paramOf(request, 'target')).id,
});

const assignmentOf = (view: View, request: Pick<ApiRequest, 'params'>, place: Place): Assignment => ({
  version: 1,
  ...place,
  ...whoAndWhere(view, request, place),
  role: need(view, 'role', paramOf(request, 'role')).id,
});

const needAssignment = (view: View, assignment: Assignment): void => {
  if (!view.get('assignment', idOf('assignment', assignment)))
    throw notFound(
      `Could not find role assignment with role: ${assignment.role}, ${assignment.actor}: ${assignment.actor_id}, ${assignment.target}: ${assignment.target_id}.`,
    );
};
