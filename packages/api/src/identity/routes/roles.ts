import { z } from 'zod';
import { paramOf, withBody, type Route } from '../../http/route.js';
import { nameTaken, need } from '../engine/errors.js';
import { remove } from '../engine/remove.js';
import type { Identity } from '../identity.js';
import { renderRole } from '../render.js';
import type { Draft } from '../state/draft.js';
import type { Role } from '../state/entities.js';
import type { View } from '../state/view.js';
import { extrasOf, nameField, newId, orNothing, text, withExtras } from './fields.js';
import { isAsked, listReply } from './lists.js';

const fields = { description: orNothing(text), domain_id: orNothing(z.never('roles belong to no domain')) };
const KNOWN = ['name', ...Object.keys(fields)];

const createBody = z.object({ role: withExtras({ name: nameField, ...fields }) });
const updateBody = z.object({ role: withExtras({ name: orNothing(nameField), ...fields }) });

export const createRoleRoutes = (identity: Identity): readonly Route[] => {
  const { store, url } = identity;
  const reply = (role: Role, status = 200) => ({ status, body: { role: renderRole(role, url) } });

  return [
    {
      method: 'GET',
      path: '/v3/roles',
      rule: 'identity:list_roles',
      handle: (request) => {
        // There are none that belong to a domain.
        const isOfDomain = request.query.has('domain_id') && request.query.get('domain_id') !== '';
        const roles = isOfDomain ? [] : store.view().list('role');
        const items = roles.filter(({ name }) => isAsked(request.query, { name }));
        return listReply(identity, request, { name: 'roles', items, render: renderRole });
      },
    },
    withBody({
      method: 'POST',
      path: '/v3/roles',
      rule: 'identity:create_role',
      body: createBody,
      handle: async ({ body: { role: body } }) => {
        const { name, description } = body;
        const extra = extrasOf(body, KNOWN);
        const role: Role = {
          version: 1,
          id: newId(),
          name,
          implies: [],
          extra,
          ...(description !== undefined && { description }),
        };
        await store.write((draft) => {
          refuseName(draft, name);
          draft.put('role', role);
        });
        return reply(role, 201);
      },
    }),
    {
      method: 'GET',
      path: '/v3/roles/:id',
      rule: 'identity:get_role',
      handle: (request) => reply(need(store.view(), 'role', paramOf(request, 'id'))),
    },
    withBody({
      method: 'PATCH',
      path: '/v3/roles/:id',
      rule: 'identity:update_role',
      body: updateBody,
      handle: async (request) => {
        const { name, description } = request.body.role;
        return reply(
          await store.write((draft) => {
            const before = need(draft.view, 'role', paramOf(request, 'id'));
            if (name !== undefined && name !== before.name) refuseName(draft, name);
            const after: Role = {
              ...before,
              name: name ?? before.name,
              extra: { ...before.extra, ...extrasOf(request.body.role, KNOWN) },
              ...(description !== undefined && { description }),
            };
            draft.put('role', after);
            return after;
          }),
        );
      },
    }),
    {
      method: 'DELETE',
      path: '/v3/roles/:id',
      rule: 'identity:delete_role',
      handle: async (request) => {
        const id = paramOf(request, 'id');
        await remove(store, { kind: 'role', id }, (view) => need(view, 'role', id));
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: '/v3/roles/:id/implies',
      rule: 'identity:list_implied_roles',
      handle: (request) => ({
        status: 200,
        body: {
          role_inference: renderInference(store.view(), {
            role: need(store.view(), 'role', paramOf(request, 'id')),
            url,
          }),
          links: { self: `${url}/roles/${paramOf(request, 'id')}/implies` },
        },
      }),
    },
    {
      method: 'GET',
      path: '/v3/role_inferences',
      rule: 'identity:list_role_inference_rules',
      handle: () => {
        const roles = store
          .view()
          .list('role')
          .filter(({ implies }) => implies.length > 0);
        return {
          status: 200,
          body: {
            role_inferences: roles.map((role) => renderInference(store.view(), { role, url })),
            links: { self: `${url}/role_inferences` },
          },
        };
      },
    },
  ];
};

const renderInference = (view: View, { role, url }: { role: Role; url: string }): object => ({
  prior_role: brief(role, url),
  implies: role.implies
    .map((id) => view.get('role', id))
    .filter((implied) => implied !== undefined)
    .map((implied) => brief(implied, url)),
});

const brief = ({ id, name, description }: Role, url: string): object => ({
  id,
  name,
  description: description ?? null,
  links: { self: `${url}/roles/${id}` },
});

const refuseName = ({ view }: Draft, name: string): void => {
  if (view.named('role', name)) throw nameTaken('role', name);
};
