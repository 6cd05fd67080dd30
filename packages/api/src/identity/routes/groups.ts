import { z } from 'zod';
import { badRequest, notFound } from '../../http/http-error.js';
import { callerOf, paramOf, withBody, type ApiRequest, type Route } from '../../http/route.js';
import { nameTaken, need } from '../engine/errors.js';
import { remove } from '../engine/remove.js';
import type { Identity } from '../identity.js';
import { renderGroup, renderUser } from '../render.js';
import type { Draft } from '../state/draft.js';
import type { Group, Records } from '../state/entities.js';
import type { View } from '../state/view.js';
import { extrasOf, idField, nameField, newId, orNothing, text, withExtras } from './fields.js';
import { isAsked, listReply } from './lists.js';
import { filterUsers } from './users.js';

const fields = { description: orNothing(text), domain_id: orNothing(idField) };
const KNOWN = ['name', ...Object.keys(fields)];

const createBody = z.object({ group: withExtras({ name: nameField, ...fields }) });
const updateBody = z.object({ group: withExtras({ name: orNothing(nameField), ...fields }) });

export const createGroupRoutes = (identity: Identity): readonly Route[] => {
  const { store, url } = identity;
  const target = (request: Pick<ApiRequest, 'params'>) => ({
    'target.group.domain_id': store.view().get('group', paramOf(request, 'id'))?.domain,
  });
  const reply = (group: Group, status = 200) => ({ status, body: { group: renderGroup(group, url) } });

  return [
    {
      method: 'GET',
      path: '/v3/groups',
      rule: 'identity:list_groups',
      target: ({ query }) => ({ 'target.domain_id': query.get('domain_id') ?? undefined }),
      handle: (request) => listGroups(identity, request, store.view().list('group')),
    },
    withBody({
      method: 'POST',
      path: '/v3/groups',
      rule: 'identity:create_group',
      body: createBody,
      handle: async (request) => {
        const { group: body } = request.body;
        const domain = body.domain_id ?? callerOf(request).projectDomainId ?? callerOf(request).userDomainId;
        const { name, description = '' } = body;
        const group: Group = { version: 1, id: newId(), domain, name, description, extra: extrasOf(body, KNOWN) };
        await store.write((draft) => {
          if (!draft.view.get('domain', domain)) throw badRequest(`Could not find domain: ${domain}.`);
          refuseName(draft, group);
          draft.put('group', group);
        });
        return reply(group, 201);
      },
    }),
    {
      method: 'GET',
      path: '/v3/groups/:id',
      rule: 'identity:get_group',
      target,
      handle: (request) => reply(need(store.view(), 'group', paramOf(request, 'id'))),
    },
    withBody({
      method: 'PATCH',
      path: '/v3/groups/:id',
      rule: 'identity:update_group',
      target,
      body: updateBody,
      handle: async (request) => {
        const { name, description, domain_id } = request.body.group;
        return reply(
          await store.write((draft) => {
            const before = need(draft.view, 'group', paramOf(request, 'id'));
            if (domain_id !== undefined && domain_id !== before.domain)
              throw badRequest('A group stays in its domain.');
            const after: Group = {
              ...before,
              name: name ?? before.name,
              description: description ?? before.description,
              extra: { ...before.extra, ...extrasOf(request.body.group, KNOWN) },
            };
            if (after.name !== before.name) refuseName(draft, after);
            draft.put('group', after);
            return after;
          }),
        );
      },
    }),
    {
      method: 'DELETE',
      path: '/v3/groups/:id',
      rule: 'identity:delete_group',
      target,
      handle: async (request) => {
        const id = paramOf(request, 'id');
        await remove(store, { kind: 'group', id }, (view) => need(view, 'group', id));
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: '/v3/users/:id/groups',
      rule: 'identity:list_groups_for_user',
      target: (request) => {
        const id = paramOf(request, 'id');
        return { 'target.user.id': id, 'target.user.domain_id': store.view().get('user', id)?.domain };
      },
      handle: (request) => {
        const user = need(store.view(), 'user', paramOf(request, 'id'));
        return listGroups(identity, request, store.view().groupsOf(user.id));
      },
    },
    ...createMemberRoutes(identity, target),
  ];
};

const createMemberRoutes = (identity: Identity, target: NonNullable<Route['target']>): readonly Route[] => {
  const { store } = identity;
  const path = '/v3/groups/:id/users/:user';

  return [
    {
      method: 'GET',
      path: '/v3/groups/:id/users',
      rule: 'identity:list_users_in_group',
      target,
      handle: (request) => {
        const view = store.view();
        const group = need(view, 'group', paramOf(request, 'id'));
        const members = view.list('user').filter(({ id }) => view.get('membership', `${group.id}/${id}`));
        return listReply(identity, request, {
          name: 'users',
          items: filterUsers(members, request),
          render: renderUser,
        });
      },
    },
    {
      method: 'PUT',
      path,
      rule: 'identity:add_user_to_group',
      handle: async (request) => {
        await store.write((draft) => draft.put('membership', membershipOf(draft.view, request)));
        return { status: 204 };
      },
    },
    {
      method: 'HEAD',
      path,
      rule: 'identity:check_user_in_group',
      target,
      handle: (request) => {
        needMembership(store.view(), request);
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      path,
      rule: 'identity:remove_user_from_group',
      handle: async (request) => {
        await store.write((draft) => {
          const { group, user } = needMembership(draft.view, request);
          draft.delete('membership', `${group}/${user}`);
        });
        return { status: 204 };
      },
    },
  ];
};

type Membership = Records['membership'];

const membershipOf = (view: View, request: Pick<ApiRequest, 'params'>): Membership => ({
  version: 1,
  group: need(view, 'group', paramOf(request, 'id')).id,
  user: need(view, 'user', paramOf(request, 'user')).id,
});

const needMembership = (view: View, request: Pick<ApiRequest, 'params'>): Membership => {
  const { group, user } = membershipOf(view, request);
  const membership = view.get('membership', `${group}/${user}`);
  if (!membership) throw notFound(`User ${user} is not in group ${group}.`);
  return membership;
};

const listGroups = (identity: Identity, request: Pick<ApiRequest, 'query' | 'url'>, groups: readonly Group[]) => {
  const items = groups.filter(({ name, domain }) => isAsked(request.query, { name, domain_id: domain }));
  return listReply(identity, request, { name: 'groups', items, render: renderGroup });
};

const refuseName = ({ view }: Draft, { name, domain }: Group): void => {
  if (view.named('group', name, domain)) throw nameTaken('group', name);
};
